"""Entry of a trial in a rung."""

import math
from dataclasses import replace
from typing import NamedTuple

from study.results.objective import Objective
from study.results.run_record import RunRecord


class RungEntry(NamedTuple):
    """Standing of a trial when it reached a rung.

    Attributes:
        trial: Its number.
        losses: One value per objective, each the better the smaller.
    """

    trial: int
    losses: tuple[float, ...]

    @property
    def is_finite(self) -> bool:
        """True if it can be compared: no loss is NaN or infinite."""
        return all(map(math.isfinite, self.losses))


def entry_after(record: RunRecord, epoch: int, objectives: tuple[Objective, ...]) -> RungEntry:
    """Return the entry of a trial after an epoch, each value the mean over its seeds.

    Args:
        record: Record with the curves at least up to that epoch.
        epoch: Counted from 1.
        objectives: Objectives, at least one; those to be maximised change their sign.
    """
    until = replace(record, replicates=tuple(curve[:epoch] for curve in record.replicates))
    values = until.values(objectives)
    signs = (-1 if objective.maximised else 1 for objective in objectives)
    losses = tuple(sign * value for sign, value in zip(signs, values, strict=True))
    return RungEntry(trial=record.number, losses=losses)
