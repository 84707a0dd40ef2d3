"""Progress of a running study, on a terminal or line by line."""

import time
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
from study.results.front_table import format_metric, format_parameter
from study.results.plural import counted
from study.results.run_listener import RunListener
from study.results.run_record import RunKey, RunRecord, RunState
from study.results.stop_reasons import describe_stops
from study.results.timestamps import now_ms
from study.results.tuning_grid import tuned_names


class ProgressReport(RunListener):
    """Tells what is running, how many runs are done, the best so far and the time left.

    On a terminal it redraws a few lines in place; elsewhere it prints one plain line for each run
    that ended. What an earlier life of the study
    did counts as done, and not for the estimate of the time left.

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
        self._started = time.monotonic()
        self._started_ms = now_ms()
        self._running: dict[RunKey, RunRecord] = {}
        self._epochs: dict[RunKey, EpochResult] = {}
        self._ended: list[RunRecord] = []
        self._retried: Counter[RunKey] = Counter()
        self._restored = 0
        self._restored_epochs = 0
        self._restored_told = False
        self._heard: dict[RunKey, float] = {}
        self._planned_again = 0
        self._done_again = "confirmed"
        self._again: list[RunRecord] = []
        self._restored_again = 0
        self._again_started = 0.0
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
        if record.layer:
            self._again.append(record)
            self._restored_again += 1
            return
        self._ended.append(record)
        self._restored += 1
        self._restored_epochs += self._config.epochs

    def run_started(self, record: RunRecord) -> None:
        """Show it as running."""
        self._tell_restored()
        self._running[record.key] = record
        self._heard[record.key] = time.monotonic()

    def epoch_finished(self, key: RunKey, result: EpochResult) -> None:
        """Move the bar."""
        now = time.monotonic()
        begun = self._running[key].started_ms if key in self._running else None
        # A trial that goes on first reports epochs that it finished in an earlier life: they took
        # longer than there was time for.
        if (
            begun is not None
            and begun < self._started_ms
            and result.train_seconds > now - self._heard[key]
        ):
            self._restored_epochs += 1
        self._heard[key] = now
        self._epochs[key] = result

    def run_retried(self, record: RunRecord) -> None:
        """Say why, and show it as waiting."""
        self._running.pop(record.key, None)
        self._retried[record.key] += 1
        attempt = f"attempt {self._retried[record.key] + 1} of {self._attempts}"
        self._say(f"{record.key} tried again ({attempt}): {record.retried[-1]}")

    def run_paused(self, record: RunRecord) -> None:
        """Say that it paused; of a trial, how far it came."""
        self._running.pop(record.key, None)
        done = f"{len(record.epochs)} of {counted(self._config.epochs, 'epoch')}"
        far = "" if record.key.is_confirmation else f": {done} done"
        self._say(f"{record.key} paused{far}")

    def run_ended(self, record: RunRecord) -> None:
        """Show it as done."""
        self._running.pop(record.key, None)
        (self._again if record.layer else self._ended).append(record)
        if not self._console.is_terminal:
            told = describe(record, self._shown(record), sealed=self._sealed)
            self._say(f"{told}  [{self._summary()}]")

    def noted(self, text: str) -> None:
        """Say what was decided for all trials."""
        self._say(text)

    def warned(self, text: str) -> None:
        """Say at once what cannot wait for the end."""
        self._say(f"warning: {text}")

    def retraining_planned(self, runs: int, done: str) -> None:
        """Turn to runs that tune or confirm networks of trials.

        Args:
            runs: Number of them.
            done: Word for one that ended, such as `confirmed`.
        """
        self._tell_restored()
        self._planned_again, self._done_again = runs, done
        self._again, self._restored_again = [], 0
        self._again_started = time.monotonic()

    def _say(self, line: str) -> None:
        self._console.print(line, markup=False)

    def _tell_restored(self) -> None:
        """Say how many were done before; a terminal shows the count anyway."""
        if self._restored and not self._restored_told and not self._console.is_terminal:
            self._say(f"{self._restored} of {self._config.trials} trials were done before")
        self._restored_told = True

    def _summary(self) -> str:
        """Sum up the search, or what follows it once that is planned."""
        return self._retraining_summary() if self._planned_again else self._search_summary()

    def _retraining_summary(self) -> str:
        done, planned = len(self._again), self._planned_again
        summary = f"{done}/{planned} {self._done_again}"
        new = done - self._restored_again
        if new and done < planned:
            left = (time.monotonic() - self._again_started) * (planned - done) / new
            summary += f", {_clock(left)} left"
        return summary

    def _epochs_done(self) -> int:
        """Count epochs of all trials; what a failed or stopped one leaves out counts as done."""
        running = sum(
            self._epochs[key].epoch for key in self._running.copy() if key in self._epochs
        )
        return len(self._ended) * self._config.epochs + running

    def _share_done(self) -> float:
        if self._planned_again:
            return len(self._again) / self._planned_again
        return self._epochs_done() / (self._config.trials * self._config.epochs)

    def _seconds_left(self) -> float | None:
        """Estimate from the work of this life alone; None before there is any, and at the end."""
        done, planned = self._epochs_done(), self._config.trials * self._config.epochs
        new = done - self._restored_epochs
        if new <= 0 or done >= planned:
            return None
        return (time.monotonic() - self._started) * (planned - done) / new

    def _search_summary(self) -> str:
        parts = [f"{len(self._ended)}/{self._config.trials} done"]
        failed = sum(record.state is RunState.FAILED for record in self._ended)
        if failed:
            parts.append(f"{failed} failed")
        stopped = sum(record.state is RunState.PRUNED for record in self._ended)
        if stopped:
            parts.append(f"{stopped} stopped early")
        complete = [r for r in self._ended if r.state is RunState.COMPLETE]
        if complete:
            first = self._config.objectives[0]
            values = [record.metrics()[first.name] for record in complete]
            best = max(values) if first.maximised else min(values)
            parts.append(f"best {first.name} {format_metric(first.name, best)}")
        left = self._seconds_left()
        if left is not None:
            parts.append(f"{_clock(left)} left")
        return ", ".join(parts)

    def _next_rung(self, epoch: int) -> str:
        """Say where a trial that has finished an epoch is compared next; empty if nowhere."""
        rungs = self._config.rungs.at if self._config.rungs else ()
        ahead = [rung for rung in rungs if rung > epoch]
        return f" (next rung {ahead[0]})" if ahead else ""

    def _render(self) -> Group:
        # The display has a thread of its own: runs start and end meanwhile, so what runs is copied.
        lines = [Text(f"{self._config.name}: {self._summary()}", style="bold")]
        running = [self._running_line(record) for _, record in sorted(self._running.copy().items())]
        if not running:
            lines.append(Text("  starting workers"))
        lines += [Text(line, overflow="ellipsis") for line in running]
        stops = describe_stops(self._ended.copy())
        if stops and not self._planned_again:
            lines.append(Text(f"  stopped early: {stops}"))
        # The bar ends without a line break, so it stands last.
        return Group(*lines, ProgressBar(total=1.0, completed=self._share_done()))

    def _running_line(self, record: RunRecord) -> str:
        if record.key.is_confirmation:
            return f"  trial {record.trial}: {record.layer}, seed {record.seed}"
        result = self._epochs.get(record.key)
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
