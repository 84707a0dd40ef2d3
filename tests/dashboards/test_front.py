import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboards.front import FrontInfo, FrontPoint, get_front_figure, get_front_info
from study.results.objective import OBJECTIVES, parse_objectives
from study.results.pareto import front
from study.results.record import TrialState

TWO = parse_objectives("val_accuracy,learnable_params")
STUDY = {"name": "masks-1", "dataset": "digits", "epochs": 4}

rows = st.lists(
    st.tuples(
        st.integers(0, 4),
        st.integers(1, 4),
        st.integers(1, 4),
        st.just(TrialState.COMPLETE) | st.sampled_from(TrialState),
        st.sampled_from([0.0, 0.01, 0.2, 5.0]),
    ),
    max_size=12,
)
# A loaded machine is no failure.
SETTINGS = settings(max_examples=40, deadline=None)
objective_sets = st.sampled_from(
    [
        TWO,
        parse_objectives("learnable_params,val_accuracy"),
        parse_objectives("val_loss,val_accuracy"),
        parse_objectives("val_accuracy"),
        parse_objectives("learnable_params"),
        parse_objectives("val_accuracy,learnable_params,macs"),
    ]
)


@pytest.fixture(scope="session")
def make_trials(make_trial):
    def make(rows):
        return [
            make_trial(number, accuracy / 4, params, macs=macs, state=state, noise_level=noise)
            for number, (accuracy, params, macs, state, noise) in enumerate(rows)
        ]

    return make


def point(number, x, y, noise_level=0.1):
    return FrontPoint(number=number, x=x, y=y, noise_level=noise_level, hover=f"trial {number}")


def figure_of(points, front, *, has_line=True, x="learnable_params", y="val_accuracy"):
    info = FrontInfo(
        title="title",
        caption="caption",
        x=OBJECTIVES[x],
        y=OBJECTIVES[y],
        points=tuple(points),
        front=tuple(front),
        has_line=has_line,
    )
    return get_front_figure(info)


def markers(figure):
    """Marker traces by name."""
    return {trace.name: trace for trace in figure.data if trace.mode == "markers"}


def test_a_small_study_gives_exactly_this_info(make_trial):
    records = [
        make_trial(2, 0.9, 3000, noise_level=0.2),
        make_trial(0, 0.5, 1000, noise_level=0.5),
        make_trial(1, 0.4, 2000, noise_level=1.0),
        make_trial(3, 0.99, 10, state=TrialState.PRUNED),
        make_trial(4, 0.99, 10, state=TrialState.FAILED),
    ]
    info = get_front_info(records, TWO, **STUDY)
    assert info.title == "Validation accuracy against learnable parameters: masks-1"
    assert info.caption == (
        "digits, 5 trials (3 complete, 1 pruned, 1 failed), 4 epochs each, one seed per trial. "
        "Chosen on validation data; the test set was not read."
    )
    assert (info.x.name, info.y.name) == ("learnable_params", "val_accuracy")
    assert [p[:4] for p in info.points] == [(1, 2000, 0.4, 1.0)]
    assert [p[:4] for p in info.front] == [(0, 1000, 0.5, 0.5), (2, 3000, 0.9, 0.2)]
    assert info.has_line


@SETTINGS
@given(rows, objective_sets)
def test_every_complete_trial_is_drawn_once_and_the_front_is_the_records_front(
    make_trials, rows, objectives
):
    records = make_trials(rows)
    info = get_front_info(records, objectives, **STUDY)
    on_front = [p.number for p in info.front]
    off_front = [p.number for p in info.points]
    assert sorted(on_front) == sorted(r.number for r in front(records, objectives))
    assert sorted(on_front + off_front) == [
        r.number for r in records if r.state is TrialState.COMPLETE
    ]


@SETTINGS
@given(rows, objective_sets)
def test_points_stand_where_their_trials_metrics_say(make_trials, rows, objectives):
    records = make_trials(rows)
    info = get_front_info(records, objectives, **STUDY)
    for p in (*info.points, *info.front):
        metrics = records[p.number].metrics()
        assert (p.x, p.y) == (metrics[info.x.name], metrics[info.y.name])
        assert p.noise_level == records[p.number].parameters["noise_level"]


@SETTINGS
@given(rows, objective_sets)
def test_the_front_runs_from_the_best_x_to_the_worst(make_trials, rows, objectives):
    info = get_front_info(make_trials(rows), objectives, **STUDY)
    xs = [p.x for p in info.front]
    assert xs == sorted(xs, reverse=info.x.maximised)


