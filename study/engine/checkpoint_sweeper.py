"""The driver clears up the checkpoints of what has ended."""

import contextlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from pnn_core.config import EpochResult
from study.engine.checkpoint_store import CheckpointStore
from study.results.confirmed_run import ConfirmedRun
from study.results.record import TrialRecord, TrialState

TRIAL_PREFIX, CONFIRMATION_PREFIX = "trial-", "confirm-"


def trial_file(number: int) -> str:
    """Name of a trial's checkpoint."""
    return f"{TRIAL_PREFIX}{number:05}.ckpt"


def confirmation_file(run: ConfirmedRun) -> str:
    """Name of a confirmation run's checkpoint."""
    return f"{CONFIRMATION_PREFIX}{run.trial:05}-{run.layer}-{run.seed}.ckpt"


class CheckpointSweeper:
    """Removes the checkpoint of a trial or confirmation run once it has ended.

    A listener of the driver; a thread of its own removes, because a remote store takes its time.

    Args:
        store: Where checkpoints lie.
        keep: Whether those of complete trials stay.
    """

    def __init__(self, store: CheckpointStore, *, keep: bool) -> None:
        self._store = store
        self._keep = keep
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="checkpoint-sweeper")

    def sweep_trials(self, records: Sequence[TrialRecord]) -> None:
        """Remove what belongs to no trial that may go on, such as half-written files."""
        self._sweep(TRIAL_PREFIX, {trial_file(r.number) for r in records if not self._is_over(r)})

    def sweep_confirmations(self, runs: Sequence[ConfirmedRun]) -> None:
        """Remove what belongs to none of these runs."""
        self._sweep(CONFIRMATION_PREFIX, {confirmation_file(run) for run in runs})

    def close(self) -> None:
        """Wait until everything is removed."""
        self._thread.shutdown()

    def trial_ended(self, record: TrialRecord) -> None:
        """Remove its checkpoint, unless that is to stay."""
        if self._is_over(record):
            self._remove(trial_file(record.number))

    def confirmation_ended(self, run: ConfirmedRun) -> None:
        """Remove its checkpoint."""
        self._remove(confirmation_file(run))

    def trial_restored(self, record: TrialRecord) -> None:
        """Nothing: see `sweep_trials`."""

    def trial_started(self, record: TrialRecord) -> None:
        """Nothing: it may go on from its checkpoint."""

    def epoch_finished(self, number: int, result: EpochResult) -> None:
        """Nothing: the worker itself replaces the checkpoint."""

    def trial_retried(self, record: TrialRecord) -> None:
        """Nothing: it goes on from its checkpoint."""

    def trial_paused(self, record: TrialRecord) -> None:
        """Nothing: it goes on from its checkpoint."""

    def confirmation_restored(self, run: ConfirmedRun) -> None:
        """Nothing: see `sweep_confirmations`."""

    def confirmation_started(self, run: ConfirmedRun) -> None:
        """Nothing: it may go on from its checkpoint."""

    def confirmation_retried(self, run: ConfirmedRun) -> None:
        """Nothing: it goes on from its checkpoint."""

    def confirmation_paused(self, run: ConfirmedRun) -> None:
        """Nothing: it goes on from its checkpoint."""

    def _is_over(self, record: TrialRecord) -> bool:
        kept = self._keep and record.state is TrialState.COMPLETE
        return record.state.is_final and not kept

    def _sweep(self, prefix: str, live: set[str]) -> None:
        def sweep() -> None:
            with contextlib.suppress(OSError):  # what cannot be removed now is swept another time
                for name in self._store.names():
                    if name.startswith(prefix) and name not in live:
                        self._store.delete(name)

        self._thread.submit(sweep)

    def _remove(self, name: str) -> None:
        def remove() -> None:
            with contextlib.suppress(OSError):
                self._store.delete(name)

        self._thread.submit(remove)
