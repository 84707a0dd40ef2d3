"""Confirmation: Ray trains the front and its controls with fresh seeds, and tests them."""

import contextlib
import math
import threading
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import ray
from ray.exceptions import RayError, RayTaskError

from pnn_core.data import Images, TrainingData
from study.checkpoints.checkpoint_store import CheckpointStore
from study.engine.cluster.connect import TrialResources, concurrent_trials
from study.engine.cluster.stop_signal import StopSignal
from study.engine.cluster.worker_settings import WorkerSettings
from study.engine.confirmation.plan import ConfirmTask
from study.engine.confirmation.worker import ConfirmReply, ConfirmReport, new_run, train_and_test
from study.engine.interrupts import Interrupts
from study.engine.tune.callback import UnsavedWarnings, Warn, describe_death
from study.engine.tune.run_search import PAUSE_SECONDS
from study.engine.tune.trainable import describe_error
from study.results.run_listener import RunListener
from study.results.run_record import RunKey, RunRecord, RunState
from study.results.timestamps import now_ms
from study.search.messages import TrialFailure, TrialPaused
from study.search.optuna_storage import StudyStorage
from study.search.trial_manager import ATTEMPTS

_Item = tuple[ConfirmTask, RunRecord]

LOOK_SECONDS = 1.0
"""How often it is seen whether nodes have joined, or a stop was asked for."""


@dataclass(frozen=True, kw_only=True)
class Confirmation:
    """The end of a confirmation.

    Attributes:
        runs: Those that ended, each complete or failed, in the order of their ends.
        planned: How many there should have been.
        interrupted: Whether a signal ended it.
    """

    runs: tuple[RunRecord, ...]
    planned: int
    interrupted: bool


def confirm(
    tasks: Sequence[ConfirmTask],
    data: TrainingData,
    test: Images,
    storage: StudyStorage,
    store: CheckpointStore,
    resources: TrialResources,
    interrupts: Interrupts,
    listeners: Sequence[RunListener],
    warn: Warn,
) -> Confirmation:
    """Run what is left of a confirmation on the connected cluster.

    A run that raises or whose worker dies is tried again from its checkpoint, `ATTEMPTS` times in
    all; one that fails costs no other.

    Args:
        tasks: In the order in which they are to be started.
        data: Train and validation images, from all of which these runs learn.
        test: Read here alone.
        storage: Holds the runs that ended, and takes those that end now.
        store: Where runs keep their checkpoints.
        resources: Of each run.
        interrupts: Where a first signal is a request to save and stop, and a second one raises.
        listeners: Told of every run.
        warn: Told when checkpoints cannot be written.

    Raises:
        StorageError: The study's state cannot be written.
        KeyboardInterrupt: At a second signal, or where workers take too long over the first.
    """
    flag = StopSignal()
    work = _Work(tasks, storage, resources, listeners, warn)
    if work.waiting:
        worker = ray.remote(num_cpus=resources.cpus, num_gpus=resources.gpus, max_retries=0)(
            train_and_test
        )
        # Joined here, once: every process on a node reads the same copy.
        images = (data.traits, ray.put(data.joined()), ray.put(test))
        settings = WorkerSettings(
            cpus=resources.cpus,
            gpus=resources.gpus,
            store=store,
            keep_checkpoints=False,
            stop_key=flag.key,
        )
        try:
            with interrupts.graceful(PAUSE_SECONDS), flag.follows(interrupts.requested, work.stop):
                work.run(lambda tasks: worker.remote(tasks, *images, settings))
        finally:
            work.pause_running()
    return Confirmation(
        runs=tuple(work.ended),
        planned=len(tasks),
        interrupted=interrupts.requested.is_set(),
    )


