"""Expected hypervolume improvement where all losses but one are known.

A candidate of known losses c adds to the dominated volume, for every vector t above c, what its
last loss y is below the front's level there: level(t) is the smallest last loss among points whose
other losses are ≤ t, or the reference where there is none. So with y normal the expectation is a
closed form,

    Σ over the cells between the front's losses: volume of the cell above c × E[(level − y)₊]

(Emmerich et al. 2011 have it for objectives that are all modelled).
"""

import itertools

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

Array = npt.NDArray[np.float64]

CELLS = 4_000
"""Number of cells above which every other step of the front is left out."""


def expected_gain(front: Array, known: Array, mean: Array, sd: Array, *, reference: Array) -> Array:
    """Return the expected gain of each candidate.

    Args:
        front: Losses of the front's points, m × (k + 1): those that are known, then the other one.
        known: Known losses of the candidates, n × k.
        mean: Means of the other loss of the candidates, n.
        sd: Its standard deviations, n.
        reference: Losses beyond which nothing counts, k + 1.
    """
    *ends, worst = reference
    edges = [_edges(front[:, axis], end) for axis, end in enumerate(ends)]
    while np.prod([len(edge) - 1 for edge in edges]) > CELLS:
        edges = [np.append(edge[:-1:2], edge[-1]) for edge in edges]
    gains = np.zeros(len(known))
    improvements: dict[float, Array] = {}
    for cell in itertools.product(*(itertools.pairwise(edge) for edge in edges)):
        lower, upper = np.array(cell).reshape(-1, 2).T
        volume = np.prod(np.maximum(0.0, upper - np.maximum(lower, known)), axis=1)
        there = front[(front[:, :-1] <= lower).all(axis=1), -1]
        level = float(there.min(initial=worst))
        if level not in improvements:
            improvements[level] = expected_improvement(mean, sd, level)
        gains += volume * improvements[level]
    return gains


def expected_improvement(mean: Array, sd: Array, level: float) -> Array:
    """Return E[(level − y)₊] of normal y."""
    away = (level - mean) / sd
    density = np.exp(-0.5 * away**2) / np.sqrt(2 * np.pi)
    return np.asarray(np.maximum(0.0, sd * (away * ndtr(away) + density)), dtype=np.float64)


def _edges(losses: Array, end: float) -> Array:
    """Return where the front's level may change along one loss, from far below up to the end."""
    return np.concatenate([[-np.inf], np.unique(losses[losses < end]), [end]])
