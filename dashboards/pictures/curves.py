"""Learning curves of a few trials, with the spread over their seeds."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import plotly.graph_objects as go

from dashboards.elements import theme
from dashboards.elements.caption import describe_trials
from dashboards.elements.curve_drawing import HOW_TO_READ, draw_curves
from dashboards.elements.picture import Columns, PictureInfo
from dashboards.elements.rung_epochs import describe_rung_lines, draw_rungs, rungs_of
from dashboards.elements.trial_curves import (
    MEASURED_WHILE_TRAINING,
    TrialCurve,
    curve_columns,
    get_stopped_curves,
    get_trial_curves,
)
from dashboards.picture_entry import PictureEntry
from dashboards.scene import Scene
from dashboards.view_options import CurveMetric
from pnn_core.config import EPOCH_METRICS, EpochResult
from pnn_core.parts import palette
from study.results.mlflow.loaded_study import LoadedStudy
from study.results.objective import OBJECTIVES
from study.results.plural import counted
from study.results.run_record import RunState

_NOTES: dict[CurveMetric, str] = {
    "val_accuracy": "Trials are chosen by this figure, so that the best of many lies too high.",
    "val_loss": "",
    "train_loss": MEASURED_WHILE_TRAINING,
}


_MOST_STOPPED = 100  # grey curves that are still told apart


@dataclass(frozen=True, kw_only=True)
class CurvesInfo(PictureInfo):
    """Words and data of the picture.

    Attributes:
        name: Name of the values in files.
        label: Label of the vertical axis, with its unit.
        may_be_log: True for a logarithmic vertical axis where values span decades.
        has_zero: True to draw a line at 0.
        epochs: Full budget of a trial, in passes over the training images.
        curves: The highest last validation accuracy first.
        stopped: Curves of trials stopped early, drawn behind; empty where trials are selected, as
            then they are among them.
        rungs: Epochs at which trials are compared.
    """

    name: str
    label: str
    may_be_log: bool = False
    has_zero: bool = False
    epochs: int
    curves: tuple[TrialCurve, ...]
    stopped: tuple[TrialCurve, ...] = ()
    rungs: tuple[int, ...]


def get_curves_info(
    study: LoadedStudy,
    *,
    selected: frozenset[int] | None = None,
    metric: CurveMetric = "val_accuracy",
    limit: int = 24,
) -> CurvesInfo:
    """Collect what the picture shows.

    Args:
        study: Study as read from the tracker.
        selected: Numbers of trials, in any state; None for those of the front and those that run.
        metric: Metric of an epoch.
        limit: Curves at most.
    """
    task = study.info.task
    measured = task.validated if metric == "val_accuracy" else metric
    objective = OBJECTIVES[measured]

    def value(result: EpochResult) -> float:
        return float(getattr(result, measured))

    is_measured = EPOCH_METRICS[measured].task in (None, task.name)
    drawn = get_trial_curves(study, value, selected=selected, limit=limit)
    rungs = rungs_of(study)
    stopped: tuple[TrialCurve, ...] = ()
    if selected is None and drawn.curves:
        stopped = get_stopped_curves(study, value, limit=_MOST_STOPPED)
    short = objective.short
    sentences = [*drawn.sentences]
    if drawn.curves and is_measured:
        sentences += [HOW_TO_READ, _describe_stopped(study, stopped)]
        sentences += [describe_rung_lines(rungs), _NOTES[metric]]
    return CurvesInfo(
        title=f"{theme.capitalised(short)} by epoch: {study.info.name}",
        common=(describe_trials(study.info, study.records),),
        sentences=tuple(filter(None, sentences)),
        description=f"Line chart of {short} over epochs. {drawn.description}",
        name=measured,
        label=objective.label,
        may_be_log=metric.endswith("_loss"),
        epochs=study.info.epochs,
        curves=drawn.curves if is_measured else (),
        stopped=stopped if is_measured else (),
        rungs=rungs,
        instead=drawn.instead if is_measured else f"{short} is not measured in {task.name}.",
    )


def get_curves_figure(info: CurvesInfo) -> go.Figure:
    """Draw it."""
    figure = theme.new_figure()
    draw_rungs(figure, info.rungs)
    if info.has_zero:
        figure.add_hline(
            y=0, line={"color": palette.GREY, "width": 1, "dash": "dot"}, layer="below"
        )
    return draw_curves(
        figure,
        info.curves,
        label=info.label,
        epochs=info.epochs,
        may_be_log=info.may_be_log,
        behind=info.stopped,
    )


def get_curves_columns(info: CurvesInfo) -> Columns:
    """Return what is drawn, an epoch of a trial in each row."""
    return curve_columns((*info.curves, *info.stopped), info.name)


def _describe_stopped(study: LoadedStudy, stopped: Sequence[TrialCurve]) -> str:
    if not stopped:
        return ""
    of = sum(record.state is RunState.PRUNED for record in study.records)
    how_many = counted(of, "trial") if of == len(stopped) else f"{len(stopped)} of {of} trials"
    return f"Grey, as far as they came: {how_many} stopped early."


def _info(scene: Scene) -> CurvesInfo:
    selected = scene.selected if scene.opened is None else frozenset({scene.opened.number})
    return get_curves_info(scene.study, selected=selected, metric=scene.options.metric)


CURVES = PictureEntry(
    name="curves",
    views=("curves",),
    options=("metric",),
    info=_info,
    figure=get_curves_figure,
    columns=get_curves_columns,
)
TRIAL_CURVES = replace(CURVES, name="trial-curves", views=(), needs="one trial")
