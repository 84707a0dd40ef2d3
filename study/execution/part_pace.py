"""Pace of one part of a study: the work that is done and the time that it took."""

import time
from dataclasses import dataclass

PRIOR_SHARE = 0.1
"""Share of a part's work that the pace of the part before it counts for."""


@dataclass(kw_only=True)
class PartPace:
    """Work of a part of a study, and the time that it took.

    Work is counted in epochs of one seed, where these take as long as each other as far as is
    known, or in seconds of a worker.

    Attributes:
        planned: Work of all runs; expected, before it is known.
        done: Work that is done; what a failed or stopped run leaves out counts.
        restored: Work of this that was done in earlier lives of the study.
        trained: Seconds of workers that were trained in this life.
        begun: Time of the first work; None before it.
        heard: Time of the last news.
    """

    planned: float
    done: float = 0.0
    restored: float = 0.0
    trained: float = 0.0
    begun: float | None = None
    heard: float = 0.0

    @property
    def rest(self) -> float:
        """Work that is left; what is left by rounding alone is none."""
        rest = self.planned - self.done
        return rest if rest > 1e-9 * self.planned else 0.0

    def hear(self, lasted: float | None = None) -> None:
        """Take note of news.

        Args:
            lasted: Seconds of the first work that is told; a worker's start before it is no pace.
        """
        self.heard = time.monotonic()
        if self.begun is None:
            self.begun = self.heard
        elif lasted is not None and not self.trained:
            self.begun = max(self.begun, self.heard - lasted)

    def per_second(self, before: float | None) -> float | None:
        """Return the seconds that one second of a worker takes, all of them training at once.

        Args:
            before: Same of the part before it; None where it is not known.

        Returns:
            None while nothing is known.
        """
        prior = 0.0 if before is None else PRIOR_SHARE * self.planned
        work = prior + self.trained
        return (prior * (before or 0.0) + self._elapsed()) / work if work else before

    def seconds_left(self, before: float | None) -> float | None:
        """Estimate the time of what is left.

        The first part goes on to leave out as much as it did so far.

        Args:
            before: Seconds that one second of a worker took in the part before it; None for the
                first part.

        Returns:
            None while nothing is known.
        """
        if not self.rest:
            return 0.0
        new = self.done - self.restored
        if before is None and new > 0:
            return self._elapsed() * self.rest / new
        pace = self.per_second(before)
        return None if pace is None else self.rest * pace

    def _elapsed(self) -> float:
        if self.begun is None:
            return 0.0
        return (time.monotonic() if self.rest else self.heard) - self.begun
