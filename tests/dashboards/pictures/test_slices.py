import json
import math
import statistics

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboards.elements import theme
from dashboards.elements.quantity import find_quantity, setting
from dashboards.pictures.slices import FADED, SLICE, get_slice_figure, get_slice_info
from study.results.published_results import reported_results
from study.results.run_record import RunState

SETTINGS = settings(max_examples=40, deadline=None)  # a loaded machine is no failure
EVIL = '"><img src=x onerror=alert(1)><script>'
NOISE, MASKS, OPTIMIZER = setting("noise_level"), setting("mask_count"), setting("optimizer")


def traces(figure):
    return {trace.name: trace for trace in figure.data}


def counts(figure):
    """Return the texts above the plot, from left to right."""
    above = [a for a in figure.layout.annotations if a.yref == "paper"]
    return [a.text for a in sorted(above, key=lambda a: a.x)]


def test_a_value_that_returns_has_its_mean_and_range(make_trial, study_of):
    accuracies = {8: [0.1, 0.4], 16: [0.7], 32: [0.2, 0.9, 0.7]}
    records = [
        make_trial(10 * m + i, accuracy, mask_count=m)
        for m, values in accuracies.items()
        for i, accuracy in enumerate(values)
    ]
    info = get_slice_info(study_of(records), parameter=MASKS)
    assert info.title == "Validation accuracy against noise masks m: noise-1"
    assert info.points == tuple(
        (record.number, record.parameters["mask_count"], record.metrics()["val_accuracy"], None)
        for record in records
    )
    assert info.summaries == tuple(
        (str(m), m, len(values), statistics.fmean(values), min(values), max(values))
        for m, values in accuracies.items()
    )
    assert (info.is_binned, info.reported, info.instead) == (False, (), "")
    assert "Squares: the mean of the complete trials of each noise masks m" in info.caption
    assert "A slice is no experiment with all else equal" in info.caption


def test_a_setting_of_many_values_has_medians_over_bins(make_trial, study_of):
    records = [make_trial(i, (i * 7 % 40) / 40, noise_level=0.01 * 1.2**i) for i in range(40)]
    info = get_slice_info(study_of(records), parameter=NOISE)
    assert info.is_binned
    assert sum(summary.trials for summary in info.summaries) == 40
    first = info.summaries[0]
    inside = [p.y for p in info.points[: first.trials]]
    assert first[3:] == pytest.approx(tuple(np.quantile(inside, [0.5, 0.25, 0.75])))
    low, high = 0.01, 0.01 * 1.2 ** (39 / 8)
    assert first.x == pytest.approx(math.sqrt(low * high))
    assert "the median of its complete trials; whiskers hold their middle half" in info.caption


def test_a_range_has_bins_also_where_trials_are_few_and_no_mean_is_of_one(make_trial, study_of):
    records = [make_trial(i, i / 12, noise_level=0.013 * 1.4**i) for i in range(12)]
    info = get_slice_info(study_of(records), parameter=NOISE)
    assert info.is_binned
    assert [summary.trials for summary in info.summaries] == [3, 3, 3, 3]
    drawn = traces(get_slice_figure(info))["median and middle half"]
    assert len(drawn.x) == 4


def test_points_are_coloured_by_the_most_important_other_setting(make_trial, study_of):
    records = [
        make_trial(
            i, 0.9 if i % 4 == 0 else 0.1 + i / 1000, mask_count=8 << i % 3, batch_size=16 << i % 2,
            fan_out=1 << i % 4,
        )
        for i in range(60)
    ]  # fmt: skip
    info = get_slice_info(study_of(records), parameter=MASKS)
    assert info.colour is not None
    assert info.colour.name == "fan_out"
    assert "Colours: fan-out ratio, which matters most besides" in info.caption
    points = traces(get_slice_figure(info))["trials"]
    assert points.marker.colorbar.title.text == "Fan-out ratio (masks per channel)"
    assert SLICE.picture(info).data["fan_out"][:4] == [1, 2, 4, 8]
    assert get_slice_info(study_of(records), parameter=info.colour).colour != info.colour


def test_faded_points_keep_the_scale_of_colours_and_show_it_once(make_trial, study_of):
    records = [make_trial(i, i / 8, mask_count=8, noise_level=0.1 * 2**i) for i in range(8)]
    info = get_slice_info(study_of(records), parameter=MASKS, selected=frozenset({1, 2}))
    found = traces(get_slice_figure(info))
    faded, full = found["other trials"], found["selected trials"]
    assert (faded.marker.showscale, full.marker.showscale) == (False, True)
    assert (faded.marker.cmin, faded.marker.cmax) == (full.marker.cmin, full.marker.cmax)


