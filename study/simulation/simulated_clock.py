"""Clock of simulated time, with the events that are planned."""

import heapq
import itertools
from typing import Generic, TypeVar

Event = TypeVar("Event")


class EventClock(Generic[Event]):
    """A discrete-event clock: time stands still between events.

    Attributes:
        now: Seconds since the start.
    """

    def __init__(self) -> None:
        self.now = 0.0
        self._planned: list[tuple[float, int, Event]] = []
        self._order = itertools.count()

    def __bool__(self) -> bool:
        """True if anything is planned."""
        return bool(self._planned)

    def plan(self, delay: float, event: Event) -> None:
        """Let something happen later.

        Args:
            delay: Seconds from now, at least 0.
            event: Event to happen. Of events at the same time, the one planned first comes first.

        Raises:
            ValueError: The delay is negative or no number.
        """
        if not delay >= 0:
            raise ValueError(f"delay (={delay}) must be at least 0")
        heapq.heappush(self._planned, (self.now + delay, next(self._order), event))

    def advance(self) -> Event:
        """Go on to the next event.

        Raises:
            IndexError: Nothing is planned.
        """
        self.now, _, event = heapq.heappop(self._planned)
        return event
