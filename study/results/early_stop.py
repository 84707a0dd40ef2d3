"""Early stop of a trial by the scheduler or by hand, as data and in words."""

from dataclasses import asdict, dataclass
from enum import StrEnum


class StopCause(StrEnum):
    """Cause of an early stop."""

    RANK = "rank"
    """Enough trials of the same rung were better."""
    NOT_FINITE = "not_finite"
    """An objective was infinite or not a number."""
    SCHEDULER = "scheduler"
    """A rule other than the study's rungs."""
    REQUEST = "request"
    """Somebody asked for it."""


@dataclass(frozen=True, kw_only=True)
class EarlyStop:
    """Early stop of a trial.

    Attributes:
        epoch: Epoch after which it was judged; it may have trained on while nobody could judge it.
        cause: Cause of the stop.
        rank: Place among the entries of its rung, from 1; None without a rank, as the two below.
        of: Number of entries of the rung, itself included.
        admitted: Number of places that go on.

    Raises:
        ValueError: A stop by rank lacks one of the three numbers.
    """

    epoch: int
    cause: StopCause
    rank: int | None = None
    of: int | None = None
    admitted: int | None = None

    def __post_init__(self) -> None:
        if self.cause is StopCause.RANK and None in (self.rank, self.of, self.admitted):
            raise ValueError(f"a stop by rank must have rank, of and admitted: {asdict(self)}")

    def __str__(self) -> str:
        match self.cause:
            case StopCause.RANK:
                why = f"rank {self.rank} of {self.of}, {self.admitted} may go on"
            case StopCause.NOT_FINITE:
                why = "an objective is not finite"
            case StopCause.SCHEDULER:
                return f"stopped by the scheduler after epoch {self.epoch}"
            case StopCause.REQUEST:
                return f"stopped by hand after epoch {self.epoch}"
        return f"stopped at epoch {self.epoch}: {why}"
