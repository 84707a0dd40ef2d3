"""Progress of a running study, on a terminal or line by line."""

from collections import Counter
from collections.abc import Sequence
from types import TracebackType
from typing import Self, TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.text import Text

from pnn_core.config import EpochResult
from study.config import StudyConfig
from study.execution.tally import SEARCHED, Tally
from study.results.front_table import format_metric, format_parameter
from study.results.plural import counted
from study.results.run_listener import RunListener
from study.results.run_record import RunKey, RunRecord, RunState
from study.results.stop_reasons import describe_stops
from study.results.tuning_grid import tuned_names


class ProgressReport(RunListener):
    """Tells what is running, how many runs are done, the best so far and the time left.

    On a terminal it redraws a few lines in place; elsewhere it prints one plain line for each run
    that ended.

    Args:
        config: The study.
        stream: Stream to write to.
        attempts: Number of times that a run is tried.
        sealed: True if no test figure is to be shown.
    """

    def __init__(
        self, config: StudyConfig, stream: TextIO, *, attempts: int, sealed: bool = False
    ) -> None:
        self._config = config
        self._attempts = attempts
        self._sealed = sealed
        self._axes = tuple(config.space.axes)
        self._tally = Tally(config)
        self._retried: Counter[RunKey] = Counter()
        self._restored_told = False
        self._console = Console(file=stream, highlight=False, soft_wrap=True)
        self._live = Live(
            get_renderable=self._render, console=self._console, refresh_per_second=4, transient=True
        )

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._tell_restored()
        if self._console.is_terminal:
            self._live.stop()

    def run_restored(self, record: RunRecord) -> None:
        """Count it as done before."""
        self._tally.run_restored(record)

    def run_started(self, record: RunRecord) -> None:
        """Show it as running."""
        self._tell_restored()
        self._tally.run_started(record)

    def epoch_finished(self, key: RunKey, result: EpochResult) -> None:
        """Move the bar."""
        self._tally.epoch_finished(key, result)

    def run_retried(self, record: RunRecord) -> None:
        """Say why, and show it as waiting."""
        self._tally.run_retried(record)
        self._retried[record.key] += 1
        attempt = f"attempt {self._retried[record.key] + 1} of {self._attempts}"
        self._say(f"{record.key} tried again ({attempt}): {record.retried[-1]}")

    def run_paused(self, record: RunRecord) -> None:
        """Say that it paused; of a trial, how far it came."""
        self._tally.run_paused(record)
        done = f"{len(record.epochs)} of {counted(self._config.epochs, 'epoch')}"
        far = "" if record.key.is_confirmation else f": {done} done"
        self._say(f"{record.key} paused{far}")

    def run_ended(self, record: RunRecord) -> None:
        """Show it as done."""
        self._tally.run_ended(record)
        if not self._console.is_terminal:
            told = describe(record, self._shown(record), sealed=self._sealed)
            self._say(f"{told}  [{self._summary()}]")

    def noted(self, text: str) -> None:
        """Say what was decided for all trials."""
        self._say(text)

    def warned(self, text: str) -> None:
        """Say at once what cannot wait for the end."""
        self._say(f"warning: {text}")

    def retraining_planned(self, runs: int, part: str) -> None:
        """Turn to runs that tune or confirm networks of trials."""
        self._tell_restored()
        self._tally.retraining_planned(runs, part)

    def _say(self, line: str) -> None:
        self._console.print(line, markup=False)

    def _tell_restored(self) -> None:
        """Say how many were done before; a terminal shows the count anyway."""
        restored = self._tally.restored
        if restored and not self._restored_told and not self._console.is_terminal:
            self._say(f"{restored} of {self._config.trials} trials were done before")
        self._restored_told = True

    def _summary(self) -> str:
        """Sum up the search, or what follows it once that is planned."""
        now = self._tally.progress()
        left = [] if now.seconds_left is None else [f"{_clock(now.seconds_left)} left"]
        if now.part != SEARCHED:
            return ", ".join([f"{now.done}/{now.planned} {now.part}", *left])
        parts = [f"{now.done}/{now.planned} done"]
        if now.failed:
            parts.append(f"{now.failed} failed")
        if now.stopped:
            parts.append(f"{now.stopped} stopped early")
        if now.best is not None:
            parts.append(f"best {now.objective} {format_metric(now.objective, now.best)}")
        return ", ".join([*parts, *left])

    def _next_rung(self, epoch: int) -> str:
        """Say where a trial that has finished an epoch is compared next; empty if nowhere."""
        rungs = self._config.rungs.at if self._config.rungs else ()
        ahead = [rung for rung in rungs if rung > epoch]
        return f" (next rung {ahead[0]})" if ahead else ""

    def _render(self) -> Group:
        # The display has a thread of its own: runs start and end meanwhile, so what runs is copied.
        lines = [Text(f"{self._config.name}: {self._summary()}", style="bold")]
        runs = sorted(self._tally.running.copy().items())
        running = [self._running_line(record) for _, record in runs]
        if not running:
            lines.append(Text("  starting workers"))
        lines += [Text(line, overflow="ellipsis") for line in running]
        stops = describe_stops(self._tally.ended.copy())
        if stops and not self._tally.planned_again:
            lines.append(Text(f"  stopped early: {stops}"))
        # The bar ends without a line break, so it stands last.
        return Group(*lines, ProgressBar(total=1.0, completed=self._tally.share_done()))

    def _running_line(self, record: RunRecord) -> str:
        if record.key.is_confirmation:
            return f"  trial {record.trial}: {record.layer}, seed {record.seed}"
        result = self._tally.epochs.get(record.key)
        state = "waiting for a worker"
        if result is not None:
            rung = "" if record.key.is_tuning else self._next_rung(result.epoch)
            state = f"epoch {result.epoch}/{self._config.epochs}{rung}, "
            state += f"val_accuracy {result.val_accuracy:.4f}"
        return f"  {record.key}: {state}  ({_settings(record, self._shown(record))})"

    def _shown(self, record: RunRecord) -> tuple[str, ...]:
        """Name the settings that tell a run from others of its kind."""
        tuned = self._config.tune_controls
        return tuned_names(tuned) if tuned and record.key.is_tuning else self._axes


def describe(record: RunRecord, axes: Sequence[str], *, sealed: bool = False) -> str:
    """Describe a run that ended in one line; of a trial, with its settings.

    Args:
        record: Record of the run.
        axes: Names of the settings.
        sealed: True if no test figure is to be shown.
    """
    metrics = record.metrics()
    line = record.reason
    if record.result is not None and sealed:
        line = "sealed"
    elif record.result is not None:
        line = f"test_accuracy {format_metric('test_accuracy', metrics['test_accuracy'])}"
    elif record.state is RunState.COMPLETE:
        line = f"val_accuracy {format_metric('val_accuracy', metrics['val_accuracy'])}, "
        line += f"{format_metric('learnable_params', metrics['learnable_params'])} parameters"
    settings = "" if record.key.is_confirmation else f" ({_settings(record, axes)})"
    return f"{record.key} {record.state}: {line}{settings}"


def _settings(record: RunRecord, axes: Sequence[str]) -> str:
    settings = {axis: record.parameters[axis] for axis in axes if axis in record.parameters}
    return ", ".join(f"{axis} {format_parameter(value)}" for axis, value in settings.items())


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
