"""Rule by which a trial that reaches a rung goes on or stops."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from study.results.early_stop import EarlyStop, StopCause
from study.stopping.entry import RungEntry
from study.stopping.ranking import standing


@dataclass(frozen=True, kw_only=True)
class Decision:
    """Decision on a trial at a rung.

    Attributes:
        rank: Place of the trial among the entries of the rung, from 1.
        of: Number of entries of the rung, itself included.
        admitted: Number of places that go on.
        stop: Early stop of the trial; None where it is trained further.
    """

    rank: int
    of: int
    admitted: int
    stop: EarlyStop | None

    @property
    def go_on(self) -> bool:
        """True if the trial is trained further."""
        return self.stop is None


def decide(
    entries: Sequence[RungEntry], newcomer: RungEntry, *, epoch: int, reduction_factor: int
) -> Decision:
    """Decide by comparison with the trials that reached the rung before.

    A trial goes on if no other entry dominates it, or if its place (`ranking.standing`) is among
    the first 1/η. Nothing else counts: neither the order in which entries came nor what became of
    them.

    Args:
        entries: Entries of the rung so far, all finite.
        newcomer: Entry to be judged; one that is not finite never goes on.
        epoch: Epoch of the rung.
        reduction_factor: η.
    """
    of = len(entries) + 1
    admitted = admitted_places(of, reduction_factor)
    if not newcomer.is_finite:
        stop = EarlyStop(epoch=epoch, cause=StopCause.NOT_FINITE)
        return Decision(rank=of, of=of, admitted=admitted, stop=stop)
    losses = np.array([entry.losses for entry in (*entries, newcomer)], dtype=np.float64)
    front, rank = standing(losses, of - 1)
    if rank <= admitted or front == 0:
        return Decision(rank=rank, of=of, admitted=admitted, stop=None)
    stop = EarlyStop(epoch=epoch, cause=StopCause.RANK, rank=rank, of=of, admitted=admitted)
    return Decision(rank=rank, of=of, admitted=admitted, stop=stop)


def admitted_places(entries: int, reduction_factor: int) -> int:
    """Count the places of a rung that go on: 1/η of them, at least one.

    With one objective this makes `decide` asynchronous successive halving as Ray's
    `AsyncHyperBandScheduler` has it, which stops what is worse than the (1 − 1/η)-quantile of the
    n − 1 entries that came before. Ray interpolates that quantile between two entries; who comes
    between these two is stopped here. Li et al. 2018 (arXiv 1810.05934) promote ⌊n/η⌋ of n, which
    is the same or one less.

    Args:
        entries: Number of entries of the rung, n, the newcomer among them.
        reduction_factor: η.

    Returns:
        ``1 + ⌊(n − 2) / η⌋``, and 1 for the first entry.
    """
    return 1 + max(0, entries - 2) // reduction_factor
