"""Work on files in a thread of its own, because a remote store takes its time."""

import contextlib
import queue
import threading
from collections.abc import Callable

CLOSING_SECONDS = 5.0
"""Time that a place for files that stands still may hold up the end of a study."""


class BackgroundWork:
    """Thread that does what it is handed, in order.

    What fails for the file system's sake is left undone.

    Args:
        name: Name of the thread.
    """

    def __init__(self, name: str) -> None:
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        # A daemon: a network folder that hangs must not keep the process alive.
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def put(self, work: Callable[[], None]) -> None:
        """Hand over what is to be done next."""
        self._work.put(work)

    def wait(self, seconds: float) -> bool:
        """Wait until all that was handed over is done, but not for ever; True if it is."""
        done = threading.Event()
        self._work.put(done.set)
        return done.wait(seconds)

    def close(self) -> None:
        """Wait until everything is done, but not for ever, and take no more."""
        self._work.put(None)
        self._thread.join(CLOSING_SECONDS)

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            with contextlib.suppress(OSError):
                work()
