"""Watch over Ray's control store, without which nothing goes on.

Ray itself tries to reach it for a minute, and then ends this process without a word of Python's.
"""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator

import ray

LOOK_SECONDS = 1.0
"""Time between two looks."""

OWN_SECONDS = 2.0
"""Time after which a store on this machine that refuses is gone: nobody starts it again."""

OTHER_SECONDS = 45.0
"""Time that another cluster's store may be away, as for a restart; Ray itself waits 60 s."""


HURRIED_SECONDS = 5.0
"""Same time once this process was told to end: who signals all processes of a job ends both."""


@contextlib.contextmanager
def control_store_watched(
    lost: Callable[[str], object], *, is_own: bool, told_to_end: Callable[[], bool]
) -> Iterator[None]:
    """Watch the control store of the connected cluster for as long as the context lasts.

    Args:
        lost: Function to call, from a thread, with the reason once the store is lost.
        is_own: True for a cluster that was started here.
        told_to_end: Function that returns True once this process was told to end.
    """
    host, _, port = ray.get_runtime_context().gcs_address.rpartition(":")
    done = threading.Event()

    def watch() -> None:
        answered = time.monotonic()
        while not done.wait(LOOK_SECONDS):
            now = time.monotonic()
            # A busy machine is slow to answer, and still does not refuse.
            refusal = ConnectionRefusedError if is_own else OSError
            try:
                socket.create_connection((host, int(port)), timeout=LOOK_SECONDS).close()
            except refusal:
                pass
            except OSError:
                answered = now
            else:
                answered = now
            patience = HURRIED_SECONDS if told_to_end() else OTHER_SECONDS
            if now - answered >= (OWN_SECONDS if is_own else patience) and not done.is_set():
                lost(f"Ray's control store (gcs_server at {host}:{port}) is gone")
                return

    threading.Thread(target=watch, name="control-store", daemon=True).start()
    try:
        yield
    finally:
        done.set()
