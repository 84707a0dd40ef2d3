import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboards.elements import theme
from dashboards.elements.quantity import setting
from dashboards.pictures.parallel import (
    MOST_AXES,
    MOST_LINES,
    PARALLEL,
    get_parallel_figure,
    get_parallel_info,
)
from study.results.objective import OBJECTIVES
from study.results.pareto import front
from study.results.run_record import RunState

SETTINGS = settings(max_examples=40, deadline=None)  # a loaded machine is no failure
EVIL = '"><img src=x onerror=alert(1)><script>'
NOISE, MOMENTUM, ORDER = setting("noise_level"), setting("momentum"), setting("order")


@pytest.fixture
def records(make_trial):
    """Two on the front, one off it."""
    rows = [(0.5, 1000, 0.5), (0.9, 3000, 0.2), (0.4, 2000, 1.0)]
    return [
        make_trial(i, accuracy, params, noise_level=level)
        for i, (accuracy, params, level) in enumerate(rows)
    ]


def lines(trace, axes):
    """Trial number and heights of each line of a trace."""
    step = axes + 1
    return [(trace.customdata[i], trace.y[i : i + axes]) for i in range(0, len(trace.x), step)]


def test_a_line_for_each_trial_through_settings_then_objectives(study_of, records):
    info = get_parallel_info(study_of(records))
    assert info.title == "Settings and objectives of every trial: noise-1"
    names = [quantity.name for quantity in info.quantities]
    assert names == ["noise_level", "val_accuracy", "learnable_params"]
    assert info.others == ((2, (1.0, 0.4, 2000)),)
    assert info.front == ((0, (0.5, 0.5, 1000)), (1, (0.2, 0.9, 3000)))
    assert "Wide lines with diamonds: the front of the study's objectives, 2 trials." in (
        info.caption
    )
    assert "Thin lines: the other complete trials, 1." in info.caption


def test_lines_pass_where_the_values_stand_on_each_axis(study_of, records):
    figure = get_parallel_figure(get_parallel_info(study_of(records)))
    others, on_front = figure.data
    share = math.log(0.5 / 0.2) / math.log(5)
    size = math.log(2) / math.log(3)
    assert lines(others, 3) == [(2, pytest.approx((1, 0, size)))]
    assert lines(on_front, 3) == [
        (0, pytest.approx((share, 0.2, 0))),
        (1, pytest.approx((0, 1, 1))),
    ]
    assert on_front.x == (0, 1, 2, None, 0, 1, 2, None)
    assert not on_front.connectgaps
    written = [label.text for label in figure.layout.annotations]
    assert written == ["0.2", "0.5", "1", "0.4", "0.5", "0.9", "1k", "2k", "3k"]
    assert figure.layout.xaxis.ticktext == (
        "Noise level ℓ", "Validation accuracy ↑", "Learnable parameters ↓"
    )  # fmt: skip


def test_labels_lie_on_paper_above_the_lines_and_both_ends_have_one(make_trial, study_of):
    records = [make_trial(i, 0.123 + i / 100, noise_level=0.013 * 1.3**i) for i in range(20)]
    labels = get_parallel_figure(get_parallel_info(study_of(records))).layout.annotations
    noise = {label.y: label.text for label in labels if label.x == 0}
    assert (noise[0], noise[1]) == ("0.013", "1.9")
    assert (min(noise), max(noise)) == (0, 1)
    hidden = get_parallel_figure(get_parallel_info(study_of(records))).layout.meta["narrow"]
    assert {f"annotations[{i}].visible" for i, x in enumerate(labels) if 0 < x.y < 1} == {*hidden}
    assert {label.templateitemname for label in labels} == {theme.ON_PAPER}
    for paper in theme.Theme:
        (named,) = theme.template(paper).layout.annotations
        assert (named.name, named.bgcolor) == (
            theme.ON_PAPER,
            theme.template(paper).layout.paper_bgcolor,
        )


def test_an_axis_tells_how_a_box_over_it_becomes_values(make_trial, study_of):
    levels = (0.0, 0.01, 1.0)
    records = [make_trial(i, noise_level=v, order=f"o{i}") for i, v in enumerate(levels)]
    info = get_parallel_info(study_of(records))
    scales = dict(
        zip([q.name for q in info.quantities], (axis.scale() for axis in info.axes), strict=True)
    )
    assert scales["order"] is None
    noise = scales["noise_level"]
    axis = info.axes[[q.name for q in info.quantities].index("noise_level")]
    for value in levels[1:]:
        place = noise["low"] + axis.share(value) * (noise["high"] - noise["low"])
        assert 10**place == pytest.approx(value)
    assert axis.share(0.0) < noise["zero"] < axis.share(0.01)
    assert PARALLEL.picture(info).brushes == ("", "")


def test_the_front_differs_from_the_rest_in_more_than_colour(study_of, records):
    others, on_front = get_parallel_figure(get_parallel_info(study_of(records))).data
    assert on_front.line.width > 2 * others.line.width
    assert (on_front.marker.symbol, on_front.mode) == ("diamond", "lines+markers")
    assert others.mode == "lines"
    assert others.opacity < 1


def test_of_many_trials_a_sample_is_drawn_and_the_whole_front(make_trial, study_of):
    n = MOST_LINES + 100
    records = [make_trial(i, 0.5 if i % 50 else 0.9, 1000, noise_level=0.01 + i) for i in range(n)]
    info = get_parallel_info(study_of(records))
    assert [line.number for line in info.front] == list(range(0, n, 50))
    assert len({line.number for line in info.others}) == len(info.others) == MOST_LINES
    assert info == get_parallel_info(study_of(records))
    left = n - len(info.front)
    assert f"Thin lines: {MOST_LINES} of the {left} other complete trials, drawn with seed 0." in (
        info.caption
    )


