"""Runs of the study that one worker trains, several at once as far as that pays."""

import contextlib
import socket
import threading
from collections.abc import Sequence

import torch

from pnn_core.replicates.batched_run import BatchedRun
from pnn_core.replicates.grouping import Training, group_runs
from pnn_core.training.trainer import NonFiniteLossError
from study.engine.cluster.worker_name import worker_name
from study.engine.cluster.worker_settings import WorkerSettings
from study.engine.failure_reasons import describe_error
from study.engine.tune.measured_values import LATENCY
from study.engine.tune.measuring_turns import MeasuringTurns
from study.engine.tune.worker_images import WorkerImages
from study.engine.tune.worker_run import WorkerRun
from study.results.run_record import RunKey
from study.search.messages import ProposedRun, RunFailure, RunPaused, RunReport


class RunGroup:
    """Runs that differ in their seeds alone; each has a report, an end and a checkpoint of its own.

    Args:
        proposed: The runs.
        images: Images of a search or of a confirmation.
        settings: Settings of all workers.
        device: Device to train on.
        stop: Event that is set when the study stops; asked after each training step.
        drained: Event that is set when the node is to leave; asked as often.

    Attributes:
        left: Runs that are not over.

    Raises:
        ValueError: The images have another shape than a config says.
    """

    def __init__(
        self,
        proposed: Sequence[ProposedRun],
        images: WorkerImages,
        settings: WorkerSettings,
        device: torch.device,
        stop: threading.Event,
        drained: threading.Event,
    ) -> None:
        self._settings = settings
        self._stop = stop
        self._drained = drained
        beside = len(proposed)
        self.left = [
            WorkerRun(run, images, settings.store, device, beside=beside) for run in proposed
        ]
        # Only where trials are timed: each step would ask for its turn.
        self._turns = MeasuringTurns() if LATENCY in settings.measured else None
        self._at_once: list[WorkerRun] = []
        self._trainings: list[Training] = []

    def train_epoch(self) -> dict[RunKey, RunReport]:
        """Train the next runs for an epoch, and return what is to be told.

        A run whose loss is not finite costs those beside it nothing: they go on without it.
        """
        if not self._at_once:
            self._choose()
        at_once = self._at_once
        reports: dict[RunKey, RunReport] = {}
        try:
            with self._turns.training() if self._turns else contextlib.nullcontext():
                finished = self._finish_epoch()
            if not finished:
                reports = {run.key: self._broken_off(run) for run in self.left}
                self.left = []
                return reports
        except NonFiniteLossError as error:
            diverged = min(at_once, key=lambda run: run.epoch)
            reports[diverged.key] = RunFailure(
                reason=describe_error(error), would_recur=True, worker=worker_name()
            )
            self._end(diverged)
            at_once = [run for run in at_once if run is not diverged and run.is_done]
        for run in at_once:
            if self._settings.keep_checkpoints if run.is_done else run.checkpoint.is_due:
                run.save()
            if run.is_done and self._settings.keep_weights:
                run.keep_weights()
            if run.is_done and not run.key.is_confirmation and not run.key.is_tuning:
                with self._turns.alone() if self._turns else contextlib.nullcontext():
                    run.measure(self._settings)
            reports[run.key] = run.report()
            if run.is_done:
                self._end(run)
        return reports

    def _choose(self) -> None:
        """Choose what is trained until a run ends: one with all its seeds, or several at once."""
        self._at_once = self.left
        self._trainings = group_runs([seed for run in self.left for seed in run.seeds])
        if len(self.left) > 1:
            first = self._trainings[0]
            self._trainings = [first]
            self._at_once = self.left[: len(first.runs) if isinstance(first, BatchedRun) else 1]

    def _finish_epoch(self) -> bool:
        """Train to the end of an epoch; False where the runs were saved and stopped before."""
        epoch = min(min(run.epoch for run in self._at_once) + 1, self._at_once[0].epochs)
        for training in self._trainings:
            while training.epoch < epoch:
                if self._is_to_end() or not training.next_epoch(self._pauses):
                    for run in self._at_once:
                        run.save()
                if self._is_to_end() and training.epoch < epoch:
                    return False
        return True

    def _is_to_end(self) -> bool:
        return self._stop.is_set() or self._drained.is_set()

    def _broken_off(self, run: WorkerRun) -> RunReport:
        """Report a run that was saved and stopped in mid-epoch."""
        unsaved = run.checkpoint.unsaved
        return RunPaused(unsaved=unsaved) if self._stop.is_set() else node_leaves(unsaved)

    def _pauses(self) -> bool:
        """Return True if training is to break off in mid-epoch."""
        if self._turns is not None:
            self._turns.hold_still()
        return self._is_to_end() or any(run.checkpoint.is_overdue for run in self._at_once)

    def _end(self, ended: WorkerRun) -> None:
        """Leave out a run; those beside it are chosen anew."""
        self.left = [run for run in self.left if run is not ended]
        self._at_once = []


def node_leaves(unsaved: str = "") -> RunFailure:
    """Report a run that goes on elsewhere, because the node of this worker is to leave.

    Args:
        unsaved: Reason why its checkpoint could not be written; empty if it was.
    """
    return RunFailure(
        reason=f"its node {socket.gethostname()} is drained",
        would_recur=False,
        worker=worker_name(),
        unsaved=unsaved,
        moves=True,
    )
