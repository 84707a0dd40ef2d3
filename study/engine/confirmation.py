"""Confirmation: Ray trains the front and its controls with fresh seeds, and tests them."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import ray
from ray.exceptions import RayError, RayTaskError

from pnn_core.config import ConfirmResult, Costs
from pnn_core.data import Images, ImageTraits, TrainingData
from study.engine.cluster import TrialResources
from study.engine.confirm_plan import ConfirmTask
from study.engine.messages import TrialFailure
from study.engine.trainable import describe_error
from study.results.confirmed_run import ConfirmedRun
from study.results.record import TrialState


class ConfirmationListener(Protocol):
    """Someone who wants to know; must return at once."""

    def confirmation_started(self, run: ConfirmedRun) -> None:
        """A run was handed to a worker."""

    def confirmation_ended(self, run: ConfirmedRun) -> None:
        """A run is complete or failed."""


@dataclass(frozen=True, kw_only=True)
class Confirmation:
    """The end of a confirmation.

    Attributes:
        runs: Those that were started, each complete or failed, in the order of their ends.
        planned: How many there should have been.
        interrupted: Whether Ctrl-C ended it.
    """

    runs: tuple[ConfirmedRun, ...]
    planned: int
    interrupted: bool


@dataclass(frozen=True, kw_only=True)
class ConfirmReport:
    """What a worker hands back.

    Attributes:
        result: What the run gave.
        costs: Of its network.
        device: Where it trained, in words.
    """

    result: ConfirmResult
    costs: Costs
    device: str


def confirm(
    tasks: Sequence[ConfirmTask],
    data: TrainingData,
    test: Images,
    resources: TrialResources,
    listeners: Sequence[ConfirmationListener],
) -> Confirmation:
    """Run a confirmation on the connected cluster.

    A worker that dies fails its run alone.

    Args:
        tasks: In the order in which they are to be started.
        data: Train and validation images, from all of which these runs learn.
        test: Read here alone.
        resources: Of each run.
        listeners: Told of every run.
    """
    worker = ray.remote(num_cpus=resources.cpus, num_gpus=resources.gpus, max_retries=0)(_work)
    # Joined here, once: every process on a node reads the same copy.
    images = (data.traits, ray.put(data.joined()), ray.put(test))
    waiting = deque(tasks)
    running: dict[ray.ObjectRef[Any], ConfirmedRun] = {}
    ended: list[ConfirmedRun] = []

    def end(reference: "ray.ObjectRef[Any]", run: ConfirmedRun) -> None:
        for listener in listeners:
            listener.confirmation_ended(run)
        ended.append(run)
        del running[reference]

    interrupted = False
    try:
        while waiting or running:
            while waiting and len(running) < resources.concurrent:
                task = waiting.popleft()
                reference = worker.remote(task, *images, resources.cpus, resources.gpus)
                running[reference] = _started(task)
                for listener in listeners:
                    listener.confirmation_started(running[reference])
            (done,), _ = ray.wait(list(running), num_returns=1)
            end(done, _ended(running[done], done))
    except KeyboardInterrupt:
        interrupted = True
        finished, _ = ray.wait(list(running), num_returns=len(running), timeout=0)
        for reference, run in [*running.items()]:
            if reference in finished:
                end(reference, _ended(run, reference))
            else:
                ray.cancel(reference, force=True)
                end(reference, _failed(run, "interrupted before its full budget"))
    return Confirmation(runs=tuple(ended), planned=len(tasks), interrupted=interrupted)


def _started(task: ConfirmTask) -> ConfirmedRun:
    return ConfirmedRun(
        trial=task.trial,
        layer=task.config.model.layer,
        seed=task.config.seed,
        state=TrialState.RUNNING,
        parameters=task.config.parameters(),
        size_difference=task.size_difference,
    )


def _ended(run: ConfirmedRun, reference: "ray.ObjectRef[Any]") -> ConfirmedRun:
    try:
        report = ray.get(reference)
    except RayTaskError as error:  # such as an import that fails in the worker
        return _failed(run, describe_error(error.cause))
    except RayError as error:
        return _failed(run, f"the worker process died: {describe_error(error)[:200]}")
    if isinstance(report, TrialFailure):
        return _failed(run, report.reason)
    return replace(
        run,
        state=TrialState.COMPLETE,
        result=report.result,
        costs=report.costs,
        device=report.device,
    )


def _failed(run: ConfirmedRun, reason: str) -> ConfirmedRun:
    return replace(run, state=TrialState.FAILED, reason=reason)


def _work(
    task: ConfirmTask, traits: ImageTraits, images: Images, test: Images, cpus: int, gpus: float
) -> ConfirmReport | TrialFailure:
    """Train and test in a worker process, which Ray keeps for the next task."""
    import torch

    from pnn_core.confirm import confirm as train_and_test
    from pnn_core.costs import count_costs
    from pnn_core.device import default_device, describe_device

    torch.set_num_threads(cpus)
    device = default_device() if gpus else torch.device("cpu")
    try:
        return ConfirmReport(
            result=train_and_test(task.config, traits, images, test, device),
            costs=count_costs(task.config.model),
            device=describe_device(device),
        )
    except Exception as error:  # whatever a run raises is that run's end, not the study's
        return TrialFailure(reason=describe_error(error))
