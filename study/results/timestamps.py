"""Clock of records: times of day that never go back while a process lives."""

import threading
import time


class SteadyClock:
    """Time of day that goes on where somebody sets the clock back.

    A clock that is set forward is followed. One that went back is taken to have gone on as long as
    the monotonic clock says, so that durations stay right.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wall = time.time_ns()
        self._monotonic = time.monotonic_ns()
        self._lead = 0

    def now_ms(self) -> int:
        """Return the time in milliseconds since 1970."""
        with self._lock:
            wall, monotonic = time.time_ns(), time.monotonic_ns()
            if wall < self._wall:
                self._lead += self._wall + (monotonic - self._monotonic) - wall
            self._wall, self._monotonic = wall, monotonic
            return (wall + self._lead) // 1_000_000


_CLOCK = SteadyClock()


def now_ms() -> int:
    """Return the time in milliseconds since 1970, by the one clock of this process."""
    return _CLOCK.now_ms()
