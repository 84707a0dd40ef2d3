"""The order in a rung: fronts, then farthest first, whatever the scales and who came first."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from study.stopping.ranking import standing

rungs = st.tuples(st.integers(1, 12), st.integers(1, 3)).flatmap(
    lambda shape: arrays(np.float64, shape, elements=st.integers(-4, 4).map(float))
)
"""Few distinct values, so that ties and duplicates are the rule."""


def dominates(a: np.ndarray, b: np.ndarray) -> bool:
    return bool((a <= b).all() and (a < b).any())


def distance(a: tuple[int, ...], b: tuple[int, ...]) -> int:
    return sum((x - y) ** 2 for x, y in zip(a, b, strict=True))


def plain_ranks(losses: np.ndarray) -> list[int]:
    """The order as the papers have it, entry by entry."""
    points = [tuple((losses < row).sum(axis=0).tolist()) for row in losses]
    left, placed, rank_of = set(range(len(losses))), 0, {}
    while left:
        front = {i for i in left if not any(dominates(losses[j], losses[i]) for j in left)}
        left -= front
        chosen: list[tuple[int, ...]] = []
        waiting = sorted({points[i] for i in front})
        while waiting:
            spread = [min((distance(p, q) for q in chosen), default=0) for p in waiting]
            best = waiting.pop(spread.index(max(spread)))
            chosen.append(best)
            same = [i for i in front if points[i] == best]
            rank_of |= dict.fromkeys(same, placed + 1)
            placed += len(same)
    return [rank_of[i] for i in range(len(losses))]


def ranks(losses: np.ndarray) -> list[int]:
    return [standing(losses, entry).rank for entry in range(len(losses))]


@given(rungs)
def test_ranks_are_those_of_a_plain_statement(losses: np.ndarray) -> None:
    assert ranks(losses) == plain_ranks(losses)


@given(rungs)
def test_the_first_front_is_what_nothing_dominates(losses: np.ndarray) -> None:
    for entry, row in enumerate(losses):
        beaten = any(dominates(other, row) for other in losses)
        assert (standing(losses, entry).front > 0) == beaten


@given(rungs, st.randoms())
def test_the_order_of_entries_is_of_no_matter(losses: np.ndarray, random) -> None:
    order = list(range(len(losses)))
    random.shuffle(order)
    before = ranks(losses)
    assert ranks(losses[order]) == [before[entry] for entry in order]


@given(rungs, st.data())
def test_ranks_do_not_change_with_an_objectives_scale(losses: np.ndarray, data) -> None:
    """Scaling, shifting, and any other increasing change."""
    columns = losses.shape[1]
    scale = data.draw(arrays(np.float64, columns, elements=st.sampled_from([2**-20, 1.0, 3e9])))
    shift = data.draw(arrays(np.float64, columns, elements=st.integers(-1000, 1000).map(float)))
    assert ranks(losses * scale + shift) == ranks(losses)
    assert ranks(np.exp(losses)) == ranks(losses)


def test_within_a_front_the_ends_come_first_and_then_the_middle() -> None:
    """The best on the first objective, the farthest from it, then what lies between."""
    front = np.array([[float(x), float(-x)] for x in range(5)])
    assert ranks(front) == [1, 4, 3, 5, 2]


def test_an_outlier_does_not_draw_all_others_together() -> None:
    """By plain distances, the four that lie close would be one place."""
    losses = np.array([[0.0, 1e9], [1.0, 3.0], [2.0, 2.0], [3.0, 1.0], [4.0, 0.0]])
    assert ranks(losses) == [1, 4, 3, 5, 2]


@pytest.mark.parametrize("entry", [0, 1])
def test_identical_entries_share_a_place(entry: int) -> None:
    losses = np.array([[1.0, 1.0], [1.0, 1.0], [2.0, 2.0]])
    assert standing(losses, entry) == (0, 1)
    assert standing(losses, 2) == (1, 3)