def test_a_front_over_an_x_to_maximise_starts_at_its_largest(make_trial):
    records = [make_trial(0, 0.2, 100), make_trial(1, 0.9, 300), make_trial(2, 0.5, 200)]
    objectives = parse_objectives("learnable_params,val_accuracy")
    assert [p.x for p in get_front_info(records, objectives, **STUDY).front] == [0.9, 0.5, 0.2]


@SETTINGS
@given(rows)
def test_the_caption_counts_every_state(make_trials, rows):
    records = make_trials(rows)
    caption = get_front_info(records, TWO, **STUDY).caption
    for state in TrialState:
        count = sum(record.state is state for record in records)
        assert (f"{count} {state}" in caption) == (count > 0)
        assert count > 0 or state.value not in caption.split(")")[0]


@SETTINGS
@given(rows, st.randoms())
def test_the_order_of_the_records_does_not_matter(make_trials, rows, random):
    records = make_trials(rows)
    expected = get_front_info(records, TWO, **STUDY)
    random.shuffle(records)
    assert get_front_info(records, TWO, **STUDY) == expected


@pytest.mark.parametrize(
    ("objectives", "x", "y", "has_line"),
    [
        ("val_accuracy,macs", "macs", "val_accuracy", True),
        ("val_accuracy", "learnable_params", "val_accuracy", False),
        ("learnable_params", "val_accuracy", "learnable_params", False),
        ("val_accuracy,macs,val_loss", "macs", "val_accuracy", False),
    ],
)
def test_two_metrics_are_drawn_whatever_the_number_of_objectives(
    make_trial, objectives, x, y, has_line
):
    info = get_front_info([make_trial(0)], parse_objectives(objectives), **STUDY)
    assert (info.x.name, info.y.name, info.has_line) == (x, y, has_line)


def test_the_caption_names_three_objectives(make_trial):
    objectives = parse_objectives("val_accuracy,macs,val_loss")
    caption = get_front_info([make_trial(0)], objectives, **STUDY).caption
    assert caption.endswith(
        " Objectives: validation accuracy, multiply-accumulates per image, validation loss."
    )


def test_a_single_trial_and_epoch_are_counted_in_the_singular(make_trial):
    caption = get_front_info(
        [make_trial(0)], TWO, name="masks-1", dataset="digits", epochs=1
    ).caption
    assert caption.startswith("digits, 1 trial (1 complete), 1 epoch each")


def test_a_study_without_trials_says_so():
    info = get_front_info([], TWO, **STUDY)
    assert info.caption.startswith("digits, no trials yet, 4 epochs each")
    assert (info.points, info.front) == ((), ())


def test_a_trial_without_a_finite_value_is_counted_but_not_drawn(make_trial):
    records = [make_trial(0, loss=math.nan), make_trial(1, loss=math.inf), make_trial(2)]
    info = get_front_info(records, parse_objectives("val_loss,learnable_params"), **STUDY)
    assert [p.number for p in info.front] == [2]
    assert [p.number for p in info.points] == [0, 1]
    assert info.caption.endswith(" 2 trials without finite values not drawn.")
    get_front_figure(info).to_json()


def test_the_hover_shows_the_whole_configuration_and_all_metrics(make_trial):
    record = make_trial(7, 0.75, 12345)
    hover = get_front_info([record], TWO, **STUDY).front[0].hover.split("<br>")
    assert hover[0] == "<b>trial 7</b>"
    assert "val_accuracy: 0.7500" in hover
    assert "learnable_params: 12,345" in hover
    names = [line.split(": ")[0] for line in hover]
    assert set(names) >= {*record.parameters, *record.metrics()}


def test_markup_in_parameters_is_shown_as_text(make_trial):
    record = make_trial(0, order="<b>a&b</b>", **{"<i>": 1})
    hover = get_front_info([record], TWO, **STUDY).front[0].hover
    assert "order: &lt;b&gt;a&amp;b&lt;/b&gt;" in hover
    assert "&lt;i&gt;: 1" in hover
    assert "<i>" not in hover


def test_trials_in_the_same_place_name_each_other(make_trial):
    records = [make_trial(0), make_trial(3), make_trial(5, 0.9, 2000), make_trial(9)]
    hovers = {p.number: p.hover for p in get_front_info(records, TWO, **STUDY).front}
    assert "in the same place: trial 3, 9<br>" in hovers[0]
    assert "in the same place: trial 0, 9<br>" in hovers[3]
    assert "same place" not in hovers[5]


