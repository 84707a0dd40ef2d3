"""What travels between the driver and its workers, so light that a worker imports little else."""

from dataclasses import dataclass

from pnn_core.config import Costs, TrialConfig
from study.results.run_record import Curve

TRIAL = "trial"
"""The key of the `ProposedTrial` in Tune's config."""

REPORT = "report"
"""The key of an `EpochReport`, a `TrialPaused` or a `TrialFailure` in Tune's results."""


@dataclass(frozen=True, kw_only=True)
class ProposedTrial:
    """A trial to train, from its checkpoint where it has one.

    Attributes:
        number: Counted from 0 within the study.
        config: Its training run, with the first seed.
        replicates: Seeds to train with: `config.seed` and those that follow.
        attempt: Counted from 1 in the life of this driver.
    """

    number: int
    config: TrialConfig
    replicates: int
    attempt: int


@dataclass(frozen=True, kw_only=True)
class EpochReport:
    """An epoch of every seed ended.

    Attributes:
        replicates: The whole curve of each seed, those epochs included that came with a checkpoint.
        costs: Of the trial's network.
        device: Where it trained, in words.
        worker: Process that trained it; see `worker_name`.
        unsaved: Why its last checkpoint could not be written; empty if it was.
    """

    replicates: tuple[Curve, ...]
    costs: Costs
    device: str
    worker: str
    unsaved: str = ""


@dataclass(frozen=True, kw_only=True)
class TrialPaused:
    """A trial saved itself and stopped, because the study was interrupted.

    Attributes:
        unsaved: Why its last checkpoint could not be written; empty if it was.
    """

    unsaved: str = ""


@dataclass(frozen=True, kw_only=True)
class TrialFailure:
    """An attempt at a trial broke off.

    Attributes:
        reason: Why, in one line.
        would_recur: Whether another attempt would end the same way.
        worker: Process in which it did; empty where that is not known.
    """

    reason: str
    would_recur: bool
    worker: str = ""
