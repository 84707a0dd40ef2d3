"""Trials on lanes, from their start to their end, and the idle share of the lanes' time."""

import heapq
from collections import defaultdict
from collections.abc import Container, Iterable, Sequence
from typing import NamedTuple

from dashboards.measures.trial_times import work_seconds
from study.results.run_record import RunRecord, RunState


class TimelineBar(NamedTuple):
    """One trial from its start to its end.

    Attributes:
        number: Number of the trial.
        state: State of the trial.
        lane: Place among the lanes, from 0.
        start: Seconds since the first trial's start.
        end: End in the same seconds; without an end, the last time it is known to have run.
        retries: Number of times that it was tried again.
        reason: Reason why it failed or was stopped early: plain text, empty otherwise.
        is_supposed: True if its worker is not known yet, and the lane that of an idle one.
    """

    number: int
    state: RunState
    lane: int
    start: float
    end: float
    retries: int
    reason: str = ""
    is_supposed: bool = False


class Lanes(NamedTuple):
    """Lanes filled with bars.

    Attributes:
        names: Names of the lanes.
        bars: By lane, then start.
        idle_share: Idle share of the time between each lane's first start and last end; None where
            nothing ran.
    """

    names: tuple[str, ...]
    bars: tuple[TimelineBar, ...]
    idle_share: float | None


class _Span(NamedTuple):
    """Start and end of a trial, in seconds since the first one's start."""

    start: float
    end: float
    record: RunRecord


def fill_lanes(records: Sequence[RunRecord], *, silent: Container[int], now_ms: int) -> Lanes:
    """Return a lane for each worker, and more where its trials overlap; as few for unknown ones.

    A trial that has just begun has not told its worker yet: it stands on the lane of one that is
    idle since, as far as there are such.

    Args:
        records: Each of a known start.
        silent: Numbers of running trials that end with their last known epoch, as paused ones do.
        now_ms: The clock, in milliseconds since 1970; the other running trials reach to it.
    """
    names: list[str] = []
    bars: list[TimelineBar] = []
    busy = lifetime = 0.0
    spans_of = _spans(records, silent, now_ms)
    supposed = _give_to_idle(spans_of)
    for worker in sorted(spans_of, key=lambda name: (not name, name)):
        spans = sorted(spans_of[worker], key=lambda span: (span.start, span.record.number))
        rows = _rows(spans)
        for (start, end, r), row in zip(spans, rows, strict=True):
            bar = TimelineBar(
                r.number, r.state, len(names) + row, start, end, len(r.retried), r.reason
            )
            bars.append(bar._replace(is_supposed=r.number in supposed))
        count = max(rows) + 1
        whole = max(span.end for span in spans) - spans[0].start
        lifetime += whole if worker else whole * count
        busy += _covered(spans) if worker else sum(span.end - span.start for span in spans)
        names += [_lane_name(worker, row, len(names) + row) for row in range(1, count + 1)]
    idle_share = max(0.0, lifetime - busy) / lifetime if lifetime else None
    return Lanes(tuple(names), tuple(bars), idle_share)


def _spans(
    records: Sequence[RunRecord], silent: Container[int], now_ms: int
) -> dict[str, list[_Span]]:
    """By worker."""
    origin = min((record.started_ms or 0 for record in records), default=0)
    now = (now_ms - origin) / 1000
    spans: defaultdict[str, list[_Span]] = defaultdict(list)
    for record in records:
        start = ((record.started_ms or 0) - origin) / 1000
        if record.ended_ms is not None:
            end = (record.ended_ms - origin) / 1000
        elif record.state is RunState.RUNNING and record.number not in silent:
            end = now
        else:
            end = min(start + work_seconds(record), now)
        spans[record.worker].append(_Span(start, max(start, end), record))
    return spans


def _give_to_idle(spans_of: dict[str, list[_Span]]) -> set[int]:
    """Move running trials of unknown workers to workers idle since; return their numbers."""
    last_ends = {name: max(s.end for s in spans) for name, spans in spans_of.items() if name}
    kept, moved = [], set()
    for span in sorted(spans_of.pop("", ()), key=lambda span: (span.start, span.record.number)):
        idle = [name for name, end in last_ends.items() if end <= span.start]
        if span.record.state is not RunState.RUNNING or not idle:
            kept.append(span)
            continue
        # The one that has waited least: a worker that died long ago takes nothing.
        latest = max(idle, key=lambda name: last_ends[name])
        spans_of[latest].append(span)
        moved.add(span.record.number)
        del last_ends[latest]
    if kept:
        spans_of[""] = kept
    return moved


def _rows(spans: Iterable[_Span]) -> list[int]:
    """The first free row for each span, by start: as few rows as it takes that none overlap."""
    free: list[int] = []
    busy: list[tuple[float, int]] = []
    rows = []
    for start, end, _ in spans:
        while busy and busy[0][0] <= start:
            heapq.heappush(free, heapq.heappop(busy)[1])
        row = heapq.heappop(free) if free else len(busy)
        heapq.heappush(busy, (end, row))
        rows.append(row)
    return rows


def _covered(spans: Iterable[_Span]) -> float:
    """Seconds in which at least one of the spans, by start, was running."""
    covered, until = 0.0, 0.0
    for start, end, _ in spans:
        covered += max(0.0, end - max(start, until))
        until = max(until, end)
    return covered


def _lane_name(worker: str, row: int, place: int) -> str:
    if not worker:
        return f"lane {place}"
    return worker if row == 1 else f"{worker} ({row})"
