"""Tune reports, the ledger records."""

from pathlib import Path
from typing import Any

from ray.tune import Callback
from ray.tune.experiment import Trial

from study.engine.ledger import TrialLedger
from study.engine.messages import REPORT, TRIAL, EpochReport, ProposedTrial, TrialFailure


class LedgerRecorder(Callback):
    """Passes what happens to Tune's trials on to the ledger.

    Args:
        ledger: Records.
    """

    def __init__(self, ledger: TrialLedger) -> None:
        self._ledger = ledger

    def on_trial_result(
        self,
        iteration: int,
        trials: list[Trial],
        trial: Trial,
        result: dict[str, Any],
        **info: object,
    ) -> None:
        """An epoch ended, or the trial failed."""
        number = _number(trial)
        match result[REPORT]:
            case EpochReport() as report:
                self._ledger.epoch_finished(
                    number, report.results, costs=report.costs, device=report.device
                )
            case TrialFailure(reason=reason):
                self._ledger.trial_failed(number, reason)

    def on_trial_complete(
        self, iteration: int, trials: list[Trial], trial: Trial, **info: object
    ) -> None:
        """A trial ended, by itself or by the scheduler."""
        if not self._ledger.has_ended(_number(trial)):
            self._ledger.trial_stopped(_number(trial))

    def on_trial_error(
        self, iteration: int, trials: list[Trial], trial: Trial, **info: object
    ) -> None:
        """A trial's process died."""
        if not self._ledger.has_ended(_number(trial)):
            self._ledger.trial_failed(_number(trial), _death(Path(trial.error_file)))


def _number(trial: Trial) -> int:
    proposed: ProposedTrial = trial.config[TRIAL]
    return proposed.number


def _death(error_file: Path) -> str:
    """Why a worker process died, from what Ray wrote about it."""
    text = error_file.read_text(encoding="utf-8") if error_file.is_file() else ""
    if "OutOfMemoryError" in text or "low on memory" in text:
        return "the worker process died: Ray ended it because the host ran out of memory"
    return "the worker process died"
