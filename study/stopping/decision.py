"""The rule: whether a trial that reaches a rung goes on."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from study.results.stop_reasons import describe_stop
from study.stopping.entry import RungEntry
from study.stopping.ranking import standing


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What becomes of a trial at a rung.

    Attributes:
        go_on: Whether it is trained further.
        rank: Its place among the entries of the rung, from 1.
        of: Entries of the rung, itself included.
        admitted: How many places go on.
        reason: All of that in words.
    """

    go_on: bool
    rank: int
    of: int
    admitted: int
    reason: str


def decide(
    entries: Sequence[RungEntry], newcomer: RungEntry, *, epoch: int, reduction_factor: int
) -> Decision:
    """Decide by comparison with the trials that reached the rung before.

    A trial goes on if no other entry dominates it, or if its place (`ranking.standing`) is among
    the first 1/η. Nothing else counts: neither the order in which entries came nor what became of
    them.

    Args:
        entries: Of the rung so far, all finite.
        newcomer: One that is not finite never goes on.
        epoch: Of the rung.
        reduction_factor: η.
    """
    of = len(entries) + 1
    admitted = admitted_places(of, reduction_factor)
    if not newcomer.is_finite:
        reason = describe_stop(epoch, "an objective is not finite")
        return Decision(go_on=False, rank=of, of=of, admitted=admitted, reason=reason)
    losses = np.array([entry.losses for entry in (*entries, newcomer)], dtype=np.float64)
    front, rank = standing(losses, of - 1)
    compared = f"rank {rank} of {of}, {admitted} may go on"
    if rank <= admitted:
        go_on, reason = True, f"went on at epoch {epoch}: {compared}"
    elif front == 0:
        go_on, reason = True, f"went on at epoch {epoch}: {compared}, but nothing beats it"
    else:
        go_on, reason = False, describe_stop(epoch, compared)
    return Decision(go_on=go_on, rank=rank, of=of, admitted=admitted, reason=reason)


def admitted_places(entries: int, reduction_factor: int) -> int:
    """How many places of a rung go on: 1/η of them, at least one.

    With one objective this makes `decide` asynchronous successive halving as Ray's
    `AsyncHyperBandScheduler` has it, which stops what is worse than the (1 − 1/η)-quantile of the
    n − 1 entries that came before. Ray interpolates that quantile between two entries; who comes
    between these two is stopped here. Li et al. 2018 (arXiv 1810.05934) promote ⌊n/η⌋ of n, which
    is the same or one less.

    Args:
        entries: Of the rung, n, the newcomer among them.
        reduction_factor: η.

    Returns:
        ``1 + ⌊(n − 2) / η⌋``, and 1 for the first entry.
    """
    return 1 + max(0, entries - 2) // reduction_factor
