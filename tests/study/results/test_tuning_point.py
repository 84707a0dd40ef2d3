"""The best point of a grid is chosen by validation accuracy, whatever the order of the points."""

import math

from hypothesis import given
from hypothesis import strategies as st

from study.results.tuning_point import TuningPoint, best_point, settings_at_the_edge


def point(rate, accuracy, loss=1.0):
    return TuningPoint(
        settings={"learning_rate": rate}, seeds=2, val_accuracy=accuracy, val_loss=loss
    )


results = st.floats(0, 1) | st.just(math.nan)


@given(st.lists(results, min_size=1, max_size=6))
def test_no_complete_point_is_more_accurate_than_the_chosen_one(accuracies):
    points = [point(n + 1, accuracy) for n, accuracy in enumerate(accuracies)]
    best = best_point(points)
    complete = [accuracy for accuracy in accuracies if not math.isnan(accuracy)]
    assert (best is None) == (not complete)
    assert best is None or best.val_accuracy == max(complete)


def test_of_equally_accurate_points_that_of_lowest_loss_is_chosen():
    points = [point(1, 0.9, loss=0.5), point(2, 0.9, loss=0.3), point(3, 0.8, loss=0.1)]
    assert best_point(points) == points[1]
    assert best_point(points[::-1]) == points[1]


def test_a_choice_at_the_edge_of_the_grid_is_told():
    inner = [point(1, 0.5), point(2, 0.9), point(3, 0.6)]
    assert settings_at_the_edge(inner) == ()
    assert settings_at_the_edge(inner[:2]) == ("learning_rate",)
    assert settings_at_the_edge([point(1, math.nan)]) == ()
    assert settings_at_the_edge(()) == ()
