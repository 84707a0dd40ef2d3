"""Progress of a running study, on a terminal or line by line."""

import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self, TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.text import Text

from pnn_core.config import EpochResult
from study.config import StudyConfig
from study.results.confirmed_run import ConfirmedRun
from study.results.front_table import format_metric, format_parameter
from study.results.record import TrialRecord, TrialState


class ProgressReport:
    """Tells what is running, how many trials are done, the best so far and the time left.

    A listener of the trial ledger. On a terminal it redraws a few lines in place; elsewhere it
    prints one plain line for each finished trial.

    Args:
        config: The study.
        stream: Where to write.
    """

    def __init__(self, config: StudyConfig, stream: TextIO) -> None:
        self._config = config
        self._axes = tuple(config.space.axes)
        self._started = time.monotonic()
        self._running: dict[int, TrialRecord] = {}
        self._epochs: dict[int, EpochResult] = {}
        self._ended: list[TrialRecord] = []
        self._planned_confirmations = 0
        self._confirming: dict[tuple[int, str, int], ConfirmedRun] = {}
        self._confirmed: list[ConfirmedRun] = []
        self._confirmation_started = 0.0
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
        if self._console.is_terminal:
            self._live.stop()

    def trial_started(self, record: TrialRecord) -> None:
        """Show it as running."""
        self._running[record.number] = record

    def epoch_finished(self, number: int, result: EpochResult) -> None:
        """Move the bar."""
        self._epochs[number] = result

    def trial_ended(self, record: TrialRecord) -> None:
        """Show it as done."""
        self._running.pop(record.number, None)
        self._ended.append(record)
        if not self._console.is_terminal:
            self._console.print(
                f"{describe(record, self._axes)}  [{self._summary()}]", markup=False
            )

    def confirmation_planned(self, runs: int) -> None:
        """Turn to the confirmation."""
        self._planned_confirmations = runs
        self._confirmation_started = time.monotonic()

    def confirmation_started(self, run: ConfirmedRun) -> None:
        """Show it as running."""
        self._confirming[run.trial, run.layer, run.seed] = run

    def confirmation_ended(self, run: ConfirmedRun) -> None:
        """Show it as done."""
        self._confirming.pop((run.trial, run.layer, run.seed), None)
        self._confirmed.append(run)
        if not self._console.is_terminal:
            line = f"{describe_confirmed(run)}  [{self._confirmation_summary()}]"
            self._console.print(line, markup=False)

    def _confirmation_summary(self) -> str:
        done, planned = len(self._confirmed), self._planned_confirmations
        summary = f"{done}/{planned} confirmed"
        if 0 < done < planned:
            left = (time.monotonic() - self._confirmation_started) * (planned - done) / done
            summary += f", {_clock(left)} left"
        return summary

    def _share_done(self) -> float:
        """Of all epochs; what a failed or stopped trial leaves out counts as done."""
        epochs = self._config.epochs
        running = sum(self._epochs[n].epoch for n in self._running.copy() if n in self._epochs)
        return (len(self._ended) * epochs + running) / (self._config.trials * epochs)

    def _summary(self) -> str:
        parts = [f"{len(self._ended)}/{self._config.trials} done"]
        failed = sum(record.state is TrialState.FAILED for record in self._ended)
        if failed:
            parts.append(f"{failed} failed")
        complete = [r for r in self._ended if r.state is TrialState.COMPLETE]
        if complete:
            first = self._config.objectives[0]
            values = [record.metrics()[first.name] for record in complete]
            best = max(values) if first.maximised else min(values)
            parts.append(f"best {first.name} {format_metric(first.name, best)}")
        done = self._share_done()
        if 0 < done < 1:
            left = (time.monotonic() - self._started) * (1 - done) / done
            parts.append(f"{_clock(left)} left")
        return ", ".join(parts)

    def _render(self) -> Group:
        # In the display's own thread: trials start and end meanwhile, so what runs is copied.
        if self._planned_confirmations:
            return self._render_confirmation()
        lines = [Text(f"{self._config.name}: {self._summary()}", style="bold")]
        if not self._running:
            lines.append(Text("  starting workers"))
        for number, record in sorted(self._running.copy().items()):
            result = self._epochs.get(number)
            state = (
                f"epoch {result.epoch}/{self._config.epochs}, "
                f"val_accuracy {result.val_accuracy:.4f}"
                if result
                else "waiting for a worker"
            )
            settings = _settings(record, self._axes)
            lines.append(Text(f"  trial {number}: {state}  ({settings})", overflow="ellipsis"))
        # The bar ends without a line break, so it stands last.
        return Group(*lines, ProgressBar(total=1.0, completed=self._share_done()))

    def _render_confirmation(self) -> Group:
        lines = [Text(f"{self._config.name}: {self._confirmation_summary()}", style="bold")]
        for run in self._confirming.copy().values():
            text = f"  trial {run.trial}: {run.layer}, seed {run.seed}"
            lines.append(Text(text, overflow="ellipsis"))
        share = len(self._confirmed) / self._planned_confirmations
        return Group(*lines, ProgressBar(total=1.0, completed=share))


def describe_confirmed(run: ConfirmedRun) -> str:
    """A confirmation run that ended in one line."""
    line = f"confirm trial {run.trial} {run.layer} seed {run.seed} {run.state}: "
    if run.result is None:
        return line + run.reason
    return line + f"test_accuracy {format_metric('test_accuracy', run.result.test_accuracy)}"


def describe(record: TrialRecord, axes: Sequence[str]) -> str:
    """An ended trial in one line."""
    line = f"trial {record.number} {record.state}: "
    metrics = record.metrics()
    if record.state is TrialState.COMPLETE:
        line += f"val_accuracy {format_metric('val_accuracy', metrics['val_accuracy'])}, "
        line += f"{format_metric('learnable_params', metrics['learnable_params'])} parameters"
    else:
        line += record.reason
    return f"{line} ({_settings(record, axes)})"


def _settings(record: TrialRecord, axes: Sequence[str]) -> str:
    settings = {axis: record.parameters[axis] for axis in axes if axis in record.parameters}
    return ", ".join(f"{axis} {format_parameter(value)}" for axis, value in settings.items())


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
