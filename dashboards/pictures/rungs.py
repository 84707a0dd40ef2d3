"""Rungs of a study: trials that reached each, and those stopped there."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import plotly.graph_objects as go

from dashboards.elements import theme
from dashboards.elements.caption import describe_trials
from dashboards.elements.picture import Columns, PictureInfo
from dashboards.elements.rung_epochs import rungs_of
from dashboards.measures.trial_times import epochs_done
from dashboards.picture_entry import PictureEntry
from pnn_core.parts import palette
from study.results.mlflow.loaded_study import LoadedStudy
from study.results.plural import counted
from study.results.run_record import RunRecord, RunState
from study.results.stop_reasons import describe_stops, stop_epoch

_NO_SCHEDULER = "fifo"


class Stage(NamedTuple):
    """A rung, or the start before the first one, or the full budget after the last one.

    Attributes:
        epoch: After which it is; 0 for the start.
        name: For people.
        reached: Trials that came here; the sum of the four that follow.
        went_on: Those that reached the next stage; at the full budget, those that are complete.
        stopped: Those that were stopped here.
        failed: Those that failed on the way to the next stage.
        under_way: Those that are on the way there, or paused on it.
    """

    epoch: int
    name: str
    reached: int
    went_on: int
    stopped: int
    failed: int
    under_way: int


@dataclass(frozen=True, kw_only=True)
class RungsInfo(PictureInfo):
    """Words and data of the picture.

    Attributes:
        stages: The start, the rungs in order, and the full budget; empty where there are no rungs.
    """

    stages: tuple[Stage, ...]


def get_rungs_info(study: LoadedStudy) -> RungsInfo:
    """Collect what the picture shows.

    Args:
        study: Study as read from the tracker.
    """
    rungs = rungs_of(study)
    instead = _say_instead(study, rungs)
    stages = () if instead else _stages(study, rungs)
    return RungsInfo(
        title=f"How far trials came: {study.info.name}",
        common=(describe_trials(study.info, study.records),),
        sentences=(_describe_rungs(study, rungs), _describe_epochs(study)) if stages else (),
        description=_describe(stages),
        stages=stages,
        instead=instead,
    )


def get_rungs_figure(info: RungsInfo) -> go.Figure:
    """Draw it."""
    figure = theme.new_figure()
    *before, last = info.stages
    layers = (
        ("complete", palette.GREEN, "", [0] * len(before) + [last.went_on]),
        ("went on", palette.BLUE, "", [stage.went_on for stage in before] + [0]),
        ("under way to the next", palette.SKY, ".", [stage.under_way for stage in info.stages]),
        ("stopped here", palette.ORANGE, "/", [stage.stopped for stage in info.stages]),
        ("failed before the next", palette.VERMILION, "x", [stage.failed for stage in info.stages]),
    )
    for name, colour, pattern, counts in layers:
        if any(counts):
            figure.add_trace(_bars(info.stages, name, colour, pattern, counts))
    return figure.update_layout(
        showlegend=True,
        barmode="stack",
        bargap=0.4,
        height=420,
        xaxis={"title": {"text": "Epoch after which trials are compared"}, "type": "category"},
        yaxis={"title": {"text": "Trials that came there"}, "rangemode": "tozero"},
    )


def _columns(info: RungsInfo) -> Columns:
    names = ("epoch", "reached", "went_on", "stopped", "failed", "under_way")
    return {name: [getattr(stage, name) for stage in info.stages] for name in names}


def _stages(study: LoadedStudy, rungs: Sequence[int]) -> tuple[Stage, ...]:
    full = study.info.epochs
    epochs = (0, *rungs, full)
    ends: dict[int, list[RunRecord]] = {epoch: [] for epoch in epochs}
    for record in study.records:
        ends[_last_stage(record, epochs)].append(record)
    stages: list[Stage] = []
    went_on = 0  # backwards: what came farther than the stage
    for epoch in reversed(epochs):
        states = [record.state for record in ends[epoch]]
        if epoch == full:
            went_on = states.count(RunState.COMPLETE)
        stopped, failed = states.count(RunState.PRUNED), states.count(RunState.FAILED)
        under_way = states.count(RunState.RUNNING) + states.count(RunState.PAUSED)
        reached = went_on + stopped + failed + under_way
        name = _name(epoch, full)
        stages.append(Stage(epoch, name, reached, went_on, stopped, failed, under_way))
        went_on = reached
    return tuple(reversed(stages))


def _last_stage(record: RunRecord, epochs: Sequence[int]) -> int:
    """The last stage that a trial reached."""
    if record.state is RunState.COMPLETE:
        return epochs[-1]
    stopped = stop_epoch(record)
    done = epochs_done(record) if stopped is None else stopped
    return max(epoch for epoch in epochs if epoch <= done)


def _name(epoch: int, full: int) -> str:
    if epoch == 0:
        return "start"
    return f"{epoch} (full)" if epoch == full else str(epoch)


def _bars(
    stages: Sequence[Stage], name: str, colour: str, pattern: str, counts: Sequence[int]
) -> go.Bar:
    return go.Bar(
        x=[stage.name for stage in stages],
        y=counts,
        name=name,
        text=[str(count) if count else "" for count in counts],
        textposition="inside",
        insidetextanchor="middle",
        textangle=0,
        marker={
            "color": colour,
            # Over the colour, so that the number within is read.
            "pattern": {"shape": pattern, "size": 6, "solidity": 0.2, "fillmode": "overlay"},
            "line": {"width": 1, "color": palette.GREY},
        },
        hovertext=[
            f"<b>{_where(stage, stages)}</b>: {counted(stage.reached, 'trial')}<br>"
            f"{count} of them {name}"
            for stage, count in zip(stages, counts, strict=True)
        ],
        hoverinfo="text",
    )


def _where(stage: Stage, stages: Sequence[Stage]) -> str:
    if stage is stages[0]:
        return "start"
    return "full budget" if stage is stages[-1] else f"rung at epoch {stage.epoch}"


def _describe_rungs(study: LoadedStudy, rungs: Sequence[int]) -> str:
    info = study.info
    if info.rungs:
        at = f"{'epoch' if len(rungs) == 1 else 'epochs'} {', '.join(map(str, rungs))}"
        rule = f"Trials are compared after {at}: what none beats goes on, and so does the best "
        rule += f"1 in {info.reduction_factor} (--scheduler {info.scheduler})."
    else:
        rule = "Its rungs were not recorded: drawn are those at which trials were stopped."
    stops = describe_stops(study.records)
    return f"{rule} Stopped early: {stops or 'none so far'}."


def _describe_epochs(study: LoadedStudy) -> str:
    """Say how many epochs stopping has spared."""
    final = [record for record in study.records if record.state.is_final]
    trained = sum(map(epochs_done, final))
    full = study.info.epochs * len(final)
    if not full:
        return "No trial has ended yet."
    return (
        f"The trials that have ended trained {counted(trained, 'epoch')}, {trained / full:.0%} of "
        f"the {full} of full budgets."
    )


def _describe(stages: Iterable[Stage]) -> str:
    parts = [f"{stage.name}: {stage.reached} reached, {stage.stopped} stopped" for stage in stages]
    chart = "Bars of how many trials reached each rung and what became of them."
    return f"{chart} {'; '.join(parts)}." if parts else f"{chart} Nothing is drawn."


def _say_instead(study: LoadedStudy, rungs: Sequence[int]) -> str:
    if not rungs and study.info.scheduler == _NO_SCHEDULER:
        return (
            "This study trains every trial to its full budget. To stop early what others beat, "
            "begin a study with --scheduler moasha."
        )
    if not rungs:
        return "No trial was stopped early yet, and where trials are compared was not recorded."
    if not study.records:
        return "No trials yet: they appear as they begin."
    return ""


RUNGS = PictureEntry(
    name="rungs",
    views=("progress",),
    info=lambda scene: get_rungs_info(scene.study),
    figure=get_rungs_figure,
    columns=_columns,
)
