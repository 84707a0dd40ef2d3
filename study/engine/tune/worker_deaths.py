"""Deaths of workers that Tune does not know as such."""

import contextlib
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

from ray.air.execution._internal import RayActorManager
from ray.air.execution._internal.tracked_actor_task import TrackedActorTask
from ray.exceptions import RayActorError, RayError, RayTaskError
from ray.tune.execution import tune_controller
from ray.tune.experiment import Trial


class _AllDeathsKnown(RayActorManager):
    """Takes whatever Ray says of a worker that is gone as its death.

    Tune's own knows `RayActorError` alone. A worker that Ray ends because the host runs out of
    memory fails with an `OutOfMemoryError`, which would end the whole search.
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
    """What a worker says of itself before a trial's first result; None from a dead one.

    Tune asks when it reports that a trial failed. A trial that was handed to a waiting worker
    which Ray had ended too, for want of memory, would end the whole search there.
    """
    try:
        return _ask_worker(trial)
    except RayError:
        trial._default_result_or_future = None
        return None


@contextlib.contextmanager
def every_death_known() -> Iterator[None]:
    """Have Tune handle every death of a worker, for as long as the context lasts."""
    with (  # Tune has no place to hand in others
        patch.object(tune_controller, "RayActorManager", _AllDeathsKnown),
        patch.object(Trial, "_get_default_result_or_future", _ask_worker_that_may_be_dead),
    ):
        yield
