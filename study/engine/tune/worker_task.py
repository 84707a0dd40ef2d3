"""Tasks of a worker: training runs that are validated, and training runs that are tested."""

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from pnn_core.config import Costs, TrialConfig
from pnn_core.data import Images, ImageTraits, TrainingData
from study.search.messages import EpochReport, ProposedRun, RunReport, TestReport

# The driver pickles these classes and never trains: it need not wait for torch, which the methods
# import in the worker.
if TYPE_CHECKING:
    import torch

    from pnn_core.training.confirmation_run import ConfirmationRun
    from pnn_core.training.evaluated_run import EvaluatedRun
    from pnn_core.training.validated_run import ValidatedRun

    Run = TypeVar("Run", bound=EvaluatedRun)
else:
    Run = TypeVar("Run")


class Circumstances(NamedTuple):
    """Facts that every report of a run has beside its results.

    Attributes:
        costs: Costs of the network.
        device: Device that it trains on, in words.
        worker: Process that trains it; see `worker_name`.
        unsaved: Reason why its last checkpoint could not be written or read; empty if it was.
    """

    costs: Costs
    device: str
    worker: str
    unsaved: str


class WorkerTask(ABC, Generic[Run]):
    """Images, and what is done with them: the same for all workers of a search or confirmation."""

    @abstractmethod
    def new_run(self, config: TrialConfig, device: "torch.device") -> Run:
        """Build the training run of one seed.

        Raises:
            ValueError: The images have another shape than the config says.
        """

    @abstractmethod
    def report(self, seeds: Sequence[Run], told: Circumstances) -> RunReport | None:
        """Report what an epoch of all seeds of a run gave; None if nothing is to be told yet."""

    @abstractmethod
    def identity(self, proposed: ProposedRun) -> str:
        """Return what a checkpoint of another run differs in."""


@dataclass(frozen=True, kw_only=True)
class SearchTask(WorkerTask["ValidatedRun"]):
    """Training on the training images, with a validation after each epoch.

    Attributes:
        data: Training and validation images.
    """

    data: TrainingData

    def new_run(self, config: TrialConfig, device: "torch.device") -> "ValidatedRun":
        """See `WorkerTask`."""
        from pnn_core.training.validated_run import ValidatedRun

        return ValidatedRun(config, self.data, device)

    def report(self, seeds: "Sequence[ValidatedRun]", told: Circumstances) -> EpochReport:
        """Report the curves."""
        return EpochReport(replicates=tuple(run.results for run in seeds), **told._asdict())

    def identity(self, proposed: ProposedRun) -> str:
        """See `WorkerTask`."""
        return json.dumps([asdict(proposed.config), proposed.replicates])


@dataclass(frozen=True, kw_only=True)
class ConfirmationTask(WorkerTask["ConfirmationRun"]):
    """Training on training and validation images, with a test after the last epoch.

    Attributes:
        traits: Traits of the images.
        images: Images to learn from.
        test: Test images.
    """

    traits: ImageTraits
    images: Images
    test: Images

    def new_run(self, config: TrialConfig, device: "torch.device") -> "ConfirmationRun":
        """See `WorkerTask`."""
        from pnn_core.training.confirmation_run import ConfirmationRun

        return ConfirmationRun(config, self.traits, self.images, self.test, device)

    def report(self, seeds: "Sequence[ConfirmationRun]", told: Circumstances) -> TestReport | None:
        """Report the test result after the last epoch, and nothing before."""
        (run,) = seeds
        if run.epoch < run.config.epochs:
            return None
        return TestReport(result=run.result(), **told._asdict())

    def identity(self, proposed: ProposedRun) -> str:
        """See `WorkerTask`."""
        return json.dumps(asdict(proposed.config))
