"""Words for a run of a study that is being trained, or ended."""

from collections.abc import Sequence

from pnn_core.config import EpochResult
from study.config import StudyConfig
from study.results.front_table import format_metric, format_parameter
from study.results.run_record import RunRecord, RunState
from study.results.tuning_grid import tuned_names


class RunWords:
    """Words for the runs of one study.

    Args:
        config: The study.
        sealed: True if no test figure is to be shown.
    """

    def __init__(self, config: StudyConfig, *, sealed: bool = False) -> None:
        self._config = config
        self._sealed = sealed

    def name(self, record: RunRecord) -> str:
        """Name a run; seeds of a confirmation are counted from 1."""
        key, seeds = record.key, self._config.fresh_seeds
        if key.is_confirmation and key.seed in seeds:
            number = seeds.index(key.seed) + 1
            return f"confirm trial {key.trial} {key.layer} seed {number} of {len(seeds)}"
        return str(key)

    def ended(self, record: RunRecord) -> str:
        """Describe a run that ended in one line."""
        metrics = record.metrics()
        line = record.reason
        if record.result is not None:
            line = ", ".join([*_size(record), self._epoch(self._config.epochs)])
            line += f", train_loss {format_metric('train_loss', metrics['train_loss'])}"
            tested = record.task.tested
            measured = f", {tested} {format_metric(tested, metrics[tested])}"
            line += ", sealed" if self._sealed else measured
        elif record.state is RunState.COMPLETE:
            validated = record.task.validated
            merit = f"{validated} {format_metric(validated, metrics[validated])}"
            line = ", ".join([merit, *_size(record)])
        settings = "" if record.key.is_confirmation else f" ({self._settings(record)})"
        return f"{self.name(record)} {record.state}: {line}{settings}"

    def searching(self, record: RunRecord, last: EpochResult) -> str:
        """Describe a run of a search, or of a tuning, by its last epoch."""
        rung = "" if record.key.is_tuning else self._next_rung(last.epoch)
        validated = record.task.validated
        merit = format_metric(validated, last.merit)
        state = f"{self._epoch(last.epoch)}{rung}, {validated} {merit}"
        return f"{self.name(record)}: {state} ({self._settings(record)})"

    def confirming(self, record: RunRecord, epoch: int, train_loss: float) -> str:
        """Describe a run that confirms and has finished an epoch."""
        loss = f"train_loss {format_metric('train_loss', train_loss)}"
        return f"{self.name(record)}: {', '.join([self._epoch(epoch), loss, *_size(record)])}"

    def waiting(self, record: RunRecord) -> str:
        """Describe a run that has not finished an epoch."""
        settings = "" if record.key.is_confirmation else f" ({self._settings(record)})"
        return f"{self.name(record)}: waiting for a worker{settings}"

    def _epoch(self, epoch: int) -> str:
        return f"epoch {epoch}/{self._config.epochs}"

    def _next_rung(self, epoch: int) -> str:
        """Say where a trial that has finished an epoch is compared next; empty if nowhere."""
        rungs = self._config.rungs.at if self._config.rungs else ()
        ahead = [rung for rung in rungs if rung > epoch]
        return f" (next rung {ahead[0]})" if ahead else ""

    def _settings(self, record: RunRecord) -> str:
        """Spell the settings that tell a run from others of its kind."""
        tuned = self._config.tune_controls
        names: Sequence[str] = tuple(self._config.space.axes)
        if tuned and record.key.is_tuning:
            names = tuned_names(tuned)
        settings = {name: record.parameters[name] for name in names if name in record.parameters}
        return ", ".join(f"{name} {format_parameter(value)}" for name, value in settings.items())


def _size(record: RunRecord) -> tuple[str, ...]:
    """Tell the learnable parameters of a network; nothing where they are not known."""
    if record.costs is None:
        return ()
    return (f"{format_metric('learnable_params', record.costs.learnable_params)} parameters",)
