"""Rungs of a study over all its lives."""

from study.config import StudyConfig
from study.results.early_stop import EarlyStop
from study.results.run_record import RunRecord
from study.search.optuna_storage import StudyStorage
from study.search.trial_attributes import rungs_passed
from study.stopping.entry import RungEntry, entry_after
from study.stopping.halving import SuccessiveHalving
from study.stopping.rungs import Rungs


class StudyRungs:
    """Judges trials at rungs, and finds the rungs as they were when a study goes on.

    A rung holds what was reported there first, whatever became of the trial: what a trial passes
    with is kept in the storage at once, and what one was stopped with is read from its record. Its
    record alone would not do: an attempt that broke off may have reported other numbers.

    Args:
        rungs: Epochs of the rungs.
        config: The study.
        storage: Storage of what trials passed in earlier lives.
    """

    def __init__(self, rungs: Rungs, config: StudyConfig, storage: StudyStorage) -> None:
        self._objectives = config.objectives
        self._storage = storage
        self._halving = SuccessiveHalving(rungs)
        self._passed: dict[int, list[tuple[int, RungEntry]]] = {}
        self._stops: dict[int, EarlyStop] = {}
        for trial in storage.trials():
            for epoch, entry in rungs_passed(trial):
                self._halving.restore(epoch, entry)

    def restore(self, record: RunRecord) -> None:
        """Put a trial that ended in an earlier life where it was."""
        for epoch in self._halving.epochs:
            if epoch <= len(record.epochs):
                self._halving.restore(epoch, entry_after(record, epoch, self._objectives))

    def goes_on(self, record: RunRecord) -> bool:
        """Judge a running trial at all rungs that it has reached since it was judged last.

        Several at once, where a worker was ahead of a driver that died.
        """
        for epoch in self._halving.epochs:
            if epoch > len(record.epochs):
                break
            entry = entry_after(record, epoch, self._objectives)
            decision = self._halving.report(record.number, epoch, entry.losses)
            if decision is None:
                continue
            if decision.stop is not None:
                self._stops[record.number] = decision.stop
                return False
            self._passed.setdefault(record.number, []).append((epoch, entry))
        return True

    def keep_passed(self, number: int) -> None:
        """Write which rungs a trial has passed, for another life of the study.

        Raises:
            StorageError: They cannot be written.
        """
        for epoch, entry in self._passed.pop(number, []):
            self._storage.keep_rung_passed(epoch, entry)

    def stop(self, number: int) -> EarlyStop | None:
        """Return the early stop of a trial; None where no rung stopped it."""
        return self._stops.get(number)
