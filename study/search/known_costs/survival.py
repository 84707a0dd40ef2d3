"""Chance that a candidate passes the rungs of a study.

Without it the search proposes the smallest networks again and again: their gain looks large, and
the scheduler stops them at the first rung.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from study.search.known_costs.rung_model import Prediction
from study.stopping.decision import decide
from study.stopping.entry import RungEntry

Array = npt.NDArray[np.float64]

ENTRIES = 200
"""Number of entries of a rung, its last ones, that are judged."""


class RungBar:
    """Loss that a candidate must undercut at a rung, by its costs.

    It is the best loss among the rung's entries of at most these costs that the scheduler's rule
    would stop there, were they the last to come.

    Args:
        entries: Entries of the rung.
        losses: Modelled loss of each entry.
        costs: Known costs of each entry, n × k.
        epoch: Epoch of the rung.
        reduction_factor: η.
    """

    def __init__(
        self,
        entries: Sequence[RungEntry],
        losses: Array,
        costs: Array,
        *,
        epoch: int,
        reduction_factor: int,
    ) -> None:
        recent = range(len(entries))[-ENTRIES:]
        stopped = [
            place
            for place in recent
            if not decide(
                [entries[other] for other in recent if other != place],
                entries[place],
                epoch=epoch,
                reduction_factor=reduction_factor,
            ).go_on
        ]
        self._losses = losses[stopped]
        self._costs = costs[stopped]

    def heights(self, costs: Array) -> Array:
        """Return the loss to undercut at each of some costs, ∞ where all pass."""
        at_most = (self._costs[None, :, :] <= costs[:, None, :]).all(axis=2)
        there = np.where(at_most, self._losses[None, :], np.inf)
        return np.asarray(there.min(axis=1, initial=np.inf), dtype=np.float64)


def chance_to_pass(bars: Mapping[int, RungBar], costs: Array, prediction: Prediction) -> Array:
    """Return the chance that each candidate passes all rungs, taken for independent.

    Args:
        bars: Bar of each rung, by the rung's place.
        costs: Known costs of the candidates, n × k.
        prediction: Predicted losses at every rung.
    """
    chance = np.ones(len(costs))
    for level, bar in bars.items():
        spread = np.sqrt(prediction.sd[:, level] ** 2 + prediction.error**2)
        chance *= ndtr((bar.heights(costs) - prediction.mean[:, level]) / spread)
    return chance
