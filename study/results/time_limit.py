"""Time limit of a question to something outside this program."""

import threading
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")


def within(seconds: float, ask: Callable[[], Found]) -> Found:
    """Return or raise what `ask` does.

    Raises:
        TimeoutError: It takes too long.
    """
    found: list[Found] = []
    failures: list[Exception] = []

    def run() -> None:
        try:
            found.append(ask())
        except Exception as error:  # handed to the caller's thread
            failures.append(error)

    # A thread, because each driver spells its time limit differently, if it has one, and
    # MLflow repeats an attempt for minutes.
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if failures:
        raise failures[0]
    if not found:
        raise TimeoutError(f"it does not answer within {seconds:g} seconds")
    return found[0]
