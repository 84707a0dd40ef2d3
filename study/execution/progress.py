"""Progress of a running study, on a terminal or line by line."""

from collections import Counter
from types import TracebackType
from typing import Self, TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.text import Text

from dashboards.measures.duration import describe_duration
from pnn_core.config import EpochResult
from study.config import StudyConfig
from study.execution.run_words import RunWords
from study.execution.tally import CONFIRMED, SEARCHED, TUNED, PartCount, Tally
from study.results.front_table import format_metric
from study.results.plural import counted
from study.results.run_listener import RunListener
from study.results.run_record import RunKey, RunRecord
from study.results.stop_reasons import describe_stops

VERBS = {SEARCHED: "search", TUNED: "tune", CONFIRMED: "confirm"}
"""Words of the parts of a study, before their counts."""

NARROW = 60
"""Width of a terminal, in characters, from which what is running is told in a line each."""


class ProgressReport(RunListener):
    """Tells what is running, how many runs are done, the best so far and the time left.

    On a terminal it redraws a few lines in place. Elsewhere, and on one that says that it cannot
    (`TERM=dumb`) or shall not (`TTY_INTERACTIVE=0`, for a screen reader), it prints one plain line
    for each run that ended.

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
        self._words = RunWords(config, sealed=sealed)
        self._tally = Tally(config)
        self._retried: Counter[RunKey] = Counter()
        self._restored_told = False
        self._console = Console(file=stream, highlight=False)
        self._live = Live(
            get_renderable=self._render, console=self._console, refresh_per_second=4, transient=True
        )

    def __enter__(self) -> Self:
        if self._console.is_interactive:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._tell_restored()
        if self._console.is_interactive:
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

    def confirmation_advanced(self, record: RunRecord, epoch: int, train_loss: float) -> None:
        """Move the bar."""
        self._tally.confirmation_advanced(record, epoch, train_loss)

    def run_moved(self, record: RunRecord) -> None:
        """Say that a run goes on elsewhere."""
        self._tally.run_retried(record)
        self._say(f"{self._words.name(record)} goes on elsewhere: {record.retried[-1]}")

    def run_retried(self, record: RunRecord) -> None:
        """Say why, and show it as waiting."""
        self._tally.run_retried(record)
        self._retried[record.key] += 1
        attempt = f"attempt {self._retried[record.key] + 1} of {self._attempts}"
        self._say(f"{self._words.name(record)} tried again ({attempt}): {record.retried[-1]}")

    def run_paused(self, record: RunRecord) -> None:
        """Say that it paused; of a trial, how far it came."""
        self._tally.run_paused(record)
        done = f"{len(record.epochs)} of {counted(self._config.epochs, 'epoch')}"
        far = "" if record.key.is_confirmation else f": {done} done"
        self._say(f"{self._words.name(record)} paused{far}")

    def run_ended(self, record: RunRecord) -> None:
        """Show it as done."""
        self._tally.run_ended(record)
        if not self._console.is_interactive:
            self._say(f"{self._words.ended(record)}  [{self._summary()}]")

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
        self._console.print(line, markup=False, soft_wrap=True)

    def _tell_restored(self) -> None:
        """Say how many were done before; a terminal shows the count anyway."""
        restored = self._tally.restored
        if restored and not self._restored_told and not self._console.is_interactive:
            self._say(f"{restored} of {self._config.trials} trials were done before")
        self._restored_told = True

    def _summary(self) -> str:
        """Sum up all parts of the study, with one estimate for all of them."""
        now = self._tally.progress()
        parts = [_describe(count) for count in self._tally.counts()]
        if now.failed:
            parts.insert(1, f"{now.failed} failed")
        if now.stopped:
            parts.insert(1, f"{now.stopped} stopped early")
        if now.best is not None and now.part == SEARCHED:
            parts.append(f"best {now.objective} {format_metric(now.objective, now.best)}")
        if now.seconds_left is not None:
            parts.append(f"about {describe_duration(max(1.0, now.seconds_left))} left")
        return ", ".join(parts)

    def _render(self) -> Group:
        # The display has a thread of its own: runs start and end meanwhile, so what runs is copied.
        lines = [Text(f"{self._config.name}: {self._summary()}", style="bold")]
        runs = sorted(self._tally.running.copy().items())
        running = [self._running_line(record) for _, record in runs]
        if not running:
            is_over = self._tally.share_done() == 1.0
            lines.append(Text("  writing the results" if is_over else "  starting workers"))
        one_line = self._console.width >= NARROW
        lines += [Text(f"  {line}", overflow="ellipsis", no_wrap=one_line) for line in running]
        stops = describe_stops(self._tally.ended.copy())
        if stops and self._tally.part == SEARCHED:
            lines.append(Text(f"  stopped early: {stops}"))
        # The bar ends without a line break, so it stands last.
        return Group(*lines, ProgressBar(total=1.0, completed=self._tally.share_done()))

    def _running_line(self, record: RunRecord) -> str:
        if (advanced := self._tally.confirming.get(record.key)) is not None:
            return self._words.confirming(record, *advanced)
        if (result := self._tally.epochs.get(record.key)) is not None:
            return self._words.searching(record, result)
        return self._words.waiting(record)


def _describe(count: PartCount) -> str:
    about = "about " if count.is_expected else ""
    done = "" if count.is_expected else f"{count.done}/"
    return f"{VERBS[count.part]} {about}{done}{count.planned}"