class _Work:
    """Runs that wait, run and have ended.

    Args:
        tasks: All of them; those that ended in an earlier life are taken from the storage.
        storage: Takes what ends.
        resources: Of each run.
        listeners: Told of everything.
        warn: Told when checkpoints cannot be written.
    """

    def __init__(
        self,
        tasks: Sequence[ConfirmTask],
        storage: StudyStorage,
        resources: TrialResources,
        listeners: Sequence[RunListener],
        warn: Warn,
    ) -> None:
        self._storage = storage
        self._resources = resources
        self._listeners = listeners
        self._unsaved = UnsavedWarnings(warn)
        self._running: dict[ray.ObjectRef[Any], list[_Item]] = {}
        self._attempts: Counter[RunKey] = Counter()
        self._stopped = threading.Event()
        self.waiting: deque[_Item] = deque()
        self.ended: list[RunRecord] = []
        before = {run.key: run for run in storage.confirmed()}
        for task in tasks:
            run = new_run(task)
            if run.key in before:
                self.ended.append(before[run.key])
                for listener in listeners:
                    listener.run_restored(before[run.key])
            else:
                self.waiting.append((task, run))

    def stop(self) -> None:
        """Start no more."""
        self._stopped.set()

    def run(self, submit: Callable[[list[ConfirmTask]], "ray.ObjectRef[Any]"]) -> None:
        """Until all have ended, or those that run have paused."""
        while self._running or (self.waiting and not self._stopped.is_set()):
            places = concurrent_trials(self._resources)
            while self.waiting and len(self._running) < places and not self._stopped.is_set():
                started = [self._started(*item) for item in self._next_items(places)]
                self._running[submit([task for task, _ in started])] = started
            if not self._running:  # the nodes that could run one have left
                self._stopped.wait(LOOK_SECONDS)
                continue
            done, _ = ray.wait(list(self._running), num_returns=1, timeout=LOOK_SECONDS)
            for reference in done:
                self._take(reference)

    def pause_running(self) -> None:
        """Leave what runs for the next life of the study."""
        for reference, items in [*self._running.items()]:
            with contextlib.suppress(RayError):  # the cluster may be gone
                ray.cancel(reference, force=True)
            for _, run in items:
                self._pause(run)
        self._running.clear()
        for _, run in self.waiting:
            if self._attempts[run.key]:  # it waits to be tried again
                self._pause(run)

    def _next_items(self, places: int) -> list[_Item]:
        """Runs for one worker, which trains them at once as far as that pays.

        They differ in their seeds alone, and are as many as leave enough for the other workers. One
        that is tried again is alone, so that whatever it does to its worker costs no other.
        """
        most = math.ceil(len(self.waiting) / places)
        first, first_run = self.waiting[0]
        alike = [
            (task, run)
            for task, run in self.waiting
            if replace(task, config=replace(task.config, seed=first.config.seed)) == first
            and not self._attempts[run.key]
        ][:most]
        items = [(first, first_run)] if self._attempts[first_run.key] else alike
        for item in items:
            self.waiting.remove(item)
        return items

    def _started(self, task: ConfirmTask, run: RunRecord) -> _Item:
        self._attempts[run.key] += 1
        run = replace(run, state=RunState.RUNNING, started_ms=run.started_ms or now_ms())
        for listener in self._listeners:
            listener.run_started(run)
        return task, run

    def _take(self, reference: "ray.ObjectRef[Any]") -> None:
        """What a worker handed back, or that it died."""
        items = self._running.pop(reference)
        for (task, run), reply in zip(items, _replies(reference, len(items)), strict=True):
            self._take_reply(task, run, reply)

    def _take_reply(self, task: ConfirmTask, run: RunRecord, reply: ConfirmReply) -> None:
        match reply:
            case ConfirmReport():
                self._unsaved.tell(reply.unsaved)
                self._end(
                    replace(
                        run,
                        state=RunState.COMPLETE,
                        result=reply.result,
                        costs=reply.costs,
                        device=reply.device,
                        worker=reply.worker,
                    )
                )
            case TrialPaused(unsaved=unsaved):
                self._pause(run)
                self._unsaved.tell(unsaved)
            case TrialFailure() if self._stopped.is_set():
                self._pause(run)  # it has not had all its attempts
            case TrialFailure(reason=reason, would_recur=would_recur, worker=worker):
                if would_recur or self._attempts[run.key] >= ATTEMPTS:
                    state = RunState.FAILED
                    self._end(replace(run, state=state, reason=reason, worker=worker))
                    return
                run = replace(run, retried=(*run.retried, reason))
                self.waiting.append((task, run))
                for listener in self._listeners:
                    listener.run_retried(run)

    def _pause(self, run: RunRecord) -> None:
        run = replace(run, state=RunState.PAUSED)
        for listener in self._listeners:
            listener.run_paused(run)

    def _end(self, run: RunRecord) -> None:
        run = replace(run, ended_ms=now_ms())
        self._storage.keep_confirmed(run)
        self.ended.append(run)
        for listener in self._listeners:
            listener.run_ended(run)


def _replies(reference: "ray.ObjectRef[Any]", count: int) -> Sequence[ConfirmReply]:
    try:
        replies: list[ConfirmReply] = ray.get(reference)
    except RayTaskError as error:  # such as an import that fails in the worker
        return [TrialFailure(reason=describe_error(error.cause), would_recur=False)] * count
    except RayError as error:
        return [TrialFailure(reason=describe_death(str(error)), would_recur=False)] * count
    return replies
