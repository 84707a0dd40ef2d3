"""Last words of a study on a terminal: its front, one line of verdict, and what to type next.

They fit one screen, as what stands above it is not read: long fronts are cut, long sentences are
for the report.
"""

import textwrap
from collections.abc import Sequence
from typing import TextIO

from rich.console import Console

from study.execution.summary import Outcome, failures
from study.results.forest import ForestRow, forest_groups, forest_text, headline, leading_row
from study.results.front_table import front_table
from study.results.limit import describe_limits, no_trial_meets
from study.results.paired_comparison import Standing
from study.results.plural import counted
from study.results.run_record import RunState
from study.results.stop_reasons import describe_stops

LINES = 24
"""Lines of the smallest screen."""

_FEWEST_ROWS = 3
"""Rows of the front that are shown whatever stands below them."""

_MOST_COMPARISONS = 6
_LABEL_WIDTH = 8


def print_final_words(outcome: Outcome, stream: TextIO) -> None:
    """Print the end of a study for a person.

    Args:
        outcome: End of the study.
        stream: Terminal or file.
    """
    console = Console(file=stream, highlight=False, soft_wrap=True)
    lines = final_words(
        outcome,
        width=console.width,
        height=max(LINES, console.height - 1),
        with_bars=not console.is_dumb_terminal,
    )
    for line in lines:
        console.print(line, markup=False)


def final_words(
    outcome: Outcome, *, width: int = 80, height: int = LINES, with_bars: bool = True
) -> list[str]:
    """Return the last words as lines, some of which may be longer than the screen is wide.

    Args:
        outcome: End of the study.
        width: Characters of a line.
        height: Lines of the screen.
        with_bars: True to draw intervals in letters; False for words alone.
    """
    above = [_title(outcome), ""]
    below = [
        *_amiss(outcome),
        outcome.caution(),
        *_confirmed(outcome, width if with_bars else 0),
        f"{'Files':{_LABEL_WIDTH}} {outcome.page}, {outcome.csv.name}",
        f"{'Weights':{_LABEL_WIDTH}} {_weights(outcome)}",
        *(f"{purpose:{_LABEL_WIDTH}} {command}" for purpose, command in outcome.commands.items()),
    ]
    free = height - sum(_height(line, width) for line in (*above, *below))
    return [*above, *_front(outcome, width, free), *below]


def _title(outcome: Outcome) -> str:
    config, states = outcome.config, outcome.states()
    final_first = sorted(RunState, key=lambda state: not state.is_final)
    counts = ", ".join(f"{states[state]} {state}" for state in final_first if states[state])
    epochs = counted(config.epochs, "epoch")
    return f"Front of {config.name}: {config.dataset}, {counts}, {epochs}"


def _front(outcome: Outcome, width: int, free: int) -> list[str]:
    """Lay the front out in so many lines, the best trials for certain.

    Args:
        outcome: End of the study.
        width: Characters of a line.
        free: Lines that are left for it.
    """
    config = outcome.config
    front = sorted(outcome.front, key=lambda record: -_best_first(outcome, record.number))
    table = front_table(front, tuple(config.space.axes), config.objectives)
    has_header = len(table.fitted(width)) > len(front)
    left = max(_FEWEST_ROWS, free - 1 - has_header)
    if len(front) <= left + 1:
        return table.fitted(width)
    return [
        *table._replace(rows=table.rows[:left]).fitted(width),
        f"… and {len(front) - left} more: {outcome.csv}",
    ]


def _best_first(outcome: Outcome, number: int) -> float:
    """Return what orders the front: its first objective, larger for better."""
    first = outcome.config.objectives[0]
    record = next(record for record in outcome.front if record.number == number)
    value = record.metrics()[first.name]
    return value if first.maximised else -value


def _amiss(outcome: Outcome) -> list[str]:
    lines = [
        f"{count} of {len(outcome.records)} trials failed: {reason}"
        for count, reason in failures(outcome.records)
    ]
    if stops := describe_stops(outcome.records):
        stopped = f"{outcome.states()[RunState.PRUNED]} of {counted(len(outcome.records), 'trial')}"
        lines.append(f"{stopped} stopped early: {stops}")
    limits, left_out = outcome.config.limit, len(outcome.beyond_limits)
    if left_out and not outcome.front:
        lines.append(f"No front: {no_trial_meets(limits)}")
    elif left_out:
        complete = counted(outcome.states()[RunState.COMPLETE], "complete trial")
        lines.append(f"{left_out} of {complete} left out of the front: {describe_limits(limits)}")
    return [*lines, *outcome.warnings]


def _confirmed(outcome: Outcome, width: int) -> list[str]:
    """Tell what was confirmed: the verdict, and a few comparisons drawn in letters."""
    seal = outcome.seal
    lines = []
    if seal is not None:
        lines += [seal.describe(), f"{'Table':{_LABEL_WIDTH}} {outcome.sealed_table}"]
    planned = outcome.planned_confirmations
    if not planned or (seal is not None and not seal.is_open):
        return lines
    complete = sum(run.state is RunState.COMPLETE for run in outcome.confirmed)
    lines += [f"Confirmed on the test set: {complete} of {planned} runs with fresh seeds"]
    lines += [
        f"{counted(count, 'confirmation run')} failed: {reason}"
        for count, reason in failures(outcome.confirmed)
    ]
    if not outcome.comparisons:
        return lines
    lines.append(headline(outcome.comparisons, outcome.records))
    if rows := _leading(outcome):
        lines += forest_text(rows, width)
    return lines


def _leading(outcome: Outcome) -> Sequence[ForestRow]:
    """Return the planned comparisons, else those of the one trial that the verdict names."""
    rows = [row for group in forest_groups(outcome.comparisons) for row in group.rows]
    if not rows:
        return []
    first = leading_row(rows, outcome.records)
    if first.standing == Standing.CONTROL:
        rows = [row for row in rows if row.first == first.first]
    return rows[:_MOST_COMPARISONS]


def _weights(outcome: Outcome) -> str:
    if outcome.weights is None:
        return "none are kept (--weights none)"
    return outcome.weights.describe()


def _height(line: str, width: int) -> int:
    return max(1, len(textwrap.wrap(line, width)))
