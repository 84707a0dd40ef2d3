"""Precision against recall of a trial's detector on validation images, a curve for each class."""

from dataclasses import dataclass

import plotly.graph_objects as go

from dashboards.elements import theme
from dashboards.elements.picture import Columns, PictureInfo
from dashboards.picture_entry import PictureEntry
from dashboards.scene import Scene
from pnn_core.config import DETECTION
from pnn_core.parts import palette
from study.results.plural import counted
from study.results.precision_recall import PrecisionRecall
from study.results.run_record import RunRecord

_MOST_CURVES = len(palette.SERIES_COLOURS)
"""Classes that are drawn: more could not be told apart."""

_HOVER = "%{fullData.name}<br>recall %{x:.3f}<br>precision %{y:.3f}<extra></extra>"


@dataclass(frozen=True, kw_only=True)
class PrecisionRecallInfo(PictureInfo):
    """Words and data of the picture.

    Attributes:
        curves: Curves of the classes that are drawn, the most precise first.
    """

    curves: tuple[PrecisionRecall, ...] = ()


def get_precision_recall_info(
    record: RunRecord, curves: tuple[PrecisionRecall, ...] | None
) -> PrecisionRecallInfo:
    """Collect what the picture shows.

    Args:
        record: The trial.
        curves: Curve of each class; None where they were not kept.
    """
    title = f"Precision and recall by class: trial {record.number}"
    known = [curve for curve in curves or () if curve.recall]
    known.sort(key=lambda curve: (-(curve.ap_50 or 0.0), curve.name))
    if not known:
        return PrecisionRecallInfo(
            title=title,
            description="No curve is drawn.",
            instead="Curves are kept with the weights, of trials of the front that are complete."
            if curves is None
            else "No object was found at an IoU of 0.5.",
        )
    drawn = tuple(known[:_MOST_CURVES])
    best, worst = drawn[0], drawn[-1]
    more = len(known) - len(drawn)
    left_out = f" Left out: {counted(more, 'class')} of lower precision." if more else ""
    return PrecisionRecallInfo(
        title=title,
        sentences=(
            f"Average precision from {_words(worst)} to {_words(best)}.{left_out}"
            if len(drawn) > 1
            else f"Average precision {_words(best)}.",
            "Validation images, the trial's first seed, IoU of at least 0.5, VOC'07's 11-point "
            "rule. Going right, less sure detections count too: a curve ends where no more objects "
            "are found.",
        ),
        description="Line chart of precision against recall: "
        + ", ".join(_words(curve) for curve in drawn)
        + ".",
        curves=drawn,
    )


def get_precision_recall_figure(info: PrecisionRecallInfo) -> go.Figure:
    """Draw it."""
    figure = theme.new_figure()
    for place, curve in enumerate(info.curves):
        figure.add_trace(
            go.Scatter(
                x=curve.recall,
                y=curve.precision,
                mode="lines",
                name=theme.escape(_words(curve)),
                line={
                    "color": palette.SERIES_COLOURS[place],
                    "dash": theme.DASHES[place % len(theme.DASHES)],
                    "width": 2.5,
                },
                hovertemplate=_HOVER,
            )
        )
    return figure.update_layout(
        showlegend=True,
        height=420,
        xaxis={"title": {"text": "Recall (found / annotated)"}, "range": (0, 1.01)},
        yaxis={"title": {"text": "Precision (right / found)"}, "range": (0, 1.03)},
    )


def _words(curve: PrecisionRecall) -> str:
    return f"{curve.name} {curve.ap_50 or 0.0:.3f} ({counted(curve.objects, 'object')})"


def _info(scene: Scene) -> PrecisionRecallInfo:
    assert scene.opened is not None  # noqa: S101  # drawn for an opened trial alone
    return get_precision_recall_info(scene.opened, scene.curves)


def _columns(info: PrecisionRecallInfo) -> Columns:
    points = [
        (curve.name, recall, precision)
        for curve in info.curves
        for recall, precision in zip(curve.recall, curve.precision, strict=True)
    ]
    names = ("class", "recall", "precision")
    return {name: [point[place] for point in points] for place, name in enumerate(names)}


PRECISION_RECALL = PictureEntry(
    name="precision-recall",
    needs="one trial",
    task=DETECTION,
    info=_info,
    figure=get_precision_recall_figure,
    columns=_columns,
)
