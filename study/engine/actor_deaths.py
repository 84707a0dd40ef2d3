"""Deaths of workers that Tune does not know as such."""

import contextlib
from collections.abc import Iterator

from ray.air.execution._internal import RayActorManager
from ray.air.execution._internal.tracked_actor_task import TrackedActorTask
from ray.exceptions import RayActorError, RayError, RayTaskError
from ray.tune.execution import tune_controller


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


@contextlib.contextmanager
def every_death_known() -> Iterator[None]:
    """Have Tune handle every death of a worker, for as long as the context lasts."""
    names = vars(tune_controller)  # Tune has no place to hand in another one
    original = names["RayActorManager"]
    names["RayActorManager"] = _AllDeathsKnown
    try:
        yield
    finally:
        names["RayActorManager"] = original