def test_pruned_failed_and_unfit_trials_are_not_drawn(make_trial, study_of):
    records = [
        make_trial(0, 0.5, mask_count=8),
        make_trial(1, 0.9, mask_count=8, state=RunState.PRUNED),
        make_trial(2, 0.9, mask_count=8, state=RunState.FAILED),
        make_trial(3, math.nan, mask_count=8),
        make_trial(4, math.inf, mask_count=8),
        make_trial(5, 0.9),
    ]
    del records[5].parameters["mask_count"]
    info = get_slice_info(study_of(records), parameter=MASKS)
    assert [point.number for point in info.points] == [0]
    assert [summary.trials for summary in info.summaries] == [1]
    assert " 3 trials without finite values not drawn." in info.caption


def test_the_papers_figures_for_the_same_data_set_stand_beside(make_trial, study_of):
    records = [make_trial(0, mask_count=8)]
    info = get_slice_info(study_of(records, dataset="cifar10"), parameter=MASKS)
    expected = {(r.mask_count, r.value) for r in reported_results() if r.where == "Table 5"}
    assert {(figure.x, figure.y) for figure in info.reported} == expected
    assert info.reported[0].text == "Table 5, resnet18, 160 masks"
    assert "Hollow diamonds: test accuracy as published in the paper's Table 5" in info.caption
    trace = traces(get_slice_figure(info))["paper's Table 5"]
    assert trace.marker.symbol == "diamond-open"
    assert set(zip(trace.x, trace.y, strict=True)) == expected


def test_the_axis_of_noise_is_logarithmic_with_zero_apart(make_trial, study_of):
    records = [make_trial(i, noise_level=level) for i, level in enumerate((0.0, 0.01, 0.1, 1.0))]
    info = get_slice_info(study_of(records), parameter=NOISE)
    figure = get_slice_figure(info)
    axis = figure.layout.xaxis
    zero, *others = traces(figure)["trials"].x
    assert axis.type == "log"
    assert others == [0.01, 0.1, 1]
    assert zero < 0.01 / 1.5
    ticks = dict(zip(axis.ticktext, axis.tickvals, strict=True))
    assert ticks == {"0": zero, "0.01": 0.01, "0.1": 0.1, "1": 1}
    (line,) = figure.layout.shapes
    assert zero < line.x0 == line.x1 < 0.01
    assert SLICE.picture(info).zero_below == line.x0


def test_without_zero_no_line_parts_the_axis(make_trial, study_of):
    records = [make_trial(i, noise_level=level) for i, level in enumerate((0.01, 0.1))]
    assert not get_slice_figure(get_slice_info(study_of(records), parameter=NOISE)).layout.shapes


def test_names_stand_side_by_side_without_a_line_between_them(make_trial, study_of):
    records = [make_trial(i, optimizer=name) for i, name in enumerate(("sgd", "adam", "sgd"))]
    picture = SLICE.picture(get_slice_info(study_of(records), parameter=OPTIMIZER))
    found = traces(picture.figure)
    assert list(found["trials"].x) == [1, 0, 1]
    assert found["mean and range"].mode == "markers"
    assert picture.figure.layout.xaxis.ticktext == ("adam", "sgd")
    assert counts(picture.figure) == ["n=1", "n=2"]
    assert picture.brushes == ()


def test_the_number_of_trials_stands_above_each_value(make_trial, study_of):
    records = [make_trial(i, mask_count=2 ** (i % 9 % 7)) for i in range(18)]
    figure = get_slice_figure(get_slice_info(study_of(records), parameter=MASKS))
    assert counts(figure) == ["4", "4", "2", "2", "2", "2", "2"]
    xs = sorted(a.x for a in figure.layout.annotations)
    assert xs == pytest.approx([math.log10(2**i) for i in range(7)])


def test_trials_that_are_not_selected_are_faded_and_means_stay(make_trial, study_of):
    records = [make_trial(i, i / 10, mask_count=8) for i in range(4)]
    study = study_of(records)
    whole = get_slice_info(study, parameter=MASKS)
    info = get_slice_info(study, parameter=MASKS, selected=frozenset({1, 3, 99}))
    assert info.summaries == whole.summaries
    found = traces(get_slice_figure(info))
    assert [row[0] for row in found["selected trials"].customdata] == [1, 3]
    assert [row[0] for row in found["other trials"].customdata] == [0, 2]
    assert found["other trials"].opacity == FADED
    assert found["selected trials"].opacity is None
    assert " 2 selected trials in full, the others faded" in info.caption


