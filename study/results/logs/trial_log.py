"""Base of the logs that show trials' curves in another program."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import ClassVar, NamedTuple

from pnn_core.config import EPOCH_METRICS, EpochResult, ParameterValue
from study.results.run_listener import RunListener
from study.results.run_record import RunKey, RunRecord, RunState

FOLDER = "log"
"""Name of the folder of a log within the study's folder."""


class LoggedStudy(NamedTuple):
    """Study as its log knows it.

    Attributes:
        name: Name of the study.
        study_id: Identity, whatever the study is called.
        folder: Folder to write into.
    """

    name: str
    study_id: str
    folder: Path


class TrialLog(RunListener, ABC):
    """Base of a log: the curve of each trial, and its settings with its final metrics at its end.

    Tune's own loggers cannot do it: they see what workers report to this program under one key, and
    write into a folder that goes with Ray. Runs that tune or confirm are left out, as no test
    figure may be seen early.

    What cannot be written costs the study nothing: the log ends there.

    Args:
        study: The study.

    Attributes:
        title: Name of the program that shows the log.
        failure: Reason why the log ended before the study; empty where it did not.
        address: Address at which the log is seen; empty where `command` shows it.
    """

    title: ClassVar[str]

    def __init__(self, study: LoggedStudy) -> None:
        self._folder = study.folder
        self.failure = ""
        self.address = ""

    @staticmethod
    @abstractmethod
    def command(folder: Path) -> tuple[str, ...]:
        """Return the words of a command that shows the log.

        Args:
            folder: Folder of the log.
        """

    @abstractmethod
    def close(self, seconds: float) -> None:
        """Write what is left and stop.

        Args:
            seconds: Longest time that this may take.
        """

    def run_restored(self, record: RunRecord) -> None:
        """Write a trial of an earlier life, where that kept no log."""
        if not record.layer and not self._is_kept(record.key.trial):
            self.run_started(record)
            for result in record.epochs:
                self.epoch_finished(record.key, result)
            self.run_ended(record)

    def run_started(self, record: RunRecord) -> None:
        """Open a trial's log; of one that goes on, the whole curve comes again."""
        self._write(record.key, partial(self._open, record.key.trial, record.parameters))

    def epoch_finished(self, key: RunKey, result: EpochResult) -> None:
        """Write an epoch; its number is the step."""
        metrics = {name: getattr(result, name) for name in EPOCH_METRICS}
        self._write(key, partial(self._add, key.trial, result.epoch, _finite(metrics)))

    def run_paused(self, record: RunRecord) -> None:
        """Close a trial's log until the next life."""
        self._write(record.key, partial(self._end, record.key.trial, {}, {}, 0, record.state))

    def run_ended(self, record: RunRecord) -> None:
        """Write settings and final metrics, and close a trial's log."""
        metrics, steps = _finite(record.metrics()), len(record.epochs)
        end = partial(self._end, record.key.trial, record.parameters, metrics, steps, record.state)
        self._write(record.key, end)

    @abstractmethod
    def _is_kept(self, trial: int) -> bool:
        """Return True if an earlier life wrote this trial."""

    @abstractmethod
    def _open(self, trial: int, parameters: Mapping[str, ParameterValue]) -> None:
        """Begin to write a trial.

        Args:
            trial: Number of the trial.
            parameters: Its settings.
        """

    @abstractmethod
    def _add(self, trial: int, epoch: int, metrics: Mapping[str, float]) -> None:
        """Write an epoch.

        Args:
            trial: Number of the trial.
            epoch: Number of the epoch, from 1.
            metrics: Metrics that are finite.
        """

    @abstractmethod
    def _end(
        self,
        trial: int,
        parameters: Mapping[str, ParameterValue],
        metrics: Mapping[str, float],
        epochs: int,
        state: RunState,
    ) -> None:
        """Write the end of a trial, or of this life's part of it.

        Args:
            trial: Number of the trial.
            parameters: Its settings; empty for one that is paused.
            metrics: Final metrics that are finite; empty for one that is paused.
            epochs: Number of epochs that it was trained.
            state: State of the trial.
        """

    def _write(self, key: RunKey, write: Callable[[], None]) -> None:
        if key.layer or self.failure:
            return
        try:
            write()
        except OSError as error:
            self.failure = str(error)


def _finite(metrics: Mapping[str, float]) -> dict[str, float]:
    return {name: float(value) for name, value in metrics.items() if math.isfinite(value)}
