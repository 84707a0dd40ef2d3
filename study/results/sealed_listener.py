"""Listener that keeps the confirmed runs of a sealed experiment from another one."""

from pnn_core.config import EpochResult
from study.results.run_listener import RunListener
from study.results.run_record import RunKey, RunRecord


class SealedListener(RunListener):
    """Passes on what happens to trials, and nothing of the runs that confirm them.

    Args:
        listener: Listener that must not see them, such as the writer to the tracker.
    """

    def __init__(self, listener: RunListener) -> None:
        self._listener = listener

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
        """Pass on a trial that ended."""
        if not record.key.is_confirmation:
            self._listener.run_ended(record)
