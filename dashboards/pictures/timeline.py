"""When each trial ran: bars on lanes, idle gaps, and trials that have fallen silent."""

import heapq
from collections import defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go

from dashboards.pictures import look
from dashboards.pictures.caption import describe_trials
from dashboards.pictures.hypervolume import TimeUnit, describe_duration, time_unit
from dashboards.pictures.picture import Picture
from dashboards.pictures.status import SilentTrial, silent_trials, work_seconds
from study.results.counted import counted
from study.results.mlflow.loaded_study import LoadedStudy
from study.results.record import TrialRecord, TrialState

_MANY_BARS = 1000
"""Above so many, bars are thick lines drawn by the graphics card."""
_LANES_PX = 300
_MOST_LABELS = 16
_LONGEST_LABEL = 16


class _StateLook(NamedTuple):
    """Of a bar; `height` is a share of its lane, which tells states apart in thick lines."""

    colour: str
    pattern: str
    height: float


_LOOKS = {
    TrialState.COMPLETE: _StateLook(look.BLUE, "", 0.8),
    TrialState.PRUNED: _StateLook(look.ORANGE, "/", 0.6),
    TrialState.FAILED: _StateLook(look.VERMILION, "x", 0.4),
    TrialState.RUNNING: _StateLook(look.SKY, ".", 0.8),
    TrialState.PAUSED: _StateLook(look.GREY, "-", 0.6),
}


class TimelineBar(NamedTuple):
    """One trial from its proposal to its end.

    Attributes:
        number: Of the trial.
        state: Where it stands.
        lane: Place among the lanes, from 0.
        start: Seconds since the first trial's start.
        end: Likewise; of a trial that has not ended, until when it is known to have run.
        retries: How often it was tried again.
    """

    number: int
    state: TrialState
    lane: int
    start: float
    end: float
    retries: int


class TimelineInfo(NamedTuple):
    """Everything that the picture shows.

    Attributes:
        title: What it shows.
        caption: Of what it is drawn, and how much of the time was idle.
        description: For those who do not see it.
        lanes: Names of the lanes.
        bars: By lane, then start.
        idle_share: Of the time between each lane's first start and last end; None where nothing
            ran.
        unit: Of the axis.
        instead: What to say where there is nothing to draw; empty otherwise.
    """

    title: str
    caption: str
    description: str
    lanes: tuple[str, ...]
    bars: tuple[TimelineBar, ...]
    idle_share: float | None
    unit: TimeUnit
    instead: str


class _Span(NamedTuple):
    """From when to when a trial ran, in seconds since the first one's start."""

    start: float
    end: float
    record: TrialRecord


class _Lanes(NamedTuple):
    """Lanes filled with bars, and the time in them."""

    names: tuple[str, ...]
    bars: tuple[TimelineBar, ...]
    idle: float
    lifetime: float


def get_timeline_info(study: LoadedStudy, *, now_ms: int) -> TimelineInfo:
    """Collect what the picture shows.

    Args:
        study: As last read.
        now_ms: The clock, in milliseconds since 1970; running trials reach to it.
    """
    records = study.records
    silent = silent_trials(records, now_ms=now_ms)
    timed = [record for record in records if record.started_ms is not None]
    lanes = _fill_lanes(_spans(timed, {trial.number for trial in silent}, now_ms))
    idle_share = lanes.idle / lanes.lifetime if lanes.lifetime else None
    return TimelineInfo(
        title=f"When each trial ran: {study.info.name}",
        caption=_caption(study, timed, silent, idle_share),
        description=f"{counted(len(lanes.bars), 'bar')} on {counted(len(lanes.names), 'lane')}, "
        "one for each trial, from its start to its end.",
        lanes=lanes.names,
        bars=lanes.bars,
        idle_share=idle_share,
        unit=time_unit(max((bar.end for bar in lanes.bars), default=0.0)),
        instead="" if timed else "No trial with a known start yet.",
    )


