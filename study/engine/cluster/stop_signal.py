"""Flag that the driver raises and every worker of the study sees within a second.

Tune has no way to tell a trial in mid-epoch to save itself, so the flag lies in Ray's key-value
store, which all nodes reach.
"""

import contextlib
import threading
import uuid
from collections.abc import Callable, Iterator
from functools import cache

from ray.exceptions import RayError

from study.engine.cluster.private_ray import is_in_cluster, put_in_cluster

_NAMESPACE = "pnn-study"
_LOOK_SECONDS = 0.5


class StopSignal:
    """Flag on the driver's side.

    Attributes:
        key: Key that workers watch.
    """

    def __init__(self) -> None:
        self.key = f"stop-{uuid.uuid4().hex}"

    def put(self) -> None:
        """Raise the flag."""
        put_in_cluster(self.key, _NAMESPACE)

    @contextlib.contextmanager
    def follows(self, requested: threading.Event, then: Callable[[], None]) -> Iterator[None]:
        """Raise the flag as soon as a stop is requested while the context lasts.

        A thread does it, because a signal's handler may have broken into Ray itself.

        Args:
            requested: Event that is set by whoever wants the study to stop.
            then: Function to call first.
        """
        done = threading.Event()

        def follow() -> None:
            while not requested.wait(_LOOK_SECONDS / 5):
                if done.is_set():
                    return
            then()
            self.put()

        follower = threading.Thread(target=follow, name="stop-flag", daemon=True)
        follower.start()
        try:
            yield
        finally:
            done.set()


@cache
def stop_requested(key: str) -> threading.Event:
    """Return a worker's view of a flag: an event, which costs nothing to ask after each step."""
    raised = threading.Event()

    def watch() -> None:
        while not raised.wait(_LOOK_SECONDS):
            with contextlib.suppress(RayError):  # the head may be out of reach for a while
                if is_in_cluster(key, _NAMESPACE):
                    raised.set()

    threading.Thread(target=watch, name="stop-flag", daemon=True).start()
    return raised
