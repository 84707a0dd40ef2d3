import math

import pytest

from dashboards.pictures.differences import (
    DIFFERENCES,
    get_differences_figure,
    get_differences_info,
)
from pnn_core.parts.layers import COMPARED_LAYERS
from study.results.comparison_words import describe_with_trial
from study.results.forest import NO_VERDICT
from study.results.paired_comparison import compare

ALIKE = [layer for layer in COMPARED_LAYERS if layer not in ("perturbation", "conv3x3")]


@pytest.fixture
def study(make_runs, confirmed_study):
    return confirmed_study(
        make_runs([0.80, 0.81, 0.82]),
        make_runs([0.80, 0.82, 0.81], layer="conv1x1"),
        make_runs([0.85, 0.861, 0.869], layer="conv3x3"),
        make_runs([0.7], layer="local_binary"),
    )


def test_each_comparison_is_a_row_in_points_with_every_seed(study):
    info = get_differences_info(study)
    comparisons = compare(study)
    assert [row.name for row in info.rows] == [
        f"trial 0 over {n}" for n in ("1×1", "3×3", "local binary")
    ]
    assert [group.heading for group in info.groups] == ["Over 1×1", "Over 3×3", "Over local binary"]
    assert [row.verdict for row in info.rows] == ["undecided", "worse", NO_VERDICT]
    for row, comparison in zip(info.rows, comparisons, strict=True):
        assert row.mean == pytest.approx(100 * comparison.difference.mean)
        assert row.sentence == describe_with_trial(comparison)
    assert info.rows[1].seeds == pytest.approx((-5, -5.1, -4.9))
    assert (info.rows[2].low, info.rows[2].high) == (None, None)
    assert info.description == "Forest plot of 3 comparisons: 1 worse, 1 undecided, 1 no verdict."


def test_bars_are_the_intervals_and_each_verdict_has_a_symbol(study):
    info = get_differences_info(study)
    traces = {trace.name: trace for trace in get_differences_figure(info).data}
    worse = traces["worse"]
    assert list(worse.x) == [info.rows[1].mean]
    assert worse.x[0] + worse.error_x.array[0] == pytest.approx(info.rows[1].high)
    assert worse.x[0] - worse.error_x.arrayminus[0] == pytest.approx(info.rows[1].low)
    assert math.isnan(traces[NO_VERDICT].error_x.array[0])
    assert len(traces["one seed"].x) == 7
    symbols = [trace.marker.symbol for name, trace in traces.items() if name != "one seed"]
    assert len({*symbols}) == 3


def test_every_seed_is_within_the_axis(study):
    info = get_differences_info(study)
    low, high = get_differences_figure(info).layout.xaxis.range
    seeds = [seed for row in info.rows for seed in row.seeds]
    assert low < min(seeds) and max(seeds) < high
    assert not [sentence for sentence in info.sentences if "beyond" in sentence]


def test_rows_that_would_squash_the_others_are_counted(make_runs, confirmed_study):
    like_it = [make_runs([0.80, 0.80 + n / 1000], layer=layer) for n, layer in enumerate(ALIKE, 1)]
    far = make_runs([0.2, 0.1], layer="conv3x3")
    info = get_differences_info(confirmed_study(make_runs([0.80, 0.81]), *like_it, far))
    low, high = get_differences_figure(info).layout.xaxis.range
    assert low < 0 < high < 50
    assert info.sentences[-1] == (
        f"Rows that reach beyond the axis: 1 of {len(ALIKE) + 1}; zoom out to see their ends."
    )


def test_without_controls_it_says_what_to_do(make_runs, confirmed_study):
    info = get_differences_info(confirmed_study(make_runs([0.8])))
    assert info.instead == "Nothing to compare: no control was confirmed (--controls)."
    assert info.rows == ()


def test_files_have_every_field_of_every_row(study):
    info = get_differences_info(study)
    columns = DIFFERENCES.columns(info)
    assert columns["verdict"] == ["undecided", "worse", NO_VERDICT]
    assert columns["seeds"][1] == "-5, -5.1, -4.9"
