"""Curves of trials as files for TensorBoard."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pnn_core.config import ParameterValue
from study.results.logs.trial_log import LoggedStudy, TrialLog
from study.results.run_record import RunState

if TYPE_CHECKING:
    from tensorboardX import SummaryWriter


class TensorBoardLog(TrialLog):
    """Writes a folder of files for each trial.

    Args:
        study: The study.
    """

    title = "TensorBoard"

    def __init__(self, study: LoggedStudy) -> None:
        super().__init__(study)
        self._writers: dict[int, SummaryWriter] = {}

    @staticmethod
    def command(folder: Path) -> tuple[str, ...]:
        """Return the words of the command that serves TensorBoard's page."""
        return "tensorboard", "--logdir", str(folder)

    def close(self, seconds: float) -> None:
        """Close every file."""
        for trial in [*self._writers]:
            self._close(trial)

    def _is_kept(self, trial: int) -> bool:
        return self._place(trial).exists()

    def _open(self, trial: int, parameters: Mapping[str, ParameterValue]) -> None:
        pass  # a file of its own comes with the first epoch

    def _add(self, trial: int, epoch: int, metrics: Mapping[str, float]) -> None:
        writer = self._writer(trial)
        for name, value in metrics.items():
            writer.add_scalar(name, value, epoch)

    def _end(
        self,
        trial: int,
        parameters: Mapping[str, ParameterValue],
        metrics: Mapping[str, float],
        epochs: int,
        state: RunState,
    ) -> None:
        if metrics:
            from tensorboardX.summary import hparams

            file = self._writer(trial).file_writer
            for summary in hparams(dict(parameters), dict(metrics)):
                file.add_summary(summary)
            final = {f"final/{name}": value for name, value in metrics.items()}
            self._add(trial, epochs, final)
        self._close(trial)

    def _writer(self, trial: int) -> "SummaryWriter":
        """Return the writer of a trial; what a life that broke off left goes, as it comes again."""
        if trial not in self._writers:
            from tensorboardX import SummaryWriter

            place = self._place(trial)
            if place.exists():
                shutil.rmtree(place)
            self._writers[trial] = SummaryWriter(str(place), write_to_disk=True)
        return self._writers[trial]

    def _place(self, trial: int) -> Path:
        return self._folder / f"trial-{trial:04d}"

    def _close(self, trial: int) -> None:
        writer = self._writers.pop(trial, None)
        if writer is not None:
            writer.close()
