import math

import pytest

from dashboards.elements.side_steps import farthest_step, padded_decades, side_steps


def test_markers_stand_at_equal_steps_around_their_true_place():
    steps = side_steps(["a", "b", "c"], [10, 1000])
    first, second, third = map(math.log10, steps.values())
    assert [*steps] == ["a", "b", "c"]
    assert second == 0
    assert first == pytest.approx(-third)
    assert 0 < third < 0.1


def test_the_longer_the_axis_the_longer_the_steps():
    short, long = (side_steps(["a", "b"], values) for values in ([10, 100], [10, 10_000]))
    assert 0 < farthest_step(short) < farthest_step(long)
    assert farthest_step(short) == pytest.approx(max(abs(step - 1) for step in short.values()))


def test_nothing_is_moved_without_an_axis_or_a_neighbour():
    assert side_steps(["a", "b"], []) == {"a": 1, "b": 1}
    assert side_steps(["a"], [10, 100]) == {"a": 1}
    assert farthest_step({}) == 0


@pytest.mark.parametrize(
    ("values", "ends"), [([], None), ([10], [0.75, 1.25]), ([1, 10, 5], [-0.08, 1.08])]
)
def test_an_axis_has_room_beyond_its_markers(values, ends):
    assert padded_decades(values) == ends
