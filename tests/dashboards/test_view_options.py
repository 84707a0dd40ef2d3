import math
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.view_options import CurveMetric, Evaluator, Over, Span, ViewOptions
from study.results.run_record import RunState

names = st.text("abcxyz_:&=<>é ", min_size=1)
bounds = st.tuples(st.integers(-1000, 1000), st.integers(0, 1000))
spans = st.builds(
    lambda name, bounds: Span(name=name, low=bounds[0] / 8, high=(bounds[0] + bounds[1]) / 8),
    st.text("abc_:", min_size=1),
    bounds,
)
options = st.builds(
    ViewOptions,
    x=names,
    y=names,
    z=st.just("") | names,
    colour=st.just("") | names,
    log_x=st.none() | st.booleans(),
    log_y=st.none() | st.booleans(),
    parameter=st.just("") | names,
    second=st.just("") | names,
    metric=st.sampled_from(get_args(CurveMetric)),
    evaluator=st.sampled_from(get_args(Evaluator)),
    over=st.sampled_from(get_args(Over)),
    within=st.lists(spans, max_size=3).map(tuple),
)


@given(options)
def test_what_is_chosen_comes_back_from_its_texts(chosen):
    assert ViewOptions.parse(chosen.query()) == chosen


def test_defaults_are_spelt_as_nothing():
    assert ViewOptions().query() == {}
    assert ViewOptions.parse({}) == ViewOptions()


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"log_x": "maybe"}, "log_x .*'maybe'.* must be one of yes, no"),
        ({"metric": "test_accuracy"}, "metric .*'test_accuracy'.* one of val_accuracy, val_loss"),
        ({"within": "val_accuracy"}, "'val_accuracy' is no span"),
        ({"within": "val_accuracy:0.9..0.1"}, "is no span"),
        ({"within": "val_accuracy:nan..1"}, "is no span"),
        ({"within": "val_accuracy:a..b"}, "accepted is such as val_accuracy:0.9..0.95"),
    ],
)
def test_what_is_not_accepted_is_named(query, message):
    with pytest.raises(ValueError, match=message):
        ViewOptions.parse(query)


def test_a_brush_leaves_the_complete_trials_within_all_spans(make_trial):
    records = [
        make_trial(0, 0.5, 1000),
        make_trial(1, 0.9, 1000),
        make_trial(2, 0.9, 5000),
        make_trial(3, 0.9, 1000, state=RunState.FAILED),
        make_trial(4, math.nan, 1000),
    ]
    chosen = ViewOptions.parse({"within": "val_accuracy:0.8..1,learnable_params:1000..2000"})
    assert chosen.selected(records) == {1}
    assert ViewOptions().selected(records) is None


def test_a_span_of_something_unknown_is_named(make_trial):
    with pytest.raises(ValueError, match=r"'maks_count'.*did you mean 'mask_count'"):
        ViewOptions.parse({"within": "maks_count:1..2"}).selected([make_trial(0)])


def test_a_quantity_is_found_among_metrics_and_settings(make_trial):
    chosen = ViewOptions(x="macs", y="mask_count")
    assert chosen.quantity("x", [make_trial(0)]).is_metric
    assert not chosen.quantity("y", [make_trial(0)]).is_metric
    assert chosen.quantity("colour", [make_trial(0)]) is None


def test_a_query_leaves_trials_in_any_state_and_a_brush_complete_ones_alone(make_trial):
    records = [
        make_trial(0, 0.5, fan_out=1),
        make_trial(1, 0.6, fan_out=2),
        make_trial(2, 0.7, fan_out=2, state=RunState.PRUNED),
    ]
    query = ViewOptions.parse({"where": "fan_out == 2"})
    assert query.query() == {"where": "fan_out == 2"}
    assert query.selected(records) == {1, 2}
    both = ViewOptions.parse({"where": "fan_out == 2", "within": "val_accuracy:0..1"})
    assert both.selected(records) == {1}
    with pytest.raises(ValueError, match="did you mean fan_out"):
        ViewOptions(where="fan_outt == 2").selected(records)
