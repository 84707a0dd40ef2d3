"""Listener that keeps the confirmed runs of a sealed experiment from another one."""

from collections.abc import Callable

from pnn_core.config import EpochResult
from study.results.run_listener import RunListener
from study.results.run_record import RunKey, RunRecord


class SealedListener(RunListener):
    """Passes on what happens to trials, and of the runs that confirm them their number alone.

    Args:
        listener: Listener that must not see them, such as the writer to the tracker.
        ended: Number of confirmed runs that have ended before.
        tell: Function to tell how many have ended, now and whenever another one has.
    """

    def __init__(self, listener: RunListener, ended: int, tell: Callable[[int], None]) -> None:
        self._listener = listener
        self._ended = ended
        self._tell = tell
        tell(ended)

    def run_restored(self, record: RunRecord) -> None:
        """Pass on a trial that ended before."""
        if not record.key.is_confirmation:
            self._listener.run_restored(record)

    def run_started(self, record: RunRecord) -> None:
        """Pass on a trial that starts."""
        if not record.key.is_confirmation:
            self._listener.run_started(record)

    def epoch_finished(self, key: RunKey, result: EpochResult) -> None:
        """Pass on an epoch of a trial."""
        if not key.is_confirmation:
            self._listener.epoch_finished(key, result)

    def run_retried(self, record: RunRecord) -> None:
        """Pass on a broken-off attempt at a trial."""
        if not record.key.is_confirmation:
            self._listener.run_retried(record)

    def run_paused(self, record: RunRecord) -> None:
        """Pass on a trial that pauses."""
        if not record.key.is_confirmation:
            self._listener.run_paused(record)

    def run_ended(self, record: RunRecord) -> None:
        """Pass on a trial that ended; count a run that confirms one."""
        if not record.key.is_confirmation:
            self._listener.run_ended(record)
            return
        self._ended += 1
        self._tell(self._ended)
