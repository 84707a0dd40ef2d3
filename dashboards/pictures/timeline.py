"""Timeline of trials: bars on lanes, idle gaps, and trials that have fallen silent."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go

from dashboards.elements import theme
from dashboards.elements.caption import describe_trials
from dashboards.elements.picture import Columns, PictureInfo
from dashboards.elements.trial_hover import reason_lines
from dashboards.measures.duration import TimeUnit, describe_duration, time_unit
from dashboards.measures.lanes import Lanes, TimelineBar, fill_lanes
from dashboards.measures.silent_trials import SilentTrial, silent_trials
from dashboards.picture_entry import PictureEntry
from pnn_core.parts import palette
from study.results.mlflow.loaded_study import LoadedStudy
from study.results.plural import counted
from study.results.run_record import RunRecord, RunState

_MANY_BARS = 1000
"""Above so many, bars are thick lines drawn by the graphics card."""
_LANES_PX = 300
_MOST_LABELS = 16
_LONGEST_LABEL = 16


class _StateLook(NamedTuple):
    """Marker of a state; `height` is a share of its lane, which tells states apart in lines."""

    colour: str
    pattern: str
    height: float


_LOOKS = {
    RunState.COMPLETE: _StateLook(palette.BLUE, "", 0.8),
    RunState.PRUNED: _StateLook(palette.ORANGE, "/", 0.6),
    RunState.FAILED: _StateLook(palette.VERMILION, "x", 0.4),
    RunState.RUNNING: _StateLook(palette.SKY, ".", 0.8),
    RunState.PAUSED: _StateLook(palette.GREY, "-", 0.6),
}


@dataclass(frozen=True, kw_only=True)
class TimelineInfo(PictureInfo):
    """Words and data of the picture.

    Attributes:
        lanes: Lanes with the bars of all trials of a known start.
        unit: Unit of the axis.
    """

    lanes: Lanes
    unit: TimeUnit


def get_timeline_info(study: LoadedStudy, *, now_ms: int) -> TimelineInfo:
    """Collect what the picture shows.

    Args:
        study: Study as last read.
        now_ms: The clock, in milliseconds since 1970; running trials reach to it.
    """
    records = study.records
    silent = silent_trials(records, now_ms=now_ms)
    timed = [record for record in records if record.started_ms is not None]
    lanes = fill_lanes(timed, silent={trial.number for trial in silent}, now_ms=now_ms)
    return TimelineInfo(
        title=f"When each trial ran: {study.info.name}",
        common=(describe_trials(study.info, study.records),),
        sentences=tuple(_sentences(study, timed, silent, lanes)),
        description=f"{counted(len(lanes.bars), 'bar')} on {counted(len(lanes.names), 'lane')}, "
        "one for each trial, from its start to its end.",
        lanes=lanes,
        unit=time_unit(max((bar.end for bar in lanes.bars), default=0.0)),
        instead="" if timed else "No trial with a known start yet.",
    )


def get_timeline_figure(info: TimelineInfo) -> go.Figure:
    """Draw it."""
    figure = theme.new_figure()
    for state in RunState:
        bars = [bar for bar in info.lanes.bars if bar.state is state]
        if bars and len(info.lanes.bars) > _MANY_BARS:
            figure.add_trace(_thick_lines(bars, info))
        elif bars:
            figure.add_trace(_bars(bars, info))
    step = -(-len(info.lanes.names) // _MOST_LABELS)
    labelled = range(0, len(info.lanes.names), step)
    return figure.update_layout(
        showlegend=True,
        barmode="overlay",
        xaxis={"title": {"text": f"Time since the first trial's start ({info.unit.name})"}},
        yaxis={
            "range": [len(info.lanes.names) - 0.5, -0.5],
            "tickvals": [*labelled],
            "ticktext": [theme.escape(_label(info.lanes.names[lane])) for lane in labelled],
            "showgrid": False,
        },
    )


def _columns(info: TimelineInfo) -> Columns:
    return {
        "trial": [bar.number for bar in info.lanes.bars],
        "state": [str(bar.state) for bar in info.lanes.bars],
        "lane": [info.lanes.names[bar.lane] for bar in info.lanes.bars],
        "start_seconds": [bar.start for bar in info.lanes.bars],
        "end_seconds": [bar.end for bar in info.lanes.bars],
        "retries": [bar.retries for bar in info.lanes.bars],
    }


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
        name=bars[0].state.words,
        # An outline, so that the shortest trial is seen.
        marker={
            "color": style.colour,
            "pattern": {"shape": style.pattern, "size": 6},
            "line": {"width": 1, "color": palette.GREY},
        },
        customdata=[[bar.number] for bar in bars],
        hovertext=[_hover(bar, info) for bar in bars],
        hoverinfo="text",
    )


def _thick_lines(bars: Sequence[TimelineBar], info: TimelineInfo) -> go.Scattergl:
    """A line from start over middle to end of each bar, then a gap."""
    style = _LOOKS[bars[0].state]
    starts, ends = np.array([(bar.start, bar.end) for bar in bars]).T / info.unit.seconds
    x = np.column_stack([starts, (starts + ends) / 2, ends, np.full(len(bars), np.nan)])
    return go.Scattergl(
        x=x.ravel(),
        y=np.repeat([bar.lane for bar in bars], 4),
        mode="lines",
        name=bars[0].state.words,
        line={
            "color": style.colour,
            "width": max(1.5, min(24, _LANES_PX / len(info.lanes.names)) * style.height),
        },
        customdata=np.repeat([bar.number for bar in bars], 4)[:, None],
        hovertemplate=f"trial %{{customdata[0]}}, {bars[0].state.words}<br>"
        f"%{{x:.4~g}} {info.unit.name}<extra></extra>",
    )


def _hover(bar: TimelineBar, info: TimelineInfo) -> str:
    lines = [
        f"<b>trial {bar.number}</b>, {bar.state.words}",
        f"{describe_duration(bar.end - bar.start)}, from {describe_duration(bar.start)} on",
        "worker not told yet" if bar.is_supposed else theme.escape(info.lanes.names[bar.lane]),
    ]
    lines += reason_lines(bar.reason)
    if bar.retries:
        lines.append(f"tried again {counted(bar.retries, 'time')}")
    return "<br>".join(lines)


def _sentences(
    study: LoadedStudy,
    timed: Sequence[RunRecord],
    silent: Sequence[SilentTrial],
    lanes: Lanes,
) -> list[str]:
    supposed = sum(bar.is_supposed for bar in lanes.bars)
    known = [record for record in timed if record.worker or not supposed]
    sentences = [_describe_lanes(known)]
    if supposed:
        sentences.append(
            f"{counted(supposed, 'trial')} that has just begun has not told its worker: it stands "
            "on the lane of an idle one."
            if supposed == 1
            else f"{supposed} trials that have just begun have not told their workers: they stand "
            "on the lanes of idle ones."
        )
    if lanes.idle_share is not None:
        sentences.append(
            f"{lanes.idle_share:.0%} of the lanes' time between first start and last end is idle."
        )
    if silent:
        sentences.append(
            f"{counted(len(silent), 'running trial')} told nothing for suspiciously long, so drawn "
            "to the last epoch known."
        )
    if any(record.state is RunState.PAUSED for record in timed):
        sentences.append("Paused trials are drawn as long as their epochs took.")
    if len(timed) < len(study.records):
        undrawn = counted(len(study.records) - len(timed), "trial")
        sentences.append(f"{undrawn} without a known start not drawn.")
    if study.confirmed:
        sentences.append("Confirmation runs are not drawn.")
    return sentences


def _describe_lanes(records: Iterable[RunRecord]) -> str:
    known = {bool(record.worker) for record in records}
    bar = "a bar is a trial from its start to its end, attempts that broke off included."
    worker = "A lane is a worker process (or a further one of it, where its trials overlap)"
    if known == {True}:
        return f"{worker}; {bar}"
    fewest = "one of the fewest on which no trials of unknown workers overlap"
    return f"{worker} or {fewest}; {bar}" if True in known else f"A lane is {fewest}; {bar}"


TIMELINE = PictureEntry(
    name="timeline",
    views=("progress",),
    info=lambda scene: get_timeline_info(scene.study, now_ms=scene.now_ms),
    figure=get_timeline_figure,
    columns=_columns,
)