@settings(SETTINGS, max_examples=10)
@given(
    st.lists(
        st.tuples(st.integers(1, 9), st.integers(0, 9)), min_size=1, max_size=9, unique=True
    ).map(sorted)
)
def test_the_step_line_passes_through_the_front_and_keeps_the_last_value(places):
    figure = figure_of([], [point(i, x, y) for i, (x, y) in enumerate(places)])
    (line,) = (trace for trace in figure.data if trace.mode == "lines")
    assert list(zip(line.x, line.y, strict=True)) == places
    # Horizontal first: until the next trial fits the budget, the last one is the best.
    assert line.line.shape == "hv"


def test_without_a_line_the_front_is_points_only():
    figure = figure_of([], [point(0, 10, 0.5), point(1, 20, 0.6)], has_line=False)
    assert {trace.mode for trace in figure.data} == {"markers"}


def test_front_and_other_trials_differ_in_shape_and_size():
    traces = markers(figure_of([point(0, 10, 0.1)], [point(1, 5, 0.5)]))
    front_markers, others = traces["front"].marker, traces["other trials"].marker
    assert front_markers.symbol == "diamond"
    assert others.symbol is None
    assert front_markers.size > others.size


def test_all_trials_share_one_logarithmic_colour_scale():
    traces = markers(figure_of([point(0, 10, 0.1, 0.01)], [point(1, 5, 0.5, 1.0)]))
    others, on_front = traces["other trials"].marker, traces["front"].marker
    assert (others.color, on_front.color) == ((-2.0,), (0.0,))
    assert (others.cmin, others.cmax) == (on_front.cmin, on_front.cmax) == (-2.0, 0.0)
    assert others.colorscale == on_front.colorscale


@pytest.mark.parametrize("on_front", [0, 1])
def test_the_scale_is_explained_by_one_bar(on_front):
    points = [point(i, i + 1, i, 10.0**-i) for i in range(2)]
    figure = figure_of(points[on_front:], points[:on_front])
    bars = [trace.marker.colorbar for trace in figure.data if trace.marker.showscale]
    assert [bar.ticktext for bar in bars] == [("0.1", "0.3", "1")]


@pytest.mark.parametrize("name", OBJECTIVES)
@pytest.mark.parametrize("axis", ["x", "y"])
def test_positive_counts_and_seconds_are_logarithmic_and_nothing_else_is(name, axis):
    values = {"x": 1.0, "y": 1.0}
    other = {"x": "val_loss", "y": "val_loss"} | {axis: name}
    figure = figure_of([], [point(0, **values), point(1, x=50.0, y=50.0)], **other)
    is_log = figure.layout[f"{axis}axis"].type == "log"
    assert is_log == (name in ("learnable_params", "mask_values", "macs", "train_seconds"))


@pytest.mark.parametrize("x", [0, math.nan])
def test_a_count_of_zero_keeps_the_axis_linear_and_an_unknown_one_does_not(x):
    figure = figure_of([point(0, x, 0.5)], [point(1, 100, 0.6)], x="mask_values")
    assert (figure.layout.xaxis.type == "log") == math.isnan(x)


def test_axes_carry_the_metrics_label_with_its_unit():
    figure = figure_of([], [point(0, 10, 0.5)], x="train_seconds")
    assert figure.layout.xaxis.title.text == "Training time (s)"
    assert figure.layout.yaxis.title.text == "Validation accuracy (correct / total)"


def test_a_title_from_elsewhere_is_escaped(make_trial):
    info = get_front_info([make_trial(0)], TWO, **{**STUDY, "name": "<a href='x'>y</a>"})
    assert get_front_figure(info).layout.title.text.endswith(": &lt;a href='x'&gt;y&lt;/a&gt;")


def test_a_study_without_complete_trials_says_so_in_the_picture(make_trial):
    records = [make_trial(0, state=TrialState.FAILED)]
    figure = get_front_figure(get_front_info(records, TWO, **STUDY))
    assert [a.text for a in figure.layout.annotations] == [
        "No trial has completed its full budget."
    ]
    assert not any(trace.showlegend or trace.marker.showscale for trace in figure.data)


def test_a_complete_trial_needs_no_such_note(make_trial):
    assert not get_front_figure(get_front_info([make_trial(0)], TWO, **STUDY)).layout.annotations
