"""Curves of trials as files for TensorBoard."""

import math
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pnn_core.config import EPOCH_METRICS, EpochResult
from study.results.run_listener import RunListener
from study.results.run_record import RunKey, RunRecord

if TYPE_CHECKING:
    from tensorboardX import SummaryWriter

FOLDER = "log"
"""Name of the folder of these files within the study's folder."""


class TensorBoardLog(RunListener):
    """Writes the curve of each trial, and its settings with its final metrics at its end.

    Tune's own logger cannot do it: it sees what workers report to this program under one key, and
    writes into a folder that goes with Ray. Runs that confirm are left out, as no test figure may
    be seen early.

    A file that cannot be written costs the study nothing: the log ends there.

    Args:
        folder: Folder to write into, one below it for each trial.

    Attributes:
        failure: Reason why the log ended before the study; empty where it did not.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writers: dict[RunKey, SummaryWriter] = {}
        self.failure = ""

    def run_restored(self, record: RunRecord) -> None:
        """Write a trial of an earlier life, where that kept no log."""
        if not record.layer and not self._place(record.key).exists():
            for result in record.epochs:
                self.epoch_finished(record.key, result)
            self.run_ended(record)

    def epoch_finished(self, key: RunKey, result: EpochResult) -> None:
        """Write an epoch; its number is the step."""
        metrics = {name: getattr(result, name) for name in EPOCH_METRICS}
        self._write(key, metrics, result.epoch)

    def run_paused(self, record: RunRecord) -> None:
        """Close the file: the next life tells of the whole curve again."""
        self._close(record.key)

    def run_ended(self, record: RunRecord) -> None:
        """Write settings and final metrics, and close the file."""
        if record.layer:
            return
        metrics = _finite(record.metrics())
        try:
            if metrics and not self.failure:
                from tensorboardX.summary import hparams

                file = self._writer(record.key).file_writer
                for summary in hparams(dict(record.parameters), metrics):
                    file.add_summary(summary)
        except OSError as error:
            self.failure = str(error)
        final = {f"final/{name}": value for name, value in metrics.items()}
        self._write(record.key, final, len(record.epochs))
        self._close(record.key)

    def close(self) -> None:
        """Close every file."""
        for key in [*self._writers]:
            self._close(key)

    def _write(self, key: RunKey, metrics: Mapping[str, float], step: int) -> None:
        if key.layer or self.failure:
            return
        try:
            writer = self._writer(key)
            for name, value in _finite(metrics).items():
                writer.add_scalar(name, value, step)
        except OSError as error:
            self.failure = str(error)

    def _writer(self, key: RunKey) -> "SummaryWriter":
        """Return the writer of a trial; what a life that broke off left goes, as it comes again."""
        if key not in self._writers:
            from tensorboardX import SummaryWriter

            place = self._place(key)
            if place.exists():
                shutil.rmtree(place)
            self._writers[key] = SummaryWriter(str(place), write_to_disk=True)
        return self._writers[key]

    def _place(self, key: RunKey) -> Path:
        return self._folder / f"trial-{key.trial:04d}"

    def _close(self, key: RunKey) -> None:
        writer = self._writers.pop(key, None)
        if writer is not None:
            writer.close()


def _finite(metrics: Mapping[str, float]) -> dict[str, float]:
    return {name: float(value) for name, value in metrics.items() if math.isfinite(value)}
