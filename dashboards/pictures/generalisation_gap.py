"""Gap between validation and training loss, epoch by epoch."""

from dashboards.elements.caption import describe_trials
from dashboards.elements.curve_drawing import HOW_TO_READ
from dashboards.elements.rung_epochs import describe_rung_lines, rungs_of
from dashboards.elements.trial_curves import MEASURED_WHILE_TRAINING, get_trial_curves
from dashboards.picture_entry import PictureEntry
from dashboards.pictures.curves import CurvesInfo, get_curves_columns, get_curves_figure
from pnn_core.config import CLASSIFICATION, EpochResult
from study.results.mlflow.loaded_study import LoadedStudy

_NO_VERDICT = "So a gap may lie below 0, and one of 0 does not mean that nothing is overfitted."


def get_generalisation_gap_info(
    study: LoadedStudy, *, selected: frozenset[int] | None = None, limit: int = 24
) -> CurvesInfo:
    """Collect what the picture shows.

    Args:
        study: Study as read from the tracker.
        selected: Numbers of trials, in any state; None for those of the front and those that run.
        limit: Curves at most.
    """
    drawn = get_trial_curves(study, _gap, selected=selected, limit=limit)
    rungs = rungs_of(study)
    sentences = [*drawn.sentences]
    if drawn.curves:
        sentences += [HOW_TO_READ, describe_rung_lines(rungs)]
        sentences += [MEASURED_WHILE_TRAINING, _NO_VERDICT]
    return CurvesInfo(
        title=f"Validation loss minus training loss by epoch: {study.info.name}",
        common=(describe_trials(study.info, study.records),),
        sentences=tuple(filter(None, sentences)),
        description=f"Line chart of the difference of both losses over epochs. {drawn.description}",
        name="gap_nats",
        label="validation − training loss (nats)",
        has_zero=True,
        epochs=study.info.epochs,
        curves=drawn.curves,
        rungs=rungs,
        instead=drawn.instead,
    )


def _gap(result: EpochResult) -> float:
    return result.val_loss - result.train_loss


GENERALISATION_GAP = PictureEntry(
    name="generalisation-gap",
    views=("curves",),
    task=CLASSIFICATION,
    info=lambda scene: get_generalisation_gap_info(scene.study, selected=scene.selected),
    figure=get_curves_figure,
    columns=get_curves_columns,
)
