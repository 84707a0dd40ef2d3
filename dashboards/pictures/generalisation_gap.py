"""Gap between validation and training loss, epoch by epoch."""

from dataclasses import dataclass

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
    get_trial_curves,
)
from dashboards.picture_entry import PictureEntry
from pnn_core.config import EpochResult
from study.results.mlflow.loaded_study import LoadedStudy

_LABEL = "validation − training loss (nats)"
_NO_VERDICT = "So a gap may lie below 0, and one of 0 does not mean that nothing is overfitted."


@dataclass(frozen=True, kw_only=True)
class GeneralisationGapInfo(PictureInfo):
    """Words and data of the picture.

    Attributes:
        epochs: Full budget of a trial, in passes over the training images.
        curves: Validation minus training loss in nats, each seed's own difference; the highest last
            validation accuracy first.
        rungs: Epochs at which trials are compared.
    """

    epochs: int
    curves: tuple[TrialCurve, ...]
    rungs: tuple[int, ...]


def get_generalisation_gap_info(
    study: LoadedStudy, *, selected: frozenset[int] | None = None, limit: int = 24
) -> GeneralisationGapInfo:
    """Collect what the picture shows.

    Args:
        study: Study as read from the tracker.
        selected: Numbers of trials, in any state; None for those of the front and those that run.
        limit: Curves at most.
    """
    drawn = get_trial_curves(study, _gap, selected=selected, limit=limit)
    rungs = rungs_of(study)
    caption = [describe_trials(study.info, study.records)]
    if drawn.curves:
        caption += [drawn.caption, HOW_TO_READ, describe_rung_lines(rungs)]
        caption += [MEASURED_WHILE_TRAINING, _NO_VERDICT]
    return GeneralisationGapInfo(
        title=f"Validation loss minus training loss by epoch: {study.info.name}",
        caption=" ".join(filter(None, caption)),
        description=f"Line chart of the difference of both losses over epochs. {drawn.description}",
        epochs=study.info.epochs,
        curves=drawn.curves,
        rungs=rungs,
        instead=drawn.instead,
    )


def get_generalisation_gap_figure(info: GeneralisationGapInfo) -> go.Figure:
    """Draw it."""
    figure = theme.new_figure()
    draw_rungs(figure, info.rungs)
    figure.add_hline(y=0, line={"color": theme.GREY, "width": 1, "dash": "dot"}, layer="below")
    return draw_curves(figure, info.curves, label=_LABEL, epochs=info.epochs, may_be_log=False)


def _columns(info: GeneralisationGapInfo) -> Columns:
    return curve_columns(info.curves, "gap_nats")


def _gap(result: EpochResult) -> float:
    return result.val_loss - result.train_loss


GENERALISATION_GAP = PictureEntry(
    name="generalisation-gap",
    views=("curves",),
    info=lambda scene: get_generalisation_gap_info(scene.study, selected=scene.selected),
    figure=get_generalisation_gap_figure,
    columns=_columns,
)
