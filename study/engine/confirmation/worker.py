"""Confirmation runs in a worker process."""

import json
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from pnn_core.config import ConfirmResult, Costs
from pnn_core.data import Images, ImageTraits
from study.checkpoints.cleanup import confirmation_file
from study.checkpoints.worker_checkpoint import WorkerCheckpoint
from study.engine.cluster.stop_signal import stop_requested
from study.engine.cluster.worker_name import worker_name
from study.engine.cluster.worker_settings import WorkerSettings
from study.engine.confirmation.plan import ConfirmTask
from study.engine.tune.trainable import describe_error
from study.results.run_record import RunKey, RunRecord, RunState
from study.search.messages import TrialFailure, TrialPaused

# The driver imports this module and never trains: it need not wait for torch.
if TYPE_CHECKING:
    import torch

    from pnn_core.replicates.grouping import Training
    from pnn_core.training.test_run import ConfirmingRun


@dataclass(frozen=True, kw_only=True)
class ConfirmReport:
    """What a worker hands back.

    Attributes:
        result: What the run gave.
        costs: Of its network.
        device: Where it trained, in words.
        worker: Process that trained it; see `worker_name`.
        unsaved: Why its last checkpoint could not be written; empty if it was.
    """

    result: ConfirmResult
    costs: Costs
    device: str
    worker: str
    unsaved: str = ""


ConfirmReply = ConfirmReport | TrialPaused | TrialFailure


def new_run(task: ConfirmTask) -> RunRecord:
    """What is known of a run before it starts."""
    return RunRecord(
        key=RunKey(task.trial, task.config.model.layer, task.config.seed),
        state=RunState.RUNNING,
        parameters=task.config.parameters(),
        size_difference=task.size_difference,
    )


def train_and_test(
    tasks: Sequence[ConfirmTask],
    traits: ImageTraits,
    images: Images,
    test: Images,
    settings: WorkerSettings,
) -> list[ConfirmReply]:
    """Do runs, from their checkpoints where they have them, in a process that Ray keeps.

    Args:
        tasks: Of one configuration but for the seeds: trained at once as far as that pays.
        traits: Of the images.
        images: What to learn from.
        test: The test images.
        settings: The same for all workers.

    Returns:
        A reply for each task, in the same order.
    """
    jobs = [_Job(task, settings, beside=len(tasks)) for task in tasks]
    try:
        device = settings.prepare()
        for job in jobs:
            job.begin(traits, images, test, device)
        _train(jobs, stop_requested(settings.stop_key))
    except Exception as error:  # whatever a run raises is that run's end, not the study's
        failure = _failure(error, would_recur=False)
        for job in jobs:
            if not job.is_over:
                job.failure = failure
    return [job.reply() for job in jobs]


class _Job:
    """A run that a worker does.

    Args:
        task: What is asked for.
        settings: The same for all workers.
        beside: Runs that the worker does in turn with this one, itself included.

    Attributes:
        checkpoint: Its own.
        failure: Why it cannot go on, if it cannot.
    """

    def __init__(self, task: ConfirmTask, settings: WorkerSettings, *, beside: int) -> None:
        self._config = task.config
        file, identity = confirmation_file(new_run(task)), json.dumps(asdict(task.config))
        self.checkpoint = WorkerCheckpoint(settings.store, file, identity, beside=beside)
        self._run: ConfirmingRun | None = None
        self.failure: TrialFailure | None = None

    def begin(
        self, traits: ImageTraits, images: Images, test: Images, device: "torch.device"
    ) -> None:
        """Build the network, and take it to where its checkpoint was written."""
        from pnn_core.training.test_run import ConfirmingRun

        run = ConfirmingRun(self._config, traits, images, test, device)
        self.checkpoint.restore([run])
        self._run = run

    @property
    def run(self) -> "ConfirmingRun":
        """The run, once it has begun.

        Raises:
            RuntimeError: It has not.
        """
        if self._run is None:
            raise RuntimeError("the run has not begun")
        return self._run

    @property
    def is_over(self) -> bool:
        """Whether there is nothing left to train."""
        done = self._run is not None and self._run.epoch == self._config.epochs
        return done or self.failure is not None

    def reply(self) -> ConfirmReply:
        """What is handed back once the worker trains no more."""
        from pnn_core.device.selection import describe_device
        from pnn_core.models.costs import count_costs

        if self.failure is not None:
            return self.failure
        if not self.is_over:
            return TrialPaused(unsaved=self.checkpoint.unsaved)
        return ConfirmReport(
            result=self.run.result(),
            costs=count_costs(self._config.model),
            device=describe_device(self.run.device),
            worker=worker_name(),
            unsaved=self.checkpoint.unsaved,
        )


def _train(jobs: Sequence[_Job], stop: threading.Event) -> None:
    """Train until all are over, or those that are trained now have been saved and stopped.

    A run whose loss is not finite costs the others nothing: they go on without it.
    """
    from pnn_core.replicates.batched_run import BatchedRun
    from pnn_core.replicates.grouping import side_by_side
    from pnn_core.training.trainer import NonFiniteLossError

    stopped = False
    while not stopped and (left := [job for job in jobs if not job.is_over]):
        training = side_by_side([job.run for job in left])[0]
        together = left[: len(training.runs) if isinstance(training, BatchedRun) else 1]
        try:
            stopped = not _train_together(training, together, stop)
        except NonFiniteLossError as error:
            diverged = min(together, key=lambda job: job.run.epoch)
            diverged.failure = _failure(error, would_recur=True)


def _train_together(training: "Training", jobs: Sequence[_Job], stop: threading.Event) -> bool:
    """Train to the end, which gives True, or until stopped.

    Args:
        training: One run or several.
        jobs: The same.
        stop: Asked after each step.
    """

    def pauses() -> bool:
        return stop.is_set() or any(job.checkpoint.is_overdue for job in jobs)

    while not jobs[0].is_over:
        finished = not stop.is_set() and training.next_epoch(pauses)
        if jobs[0].is_over:
            break
        for job in jobs:
            if stop.is_set() or not finished or job.checkpoint.is_due:
                job.checkpoint.save([job.run])
        if stop.is_set():
            return False
    return True


def _failure(error: Exception, *, would_recur: bool) -> TrialFailure:
    reason = describe_error(error)
    return TrialFailure(reason=reason, would_recur=would_recur, worker=worker_name())
