"""The order of a rung's entries: non-dominated fronts, farthest first within each.

An entry dominates another when it is at least as good on every objective and better on one. The
first front are the entries that none dominates, the second those that only the first front does,
and so on (non-dominated sorting; Deb et al. 2002, NSGA-II). Within a front, each place goes to the
entry that is farthest from those placed before it, so that the first k of a front cover it (an
ε-net; Salinas et al. 2021, "A multi-objective perspective on jointly tuning hardware and
hyperparameters"; used for successive halving by Schmucker et al., arXiv 2106.12639).

Distances are measured between ranks, one for each objective, among all entries of the rung. So the
order stays the same under any increasing change of an objective's scale: a parameter count weighs
no more than an accuracy, and outliers no more than others.
"""

from typing import NamedTuple

import moocore
import numpy as np
import numpy.typing as npt

Losses = npt.NDArray[np.float64]
"""One row per entry, one column per objective, all finite and to be minimised."""


class Standing(NamedTuple):
    """Standing of an entry in its rung.

    Attributes:
        front: Its front, counted from 0.
        rank: 1 plus the number of entries placed before it; entries with identical losses share
            the first of their places.
    """

    front: int
    rank: int


def standing(losses: Losses, entry: int) -> Standing:
    """Return the standing of one entry.

    Args:
        losses: Losses of all entries, in any order.
        entry: Row of the entry in question.
    """
    fronts = np.asarray(moocore.pareto_rank(losses))
    own = fronts == fronts[entry]
    before = int(np.count_nonzero(fronts < fronts[entry]))
    ranks = np.column_stack([_ranks(column) for column in losses.T])
    before += _placed_before(ranks[entry], ranks[own])
    return Standing(front=int(fronts[entry]), rank=1 + before)


def _ranks(column: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Count the entries that are better than each; equal values have equal ranks."""
    return np.searchsorted(np.sort(column), column).astype(np.int64)


def _placed_before(wanted: npt.NDArray[np.int64], front: npt.NDArray[np.int64]) -> int:
    """Count the points of a front that are placed before the one wanted, which is one of them.

    The best on the first objective is placed first, and of points equally far the one that is best
    on the first objective, then on the next: the order in which they are given is of no matter.
    """
    points, copies = np.unique(front, axis=0, return_counts=True)
    last = int(np.flatnonzero((points == wanted).all(axis=1))[0])
    distances = np.full(len(points), np.iinfo(np.int64).max)
    current, before = 0, 0
    while current != last:
        before += int(copies[current])
        distances = np.minimum(distances, ((points - points[current]) ** 2).sum(axis=1))
        current = int(np.argmax(distances))  # never one that is placed: its distance is 0
    return before
