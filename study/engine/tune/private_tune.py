"""Parts of Tune that have no public name.

Each function says why it is needed and what would end it. Those of Ray's core are in
`study.engine.cluster.private_ray`.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

from ray.air._internal import usage
from ray.air.execution import FixedResourceManager
from ray.air.execution._internal import RayActorManager
from ray.air.execution._internal.tracked_actor_task import TrackedActorTask
from ray.exceptions import RayActorError, RayError, RayTaskError
from ray.tune import Callback
from ray.tune.execution import class_cache, tune_controller
from ray.tune.experiment import Trial

from study.engine.cluster.private_ray import replaced


@contextlib.contextmanager
def warm_workers_used() -> Iterator[None]:
    """Have Tune take the processes that Ray started, for as long as the context lasts.

    By itself it leaves them alone, in two ways that nothing needs on a single node:

    - Ray hands them to whoever asks for no environment of its own. Tune asks for one, by a variable
      that means something to PyTorch Lightning alone.
    - Tune reserves a placement group for each trial and asks Ray to run a task when it is there.
      That task would take them, and groups come and go with every trial even where one worker
      trains them all. A count of the node's cores does as well.

    Ends when a `TuneConfig` takes the workers' runtime environment and the resource manager.
    """
    with (
        replaced(class_cache, "DEFAULT_ENV_VARS", {}),
        replaced(tune_controller, "PlacementGroupResourceManager", FixedResourceManager),
    ):
        yield


@contextlib.contextmanager
def callbacks_uncounted() -> Iterator[None]:
    """Keep Tune from counting callbacks for Ray's statistics, for as long as the context lasts.

    It imports every tracker that it knows and that is installed, to see that ours is none of them:
    2 s of CPU time for wandb alone.

    Ends when Tune tells its own callbacks without importing them.
    """
    with replaced(usage, "tag_callbacks", _tag_nothing):
        yield


def _tag_nothing(_: list[Callback] | None) -> bool:
    """Stand in for Tune's own function."""
    return False


@contextlib.contextmanager
def every_death_known() -> Iterator[None]:
    """Have Tune handle every death of a worker, for as long as the context lasts.

    Ends when Tune takes any `RayError` of a worker for its death, and has asked no dead worker for
    a result; it has no place to hand in a class of our own.
    """
    with (
        replaced(tune_controller, "RayActorManager", _AllDeathsKnown),
        replaced(Trial, "_get_default_result_or_future", _ask_worker_that_may_be_dead),
    ):
        yield


class _AllDeathsKnown(RayActorManager):
    """Takes whatever Ray says of a worker that is gone as its death.

    Tune's own knows `RayActorError` alone. A worker that Ray ends because the host runs out of
    memory fails with an `OutOfMemoryError`, which would end the whole study.
    """

    def _actor_task_failed(
        self, tracked_actor_task: TrackedActorTask, exception: Exception
    ) -> None:
        known = isinstance(exception, (RayActorError, RayTaskError))
        if isinstance(exception, RayError) and not known:
            exception = RayActorError(error_msg=str(exception))
        super()._actor_task_failed(tracked_actor_task, exception)


_ask_worker = Trial._get_default_result_or_future


def _ask_worker_that_may_be_dead(trial: Trial) -> dict[str, Any] | None:
    """Return what a worker says of itself before a trial's first result; None from a dead one.

    Tune asks when it reports that a trial failed. A trial that was handed to a waiting worker
    which Ray had ended too, for want of memory, would end the whole study there.
    """
    try:
        return _ask_worker(trial)
    except RayError:
        trial._default_result_or_future = None
        return None