def get_timeline_figure(info: TimelineInfo) -> go.Figure:
    """Draw it."""
    figure = look.new_figure()
    if info.instead:
        return look.say_instead(figure, info.instead)
    for state in TrialState:
        bars = [bar for bar in info.bars if bar.state is state]
        if bars and len(info.bars) > _MANY_BARS:
            figure.add_trace(_thick_lines(bars, info))
        elif bars:
            figure.add_trace(_bars(bars, info))
    step = -(-len(info.lanes) // _MOST_LABELS)
    labelled = range(0, len(info.lanes), step)
    return figure.update_layout(
        showlegend=True,
        barmode="overlay",
        xaxis={"title": {"text": f"Time since the first trial's start ({info.unit.name})"}},
        yaxis={
            "range": [len(info.lanes) - 0.5, -0.5],
            "tickvals": [*labelled],
            "ticktext": [look.escape(_label(info.lanes[lane])) for lane in labelled],
            "showgrid": False,
        },
    )


def get_timeline_picture(info: TimelineInfo) -> Picture:
    """The picture with its words and data."""
    return Picture(
        name="timeline",
        title=info.title,
        caption=info.caption,
        description=info.description,
        figure=get_timeline_figure(info),
        data={
            "trial": [bar.number for bar in info.bars],
            "state": [str(bar.state) for bar in info.bars],
            "lane": [info.lanes[bar.lane] for bar in info.bars],
            "start_seconds": [bar.start for bar in info.bars],
            "end_seconds": [bar.end for bar in info.bars],
            "retries": [bar.retries for bar in info.bars],
        },
    )


def _fill_lanes(spans_of: Mapping[str, Sequence[_Span]]) -> _Lanes:
    """A lane for each worker, and more where its trials overlap; for unknown ones as few as do."""
    names: list[str] = []
    bars: list[TimelineBar] = []
    busy = lifetime = 0.0
    for worker in sorted(spans_of, key=lambda name: (not name, name)):
        spans = sorted(spans_of[worker], key=lambda span: (span.start, span.record.number))
        rows = _rows(spans)
        for (start, end, r), row in zip(spans, rows, strict=True):
            bar = TimelineBar(r.number, r.state, len(names) + row, start, end, len(r.retried))
            bars.append(bar)
        count = max(rows) + 1
        whole = max(span.end for span in spans) - spans[0].start
        lifetime += whole if worker else whole * count
        busy += _covered(spans) if worker else sum(span.end - span.start for span in spans)
        names += [_lane_name(worker, row, len(names) + row) for row in range(1, count + 1)]
    return _Lanes(tuple(names), tuple(bars), max(0.0, lifetime - busy), lifetime)


def _spans(
    records: Sequence[TrialRecord], silent: Container[int], now_ms: int
) -> dict[str, list[_Span]]:
    """Spans by worker. A trial that fell silent or lies paused ends with its last known epoch."""
    origin = min((record.started_ms or 0 for record in records), default=0)
    now = (now_ms - origin) / 1000
    spans: defaultdict[str, list[_Span]] = defaultdict(list)
    for record in records:
        start = ((record.started_ms or 0) - origin) / 1000
        if record.ended_ms is not None:
            end = (record.ended_ms - origin) / 1000
        elif record.state is TrialState.RUNNING and record.number not in silent:
            end = now
        else:
            end = min(start + work_seconds(record), now)
        spans[record.worker].append(_Span(start, max(start, end), record))
    return spans


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


def _label(lane: str) -> str:
    """The end of a lane's name, as much of it as a phone has room for beside the plot."""
    return lane if len(lane) <= _LONGEST_LABEL else f"…{lane[1 - _LONGEST_LABEL :]}"


def _bars(bars: Sequence[TimelineBar], info: TimelineInfo) -> go.Bar:
    style = _LOOKS[bars[0].state]
    unit = info.unit
    return go.Bar(
        orientation="h",
        base=[bar.start / unit.seconds for bar in bars],
        x=[(bar.end - bar.start) / unit.seconds for bar in bars],
        y=[bar.lane for bar in bars],
        width=style.height,
        name=str(bars[0].state),
        # An outline, so that the shortest trial is seen.
        marker={
            "color": style.colour,
            "pattern": {"shape": style.pattern, "size": 6},
            "line": {"width": 1, "color": look.GREY},
        },
        customdata=[[bar.number] for bar in bars],
        hovertext=[_hover(bar, info) for bar in bars],
        hoverinfo="text",
    )


def _thick_lines(bars: Sequence[TimelineBar], info: TimelineInfo) -> go.Scattergl:
    """A line from start over middle to end of each bar, then a gap."""
    style = _LOOKS[bars[0].state]
    starts, ends = (np.array([bar[i] for bar in bars]) / info.unit.seconds for i in (3, 4))
    x = np.column_stack([starts, (starts + ends) / 2, ends, np.full(len(bars), np.nan)])
    return go.Scattergl(
        x=x.ravel(),
        y=np.repeat([bar.lane for bar in bars], 4),
        mode="lines",
        name=str(bars[0].state),
        line={
            "color": style.colour,
            "width": max(1.5, min(24, _LANES_PX / len(info.lanes)) * style.height),
        },
        customdata=np.repeat([bar.number for bar in bars], 4)[:, None],
        hovertemplate=f"trial %{{customdata[0]}}, {bars[0].state}<br>%{{x:.4~g}} {info.unit.name}"
        "<extra></extra>",
    )


def _hover(bar: TimelineBar, info: TimelineInfo) -> str:
    lines = [
        f"<b>trial {bar.number}</b>, {bar.state}",
        f"{describe_duration(bar.end - bar.start)}, from {describe_duration(bar.start)} on",
        look.escape(info.lanes[bar.lane]),
    ]
    if bar.retries:
        lines.append(f"tried again {counted(bar.retries, 'time')}")
    return "<br>".join(lines)


def _caption(
    study: LoadedStudy,
    timed: Sequence[TrialRecord],
    silent: Sequence[SilentTrial],
    idle_share: float | None,
) -> str:
    sentences = [describe_trials(study.info, study.records), _describe_lanes(timed)]
    if idle_share is not None:
        sentences.append(
            f"{idle_share:.0%} of the lanes' time between first start and last end is idle."
        )
    if silent:
        sentences.append(
            f"{counted(len(silent), 'running trial')} told nothing for suspiciously long, so drawn "
            "to the last epoch known."
        )
    if any(record.state is TrialState.PAUSED for record in timed):
        sentences.append("Paused trials are drawn as long as their epochs took.")
    if len(timed) < len(study.records):
        undrawn = counted(len(study.records) - len(timed), "trial")
        sentences.append(f"{undrawn} without a known start not drawn.")
    if study.confirmed:
        sentences.append("Confirmation runs are not drawn.")
    return " ".join(sentences)


def _describe_lanes(records: Iterable[TrialRecord]) -> str:
    known = {bool(record.worker) for record in records}
    bar = "a bar is a trial from its proposal to its end, attempts that broke off included."
    worker = "A lane is a worker process (or a further one of it, where its trials overlap)"
    if known == {True}:
        return f"{worker}; {bar}"
    fewest = "one of the fewest on which no trials of unknown workers overlap"
    return f"{worker} or {fewest}; {bar}" if True in known else f"A lane is {fewest}; {bar}"