def test_a_pointer_reads_number_setting_and_metric_as_text(make_trial, study_of):
    records = [make_trial(7, 0.75, order=EVIL)]
    figure = get_slice_figure(get_slice_info(study_of(records), parameter=setting("order")))
    trace = figure.data[0]
    (row,) = trace.customdata
    assert list(row) == [7, '"&gt;&lt;img src=x onerror=alert(1)&gt;&lt;script&gt;', "0.7500"]
    assert trace.hovertemplate == (
        "trial %{customdata[0]}<br>order within the layer: %{customdata[1]}"
        "<br>validation accuracy: %{customdata[2]}<extra></extra>"
    )
    assert "<script>" not in figure.to_json()


def test_a_name_of_a_setting_is_shown_as_text(make_trial, study_of):
    records = [make_trial(0, **{EVIL: 3})]
    figure = get_slice_figure(get_slice_info(study_of(records), parameter=setting(EVIL)))
    texts = [
        figure.layout.xaxis.title.text,
        figure.data[0].hovertemplate,
        *figure.data[1].hovertext,
    ]
    assert all("<img" not in text for text in texts)


def test_a_name_is_no_variable_of_a_template(make_trial, study_of):
    records = [make_trial(0, **{"%{y}": 3})]
    figure = get_slice_figure(get_slice_info(study_of(records), parameter=setting("%{y}")))
    assert "<br>%&#123;y}: %{customdata[1]}<br>" in figure.data[0].hovertemplate


def test_many_points_are_drawn_by_the_graphics_card(make_trial, study_of):
    records = [make_trial(i, i / 3000) for i in range(theme.MANY_POINTS + 1)]
    kinds = [
        get_slice_figure(get_slice_info(study_of(some), parameter=MASKS)).data[0].type
        for some in (records, records[1:])
    ]
    assert kinds == ["scattergl", "scatter"]


def test_the_table_holds_trials_means_and_reported_figures(make_trial, study_of):
    records = [make_trial(i, i / 10, mask_count=8) for i in range(3)]
    info = get_slice_info(study_of(records, dataset="cifar10"), parameter=MASKS)
    picture = SLICE.picture(info)
    assert list(picture.data["what"]) == ["trial"] * 3 + ["mean"] + ["reported"] * 7
    assert picture.data["trial"] == [0, 1, 2] + [None] * 8
    assert picture.data["val_accuracy"][:4] == [0, 0.1, 0.2, pytest.approx(0.1)]
    assert picture.data["n"][3] == 3
    assert picture.brushes == ("mask_count", "val_accuracy")
    assert picture.name == "slice"


def test_a_metric_without_a_size_gives_no_points(make_trial, study_of):
    info = get_slice_info(study_of([make_trial(0)]), parameter=MASKS, y=OPTIMIZER)
    assert (info.points, bool(info.instead)) == ((), True)


@pytest.mark.parametrize(
    ("states", "message"),
    [
        ([], "No trials yet: they appear as they complete."),
        ([RunState.FAILED], "No trial completed: Progress tells why."),
        ([RunState.RUNNING], "No trial has completed its full budget yet."),
    ],
)
def test_without_a_trial_the_picture_says_what_to_do(make_trial, study_of, states, message):
    records = [make_trial(i, state=state) for i, state in enumerate(states)]
    info = get_slice_info(study_of(records, dataset="cifar10"), parameter=MASKS)
    assert info.instead == message
    figure = SLICE.picture(info).figure
    assert [a.text.replace("<br>", " ") for a in figure.layout.annotations] == [message]
    assert not figure.data


rows = st.lists(
    st.tuples(
        st.sampled_from([0.0, 0.25, 0.5, 1.0, math.nan, math.inf]),
        st.just(RunState.COMPLETE) | st.sampled_from(RunState),
        st.sampled_from([0.0, 0.01, 0.2, 5.0]) | st.floats(1e-6, 5),
        st.booleans(),
    ),
    max_size=25,
)


@SETTINGS
@given(rows, st.sampled_from(["noise_level", "optimizer", "unique_masks", "val_loss", "nothing"]))
def test_any_trials_give_a_picture(make_trial, study_of, rows, name):
    records = [
        make_trial(i, accuracy, state=state, noise_level=level, unique_masks=unique)
        for i, (accuracy, state, level, unique) in enumerate(rows)
    ]
    for record in records[::4]:
        del record.parameters["noise_level"]
    quantity = find_quantity(name, []) if name == "val_loss" else setting(name)
    info = get_slice_info(study_of(records), parameter=quantity)
    picture = SLICE.picture(info)
    json.loads(picture.figure.to_json())
    drawn = [number for number in picture.data["trial"] if number is not None]
    assert drawn == [
        r.number
        for r in records
        if r.state is RunState.COMPLETE
        and math.isfinite(r.metrics()["val_accuracy"])
        and quantity.of(r) is not None
    ]
    assert sum(summary.trials for summary in info.summaries) == len(drawn)
    assert bool(info.instead) is not bool(drawn)
