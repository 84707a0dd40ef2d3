"""Removal of the checkpoints of runs that have ended, by the driver."""

import contextlib
from collections.abc import Sequence

from study.checkpoints.background_work import BackgroundWork
from study.checkpoints.checkpoint_store import CheckpointStore
from study.results.run_listener import RunListener
from study.results.run_record import RunKey, RunRecord, RunState

TRIAL_PREFIX, CONFIRMATION_PREFIX, TUNING_PREFIX = "trial-", "confirm-", "tune-"


def checkpoint_file(key: RunKey) -> str:
    """Return the name of a run's checkpoint."""
    if key.is_tuning:
        return f"{TUNING_PREFIX}{key.trial:05}-{key.layer}-{key.grid_point}-{key.seed}.ckpt"
    if key.is_confirmation:
        return f"{CONFIRMATION_PREFIX}{key.trial:05}-{key.layer}-{key.seed}.ckpt"
    return f"{TRIAL_PREFIX}{key.trial:05}.ckpt"


class CheckpointCleanup(RunListener):
    """Removes the checkpoint of a trial or confirmation run once it has ended.

    A listener of the driver.

    Args:
        store: Store of the checkpoints.
        keep: True if those of complete trials stay.
    """

    def __init__(self, store: CheckpointStore, *, keep: bool) -> None:
        self._store = store
        self._keep = keep
        # What cannot be removed now is swept another time.
        self._work = BackgroundWork("checkpoint-sweeper")

    def sweep_trials(self, records: Sequence[RunRecord]) -> None:
        """Remove what belongs to no trial that may go on, such as half-written files."""
        self._remove_all(TRIAL_PREFIX, records)

    def sweep_confirmations(self, records: Sequence[RunRecord]) -> None:
        """Remove what belongs to no confirmation run that may go on."""
        self._remove_all(CONFIRMATION_PREFIX, records)

    def sweep_tuning(self, records: Sequence[RunRecord]) -> None:
        """Remove what belongs to no tuning run that may go on."""
        self._remove_all(TUNING_PREFIX, records)

    def close(self) -> None:
        """Wait until everything is removed, but not for ever."""
        self._work.close()

    def run_ended(self, record: RunRecord) -> None:
        """Remove its checkpoint, unless that is to stay, and what killed workers left of it."""
        name = checkpoint_file(record.key)
        self._work.put(lambda: self._remove_now(name, set() if self._is_over(record) else {name}))

    def _is_over(self, record: RunRecord) -> bool:
        kept = self._keep and record.state is RunState.COMPLETE and not record.layer
        return record.state.is_final and not kept

    def _remove_all(self, prefix: str, records: Sequence[RunRecord]) -> None:
        """Remove what is there now: what is written from now on belongs to something that runs."""
        live = {checkpoint_file(record.key) for record in records if not self._is_over(record)}
        with contextlib.suppress(OSError):
            there = self._files(prefix, live)
            self._work.put(lambda: self._delete(there))

    def _remove_now(self, prefix: str, but: set[str]) -> None:
        self._delete(self._files(prefix, but))

    def _files(self, prefix: str, but: set[str]) -> list[str]:
        return [n for n in self._store.names() if n.startswith(prefix) and n not in but]

    def _delete(self, names: Sequence[str]) -> None:
        for name in names:
            self._store.delete(name)
