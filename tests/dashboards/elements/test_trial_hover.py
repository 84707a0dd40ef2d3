import html

from hypothesis import given, settings
from hypothesis import strategies as st

from dashboards.elements.complete_trials import complete_trials
from dashboards.elements.quantity import Quantity, find_quantity
from dashboards.elements.trial_hover import hover_template, reason_lines, same_place_lines

PARAMS = find_quantity("learnable_params", ())
ACCURACY = find_quantity("val_accuracy", ())


@given(st.text())
def test_a_reason_of_any_length_is_a_few_short_lines_without_markup(reason):
    lines = reason_lines(reason)
    assert len(lines) <= 3
    assert all(len(html.unescape(line)) <= 60 for line in lines)
    assert not any(character in line for line in lines for character in "<>")


def test_a_reason_that_fits_is_whole():
    assert reason_lines("") == []
    assert reason_lines("stopped at epoch 1: <b>rank 3</b> of 3") == [
        "stopped at epoch 1: &lt;b&gt;rank 3&lt;/b&gt; of 3"
    ]


def test_the_hover_has_a_line_for_every_cell_in_its_order(make_trial, study_of):
    records = [make_trial(i, noise_level=0.1 * i, order="<b>a&b</b>") for i in range(2)]
    trials = complete_trials(study_of(records, objectives="macs,val_loss"))
    assert [q.name for q in trials.objectives] == ["macs", "val_loss"]
    lines = hover_template(trials.objectives, trials.searched).split("<br>")
    assert lines[0] == "<b>trial %{customdata[0]}</b>%{customdata[1]}"
    assert lines[1:3] == ["macs: %{customdata[2]}", "val_loss: %{customdata[3]}"]
    assert lines[-2:] == ["", f"noise_level: %{{customdata[{len(lines) - 1}]}}<extra></extra>"]
    (point, _) = trials.points((ACCURACY, PARAMS), None)
    assert len(point.words) == len(lines) - 1  # one line is empty


def test_markup_and_variables_of_plotly_in_names_and_values_are_shown_as_text(make_trial, study_of):
    evil = Quantity(name="<i>%{x}", label="", is_metric=False)
    assert "&lt;i&gt;%&#123;x}: %{customdata[2]}" in hover_template((), (evil,))
    records = [make_trial(i, order=order) for i, order in enumerate(("<b>a&b</b>", "x"))]
    cells = complete_trials(study_of(records)).hover_cells[0]
    assert cells[-1] == "&lt;b&gt;a&amp;b&lt;/b&gt;"


def test_a_place_with_very_many_trials_names_a_few_and_counts_the_rest():
    lines = same_place_lines(range(1000), ["here"] * 1000)
    assert lines[0] == "<br>in the same place: trial 1, 2, 3, 4, 5, 6, 7, 8 and 991 more"
    assert lines[3] == "<br>in the same place: trial 0, 1, 2, 4, 5, 6, 7, 8 and 991 more"
    assert lines[999] == "<br>in the same place: trial 0, 1, 2, 3, 4, 5, 6, 7 and 991 more"


@settings(deadline=None)
@given(st.lists(st.integers(0, 4), max_size=12))
def test_trials_in_one_place_name_each_other_and_nobody_else(places):
    lines = same_place_lines(range(len(places)), places)
    for number, (place, line) in enumerate(zip(places, lines, strict=True)):
        others = [str(i) for i, other in enumerate(places) if other == place and i != number]
        named = line.removeprefix("<br>in the same place: trial ").split(" and ")[0].split(", ")
        assert named == (others[:8] or [""])
