"""Messages between the driver and its workers, so light that a worker imports little else."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pnn_core.config import ConfirmResult, Costs, TrialConfig
from study.results.run_record import Curve, RunKey

RUNS = "runs"
"""Key of Tune's config for the `ProposedRun`s that one worker trains."""

REPORTS = "reports"
"""Key of Tune's results for pairs of a run's key and a `RunReport`, one for each run with news."""


@dataclass(frozen=True, kw_only=True)
class ProposedRun:
    """Training run that a worker is to take up, from its checkpoint where it has one.

    Attributes:
        key: Identity within the study.
        config: Training run with the first seed.
        replicates: Number of seeds to train with: `config.seed` and those that follow.
        attempt: Number of the attempt, counted from 1 in the life of this driver; 0 before.
        unrecorded: Reason why its training steps are not to be recorded on a GPU; empty if they
            are.
    """

    key: RunKey
    config: TrialConfig
    replicates: int = 1
    attempt: int = 0
    unrecorded: str = ""


@dataclass(frozen=True, kw_only=True)
class RunReport:
    """News of one run.

    Attributes:
        unsaved: Reason why its last checkpoint could not be written or read; empty if it was.
        unkept: Reason why its weights could not be written; empty if they were, or are not due.
    """

    unsaved: str = ""
    unkept: str = ""


@dataclass(frozen=True, kw_only=True)
class TrainedReport(RunReport):
    """Report of what was trained.

    Attributes:
        costs: Costs of the network.
        device: Device that it trained on, in words.
        arithmetic: Arithmetic that trained it; empty where nobody says.
        worker: Process that trained it; see `worker_name`.
        fallbacks: Sentences on what a fast path was left out for, and why.
    """

    costs: Costs
    device: str
    worker: str
    arithmetic: str = ""
    fallbacks: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class EpochReport(TrainedReport):
    """End of an epoch of every seed.

    Attributes:
        replicates: Whole curve of each seed, with those epochs that came with a checkpoint.
        measured: Measurements after the last epoch; see `RunRecord`.
    """

    replicates: tuple[Curve, ...]
    measured: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ConfirmationReport(TrainedReport):
    """End of an epoch of a run that is tested, but for its last one.

    Attributes:
        epoch: Number of the epoch, from 1.
        train_loss: Training loss in it.
    """

    epoch: int
    train_loss: float


@dataclass(frozen=True, kw_only=True)
class TestReport(TrainedReport):
    """End of a run that was tested.

    Attributes:
        result: Test result after the last epoch.
    """

    __test__ = False  # no test of pytest's

    result: ConfirmResult


@dataclass(frozen=True, kw_only=True)
class RunPaused(RunReport):
    """Pause of a run that saved itself and stopped, because the study was interrupted."""


@dataclass(frozen=True, kw_only=True)
class DataFault(RunReport):
    """Pause of a run because images cannot be read: a fault of the data and of no run.

    Attributes:
        reason: Sentence that names the file.
    """

    reason: str


@dataclass(frozen=True, kw_only=True)
class RunFailure(RunReport):
    """End of an attempt at a run that broke off.

    Attributes:
        reason: Reason, in one line.
        would_recur: True if another attempt would end the same way.
        worker: Process in which it did; empty where that is not known.
        unrecorded: Reason why the next attempt is not to record training steps on a GPU; empty if
            it may.
        moves: True if it saved itself because its node leaves: it goes on elsewhere, and no attempt
            was spent.
    """

    reason: str
    would_recur: bool
    worker: str = ""
    unrecorded: str = ""
    moves: bool = False
