"""Comparisons as a forest: groups of rows, the one that stands for all first, and small in text."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from pnn_core.parts.layers import COMPARED_LAYERS
from study.results.comparison_words import NOISE_OFF, describe_with_trial
from study.results.layer_result import LAYER_NAMES
from study.results.paired_comparison import Comparison, Standing
from study.results.run_record import RunRecord, RunState
from study.results.statistics.confidence_intervals import format_points

NO_VERDICT = "no verdict"
"""Word for comparisons of too few seeds."""

_USUAL_SHARE = 0.9
_FAR = 4
"""Multiple of the reach that most rows stay within, beyond which a row does not widen the axis."""
_PADDING = 0.04  # of the axis
_NARROWEST_BAR = 16  # characters


class ForestRow(NamedTuple):
    """One comparison; differences in points of test accuracy.

    Attributes:
        first: Network, or trial, whose accuracy minus the other's is the difference.
        second: Network that it is compared with.
        standing: Reason why they are compared.
        mean: Mean difference over the seeds.
        low: Lower end of its interval; None below three seeds.
        high: Upper end; None below three seeds.
        n: Number of seeds.
        seeds: Difference of each seed.
        matters: Smallest difference that would matter; None where none was named.
        verdict: Verdict, or that there is none.
        figures: Mean and interval as text.
        sentence: All of it in words.
        is_added: True if it is exploratory, as its control was added later.
    """

    first: str
    second: str
    standing: str
    mean: float
    low: float | None
    high: float | None
    n: int
    seeds: tuple[float, ...]
    matters: float | None
    verdict: str
    figures: str
    sentence: str
    is_added: bool = False

    @property
    def name(self) -> str:
        """Names of both."""
        return f"{self.first} over {self.second}"

    @property
    def ends(self) -> tuple[float, ...]:
        """Mean and both ends of the interval, as far as there are any."""
        return tuple(end for end in (self.mean, self.low, self.high) if end is not None)


class ForestGroup(NamedTuple):
    """Comparisons under one heading.

    Attributes:
        heading: What all of them share.
        labels: Names of the rows below it.
        rows: Comparisons from top to bottom.
    """

    heading: str
    labels: tuple[str, ...]
    rows: tuple[ForestRow, ...]


def forest_groups(comparisons: Iterable[Comparison]) -> tuple[ForestGroup, ...]:
    """Group comparisons that have a difference.

    The one named beforehand stands on top, then other planned ones, then a group for each control,
    the one that isolates the noise first.
    """
    told = [comparison for comparison in comparisons if comparison.difference is not None]
    groups = [
        _planned_group(heading, [_row(c) for c in told if c.standing is standing])
        for heading, standing in (
            ("Named beforehand", Standing.FIRST),
            ("Planned", Standing.PLANNED),
        )
    ]
    beside = [c for c in told if c.standing is Standing.CONTROL]
    for layer in sorted({c.second.layer for c in beside}, key=_place):
        rows = tuple(_row(c) for c in beside if c.second.layer == layer)
        heading = f"Over {LAYER_NAMES.get(layer, layer)}"
        groups.append(ForestGroup(heading, tuple(row.first for row in rows), rows))
    return tuple(group for group in groups if group.rows)


def forest_range(rows: Sequence[Sequence[float]]) -> tuple[float, float]:
    """Return the ends of an axis that holds zero and the rows, but for a few far ones.

    Args:
        rows: Values that are drawn of each row, at least one.
    """
    reaches = sorted(max(map(abs, row)) for row in rows)
    usual = reaches[math.ceil(_USUAL_SHARE * len(reaches)) - 1]
    held = (reaches[-1] if reaches[-1] <= _FAR * usual else usual) or 1.0
    ends = [end for row in rows for end in row]
    low, high = min(0.0, max(min(ends), -held)), max(0.0, min(max(ends), held))
    padding = _PADDING * ((high - low) or 1.0)
    return low - padding, high + padding


def headline(comparisons: Sequence[Comparison], records: Iterable[RunRecord]) -> str:
    """Say in one line what was found: one comparison, then the verdicts of the others.

    The one is that named beforehand; without a plan, it is the trial that was best on validation
    images over the control that isolates the noise.

    Args:
        comparisons: All of a study, at least one.
        records: Trials of the study.
    """
    rows = [row for group in forest_groups(comparisons) for row in group.rows]
    if not rows:
        return "No seed is complete in both networks of a comparison."
    first = leading_row(rows, records)
    said = f"{first.name}: {first.figures} points, n = {first.n}: {first.verdict}."
    others = Counter(row.verdict for row in rows if row is not first)
    if not others:
        return said
    counts = ", ".join(f"{count} {verdict}" for verdict, count in sorted(others.items()))
    adjusted = any(c.decision.family > 1 for c in comparisons)
    return f"{said} {others.total()} others{' (Holm-adjusted)' if adjusted else ''}: {counts}."


def leading_row(rows: Sequence[ForestRow], records: Iterable[RunRecord]) -> ForestRow:
    """Return the row that stands for all; see `headline`."""
    if rows[0].standing != Standing.CONTROL:
        return rows[0]
    accuracies = {
        f"trial {record.number}": record.metrics().get(record.task.validated, 0.0)
        for record in records
        if record.state is RunState.COMPLETE
    }
    fixed = [row for row in rows if not row.is_added] or rows
    group = [row for row in fixed if row.second == fixed[0].second]
    return max(group, key=lambda row: accuracies.get(row.first, 0.0))


def forest_text(rows: Sequence[ForestRow], width: int) -> list[str]:
    """Draw comparisons in letters, a line each, below their axis; words alone where it is narrow.

    Args:
        rows: Comparisons from top to bottom, at least one.
        width: Characters of a line.
    """
    names = _column([row.name for row in rows])
    figures = _column([row.figures for row in rows])
    longest = max(len(row.verdict) for row in rows)
    columns = width - len(names[0]) - len(figures[0]) - longest - 6
    if columns < _NARROWEST_BAR:
        return [f"{row.name}: {row.figures}, {row.verdict}" for row in rows]
    low, high = forest_range([row.ends for row in rows])
    lines = [
        f"{name}  {_bar(row, low, high, columns)}  {figure}  {row.verdict}"
        for name, figure, row in zip(names, figures, rows, strict=True)
    ]
    return [f"{'':{len(names[0])}}  {_axis(low, high, columns)}  points", *lines]


def _row(comparison: Comparison) -> ForestRow:
    ours, theirs = comparison.first.test_accuracies, comparison.second.test_accuracies
    seeds = sorted(ours.keys() & theirs.keys())
    difference = comparison.difference
    if difference is None:
        raise ValueError("a comparison without a seed has no row")
    ends = difference.interval
    first, second = comparison.names
    if comparison.standing is Standing.CONTROL:
        first = f"trial {comparison.first.trial}"
    return ForestRow(
        first=first,
        second=second,
        standing=str(comparison.standing),
        mean=100 * difference.mean,
        low=None if ends is None else 100 * ends[0],
        high=None if ends is None else 100 * ends[1],
        n=difference.n,
        seeds=tuple(100 * (ours[seed] - theirs[seed]) for seed in seeds),
        matters=None if comparison.matters is None else 100 * comparison.matters,
        verdict=_verdict(comparison),
        figures=format_points(difference),
        sentence=describe_with_trial(comparison),
        is_added=comparison.is_added,
    )


def _verdict(comparison: Comparison) -> str:
    verdict = NO_VERDICT if comparison.verdict is None else str(comparison.verdict)
    return f"{verdict} (exploratory)" if comparison.is_added else verdict


def _planned_group(heading: str, rows: Sequence[ForestRow]) -> ForestGroup:
    firsts = {row.first for row in rows}
    if len(firsts) != 1:
        return ForestGroup(heading, tuple(row.name for row in rows), tuple(rows))
    labels = tuple(row.second for row in rows)
    return ForestGroup(f"{heading}: {firsts.pop()} over", labels, tuple(rows))


def _place(layer: str) -> tuple[bool, int, str]:
    known = [*COMPARED_LAYERS]
    return layer != NOISE_OFF, known.index(layer) if layer in known else len(known), layer


def _column(texts: Sequence[str]) -> list[str]:
    longest = max(map(len, texts))
    return [text.ljust(longest) for text in texts]


def _bar(row: ForestRow, low: float, high: float, columns: int) -> str:
    cells = [" "] * columns
    cells[_cell(0.0, low, high, columns)] = "|"
    start, end = (
        _cell(row.mean if found is None else found, low, high, columns)
        for found in (row.low, row.high)
    )
    cells[start : end + 1] = "-" * (end + 1 - start)
    if row.low is not None and row.high is not None:
        cells[start] = "(" if row.low >= low else "<"
        cells[end] = ")" if row.high <= high else ">"
    if low <= row.mean <= high:
        cells[_cell(row.mean, low, high, columns)] = "o"
    return "".join(cells)


def _axis(low: float, high: float, columns: int) -> str:
    """Place the ends and zero above the bars."""
    line = f"{low:.1f}".replace("-", "−").ljust(columns - 6) + f"{high:+.1f}".rjust(6)
    zero = _cell(0.0, low, high, columns)
    is_free = not line[max(0, zero - 1) : zero + 2].strip()
    return f"{line[:zero]}0{line[zero + 1 :]}" if is_free else line


def _cell(points: float, low: float, high: float, columns: int) -> int:
    return round((min(max(points, low), high) - low) / (high - low) * (columns - 1))
