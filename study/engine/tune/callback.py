"""Tune reports, the trial manager records."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ray.tune import Callback
from ray.tune.experiment import Trial

from study.results.mask_secrets import mask_password
from study.search.messages import (
    REPORT,
    TRIAL,
    EpochReport,
    ProposedTrial,
    TrialFailure,
    TrialPaused,
)
from study.search.trial_manager import TrialManager

Warn = Callable[[str], None]
"""Takes what must be told at once, in one line."""


class TuneCallback(Callback):
    """Passes what happens to Tune's trials on to the trial manager.

    One trial of the study may be several of Tune's, one after another: each attempt is a new one.

    Args:
        manager: Records.
        warn: Told when checkpoints cannot be written, each reason once.
    """

    def __init__(self, manager: TrialManager, warn: Warn) -> None:
        self._manager = manager
        self._unsaved = UnsavedWarnings(warn)
        self._failures: dict[int, TrialFailure] = {}
        self._left: set[str] = set()
        self._failure: Exception | None = None

    def __getstate__(self) -> dict[str, object]:
        """Nothing, as the trial manager: Tune pickles its callbacks."""
        return {}

    def on_trial_start(
        self, iteration: int, trials: list[Trial], trial: Trial, **info: object
    ) -> None:
        """A process took up a trial."""
        self._keep_failure(self._manager.trial_started, _number(trial))

    def on_trial_result(
        self,
        iteration: int,
        trials: list[Trial],
        trial: Trial,
        result: dict[str, Any],
        **info: object,
    ) -> None:
        """An epoch ended, or the trial stopped before one did."""
        number = _number(trial)
        match result[REPORT]:
            case EpochReport() as report:
                self._keep_failure(self._manager.epoch_finished, number, report)
                self._unsaved.tell(report.unsaved)
            case TrialPaused(unsaved=unsaved):
                self._left.add(trial.trial_id)
                self._manager.trial_paused(number)
                self._unsaved.tell(unsaved)
            case TrialFailure(reason=reason, would_recur=True, worker=worker):
                self._left.add(trial.trial_id)
                self._manager.attempt_failed(number, reason, would_recur=True, worker=worker)
            case TrialFailure() as failure:
                self._failures[number] = failure  # the process ends itself next

    def on_trial_complete(
        self, iteration: int, trials: list[Trial], trial: Trial, **info: object
    ) -> None:
        """A trial ended, by itself or by the scheduler."""
        if trial.trial_id not in self._left:
            self._keep_failure(self._manager.trial_stopped, _number(trial))

    def on_step_end(self, iteration: int, trials: list[Trial], **info: object) -> None:
        """What ends the search is raised where Tune lets it through."""
        if self._failure is not None:
            raise self._failure

    def _keep_failure(self, tell: Callable[..., None], *what: int | EpochReport) -> None:
        """Tell the manager; where that fails, Tune would take it for the trial's own failure."""
        try:
            tell(*what)
        except Exception as error:
            self._failure = error

    def on_trial_error(
        self, iteration: int, trials: list[Trial], trial: Trial, **info: object
    ) -> None:
        """A trial's process died, by itself or because the trial had raised."""
        number = _number(trial)
        if self._manager.has_ended(number):
            return
        failure = self._failures.pop(number, None) or TrialFailure(
            reason=_death(Path(trial.error_file)), would_recur=False
        )
        self._manager.attempt_failed(
            number, failure.reason, would_recur=False, worker=failure.worker
        )


class UnsavedWarnings:
    """Tells of checkpoints that could not be written, each reason once.

    Args:
        warn: Whom to tell.
    """

    def __init__(self, warn: Warn) -> None:
        self._warn = warn
        self._told: set[str] = set()

    def tell(self, reason: str) -> None:
        """Tell why a checkpoint could not be written; nothing if it was (empty)."""
        if reason and reason not in self._told:
            self._told.add(reason)
            self._warn(
                f"A checkpoint could not be written or read: {mask_password(reason)}: training "
                "goes on, but what has no checkpoint is lost where it breaks off"
            )


def _number(trial: Trial) -> int:
    proposed: ProposedTrial = trial.config[TRIAL]
    return proposed.number


def _death(error_file: Path) -> str:
    """Why a worker process died, from what Ray wrote about it."""
    text = error_file.read_text(encoding="utf-8") if error_file.is_file() else ""
    return describe_death(text)


def describe_death(text: str) -> str:
    """Why a worker process died.

    Args:
        text: What Ray says about it.
    """
    if "OutOfMemoryError" in text or "low on memory" in text:
        return "the worker process died: Ray ended it because the host ran out of memory"
    if "node has died" in text:
        return "the worker process died with its node"
    return "the worker process died"
