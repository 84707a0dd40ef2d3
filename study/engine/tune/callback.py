"""Callback of Tune's that tells a run manager what happens."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ray.tune import Callback
from ray.tune.experiment import Trial

from study.engine.failure_reasons import describe_death
from study.results.mask_secrets import mask_password
from study.results.printable import printable
from study.results.run_record import RunKey
from study.search.messages import (
    REPORTS,
    RUNS,
    ConfirmationReport,
    DataFault,
    EpochReport,
    ProposedRun,
    RunFailure,
    RunPaused,
    RunReport,
    TestReport,
)
from study.search.run_manager import RunManager

Warn = Callable[[str], None]
"""Function that takes what must be told at once, in one line."""


class TuneCallback(Callback):
    """Passes what happens to Tune's trials on to the manager of the runs that they hold.

    One run of the study may be in several of Tune's trials, one after another: each attempt is in a
    new one.

    Args:
        manager: Manager that records.
        warn: Function to tell when files cannot be written, each reason once.
        stop: Function that asks all workers to save themselves and stop.

    Attributes:
        data_fault: Sentence on the first image that could not be read; empty while there is none.
    """

    def __init__(
        self,
        manager: RunManager,
        warn: Warn,
        stop: Callable[[], None],
    ) -> None:
        self._manager = manager
        self._stop = stop
        self.data_fault = ""
        self._unsaved = UnsavedWarnings(warn)
        self._failures: dict[RunKey, RunFailure] = {}
        self._error: Exception | None = None

    def __getstate__(self) -> dict[str, object]:
        """Leave out everything, as the run manager: Tune pickles its callbacks."""
        return {}

    def on_trial_start(
        self, iteration: int, trials: list[Trial], trial: Trial, **info: object
    ) -> None:
        """Tell that a process took up runs."""
        for run in _runs(trial):
            self._tell(self._manager.run_started, run.key)

    def on_trial_result(
        self,
        iteration: int,
        trials: list[Trial],
        trial: Trial,
        result: dict[str, Any],
        **info: object,
    ) -> None:
        """Tell the news that a worker has of some of its runs."""
        for key, report in result[REPORTS]:
            self._tell(self._take, key, report)

    def on_trial_complete(
        self, iteration: int, trials: list[Trial], trial: Trial, **info: object
    ) -> None:
        """End what still runs of a trial that ended by itself or by the scheduler.

        What no process took up, as its kind of GPUs has left, is proposed again.
        """
        for run in _runs(trial):
            if trial.status == Trial.PENDING:
                self._tell(self._manager.take_back, run.key)
            elif self._manager.is_running(run.key):
                self._tell(self._manager.run_stopped, run.key)

    def on_trial_error(
        self, iteration: int, trials: list[Trial], trial: Trial, **info: object
    ) -> None:
        """End the attempts of a worker that died, by itself or because a run had raised."""
        death = _death(Path(trial.error_file))
        for run in _runs(trial):
            failure = self._failures.pop(run.key, death)
            if self._manager.is_running(run.key):
                self._tell(self._fail, run.key, failure)

    def on_step_end(self, iteration: int, trials: list[Trial], **info: object) -> None:
        """Do what is asked meanwhile; raise what ends the study, where Tune lets it through."""
        if self._error is None:
            self._manager.attend()
        if self._error is not None:
            raise self._error

    def _take(self, key: RunKey, report: RunReport) -> None:
        match report:
            case EpochReport():
                self._manager.epoch_finished(key, report)
            case ConfirmationReport():
                self._manager.confirmation_advanced(key, report)
            case TestReport():
                self._manager.run_tested(key, report)
            case RunPaused():
                self._manager.run_paused(key)
            case DataFault():
                self._stop_for(report)
                self._manager.run_paused(key)
            case RunFailure(would_recur=True):
                self._fail(key, report)
            case RunFailure():
                self._failures[key] = report  # the process ends itself next
        self._unsaved.tell(report)

    def _stop_for(self, fault: DataFault) -> None:
        """Have the study stop: every run would meet the same image."""
        if not self.data_fault:
            self.data_fault = fault.reason
            self._manager.stop()
            self._stop()

    def _fail(self, key: RunKey, failure: RunFailure) -> None:
        self._manager.attempt_failed(
            key,
            failure.reason,
            would_recur=failure.would_recur,
            worker=failure.worker,
            unrecorded=failure.unrecorded,
            moves=failure.moves,
        )

    def _tell(self, tell: Callable[..., None], *what: RunKey | RunReport) -> None:
        """Tell the manager; where that fails, Tune would take it for the trial's own failure.

        What follows a failure is not told: it would meet a run whose end could not be kept.
        """
        if self._error is not None:
            return
        try:
            tell(*what)
        except Exception as error:
            self._error = error


class UnsavedWarnings:
    """Tells of checkpoints and weights that could not be written, each reason once.

    Args:
        warn: Function to tell.
    """

    def __init__(self, warn: Warn) -> None:
        self._warn = warn
        self._told: set[str] = set()

    def tell(self, report: RunReport) -> None:
        """Tell what a run could not write, and why; nothing if it wrote all."""
        self._tell(
            "A checkpoint could not be written or read",
            report.unsaved,
            "training goes on, but what has no checkpoint is lost where it breaks off",
        )
        self._tell(
            "Weights could not be written",
            report.unkept,
            "results are not touched, but a trial's network is not kept",
        )

    def _tell(self, what: str, reason: str, consequence: str) -> None:
        said = f"{what}: {mask_password(printable(reason))}: {consequence}"
        if reason and said not in self._told:
            self._told.add(said)
            self._warn(said)


def _runs(trial: Trial) -> tuple[ProposedRun, ...]:
    runs: tuple[ProposedRun, ...] = trial.config[RUNS]
    return runs


def _death(error_file: Path) -> RunFailure:
    """Tell why a worker process died, from what Ray wrote about it."""
    text = (
        error_file.read_text(encoding="utf-8", errors="backslashreplace")
        if error_file.is_file()
        else ""
    )
    return RunFailure(reason=describe_death(text), would_recur=False)