def test_other_trials_fade_behind_the_selected_ones_and_axes_stay_as_they_were(study_of, records):
    study = study_of(records)
    info = get_parallel_info(study, selected=frozenset({1, 2, 77}))
    assert [line.number for line in info.front] == [1]
    assert [line.number for line in info.others] == [2]
    assert [line.number for line in info.faded] == [0]
    assert "Selected: 2 of 3 trials." in info.caption
    whole = get_parallel_info(study)
    assert [axis.scale() for axis in info.axes] == [axis.scale() for axis in whole.axes]
    faded, others, on_front = get_parallel_figure(info).data
    assert faded.opacity < others.opacity
    assert lines(on_front, 3) == lines(get_parallel_figure(whole).data[1], 3)[1:]


def test_a_selection_of_nothing_leaves_every_line_faded(study_of, records):
    info = get_parallel_info(study_of(records), selected=frozenset({77}))
    assert (info.front, info.others, len(info.faded), info.instead) == ((), (), 3, "")
    get_parallel_figure(info)


def test_a_setting_that_a_trial_lacks_stands_below(study_of, records):
    records[0].parameters["momentum"] = 0.9
    records[1].parameters["momentum"] = 0.5
    info = get_parallel_info(study_of(records))
    place = [quantity.name for quantity in info.quantities].index("momentum")
    assert info.others[0].values[place] is None
    trace = get_parallel_figure(info).data[0]
    assert trace.y[place] == 0
    assert trace.hovertext[place] == "trial 2, momentum: –"


def test_there_are_at_most_eight_axes_and_the_rest_is_named(make_trial, study_of):
    records = [make_trial(i, i / 4, **{f"setting_{j}": i for j in range(9)}) for i in range(3)]
    info = get_parallel_info(study_of(records))
    names = [quantity.name for quantity in info.quantities]
    assert len(names) == MOST_AXES
    assert names[-2:] == ["val_accuracy", "learnable_params"]
    assert info.caption.endswith("No room for an axis: setting_6, setting_7, setting_8.")


def test_many_objectives_leave_half_of_the_axes_to_settings(make_trial, study_of):
    records = [make_trial(i, i / 4, **{f"setting_{j}": i for j in range(6)}) for i in range(3)]
    info = get_parallel_info(study_of(records, objectives=",".join(OBJECTIVES)))
    names = [quantity.name for quantity in info.quantities]
    assert names[:4] == ["setting_0", "setting_1", "setting_2", "setting_3"]
    assert names[4:] == list(OBJECTIVES)[:4]


def test_unfit_and_unfinished_trials_are_not_drawn(study_of, records, make_trial):
    more = [
        make_trial(3, math.nan),
        make_trial(4, 0.99, 1, state=RunState.PRUNED),
        make_trial(5, 0.99, 1, state=RunState.FAILED),
    ]
    info = get_parallel_info(study_of([*records, *more]))
    assert [line.number for line in (*info.others, *info.front)] == [2, 0, 1]
    assert " 1 trial without finite values not drawn." in info.caption


def test_names_from_elsewhere_are_text(make_trial, study_of):
    records = [make_trial(i, i / 2, order=name, **{EVIL: i}) for i, name in enumerate((EVIL, "b"))]
    figure = get_parallel_figure(get_parallel_info(study_of(records)))
    others, on_front = figure.data
    labels = [label.text for label in figure.layout.annotations]
    texts = [*on_front.hovertext, *others.hovertext, *labels, *figure.layout.xaxis.ticktext]
    assert any("&lt;" in text for text in texts)
    assert not any("<" in text for text in texts)


def test_the_table_holds_every_line(study_of, records):
    picture = PARALLEL.picture(get_parallel_info(study_of(records)))
    assert picture.name == "parallel"
    assert picture.data == {
        "trial": [2, 0, 1],
        "on_front": [False, True, True],
        "noise_level": [1.0, 0.5, 0.2],
        "val_accuracy": [0.4, 0.5, 0.9],
        "learnable_params": [2000, 1000, 3000],
    }


def test_without_a_trial_the_picture_says_what_to_do(study_of):
    figure = PARALLEL.picture(get_parallel_info(study_of([]))).figure
    assert not figure.data
    assert [a.text.replace("<br>", " ") for a in figure.layout.annotations] == [
        "No trials yet: they appear as they complete."
    ]


rows = st.lists(
    st.tuples(
        st.sampled_from([0.0, 0.25, 0.5, 1.0, math.nan, math.inf]),
        st.integers(1, 3),
        st.just(RunState.COMPLETE) | st.sampled_from(RunState),
        st.sampled_from([0.0, 0.01, 0.2, 5.0]) | st.floats(1e-6, 5),
        st.booleans(),
    ),
    max_size=25,
)


@SETTINGS
@given(rows)
def test_every_fit_trial_is_drawn_once_and_the_front_is_the_records_front(
    make_trial, study_of, rows
):
    records = [
        make_trial(i, accuracy, params, state=state, noise_level=level, unique_masks=unique)
        for i, (accuracy, params, state, level, unique) in enumerate(rows)
    ]
    for record in records[::4]:
        del record.parameters["noise_level"]
    study = study_of(records)
    info = get_parallel_info(study)
    json.loads(PARALLEL.picture(info).figure.to_json())
    on_front = {record.number for record in front(records, study.info.objectives)}
    assert {line.number for line in info.front} == on_front
    assert sorted(line.number for line in (*info.others, *info.front)) == [
        record.number
        for record in records
        if record.state is RunState.COMPLETE and math.isfinite(record.metrics()["val_accuracy"])
    ]
