"""The rungs of a study, for every picture that shows them."""

import plotly.graph_objects as go

from pnn_core.parts import palette
from study.results.mlflow.loaded_study import LoadedStudy
from study.results.stop_reasons import stop_epoch


def rungs_of(study: LoadedStudy) -> tuple[int, ...]:
    """Epochs of a study's rungs, in order.

    Of a study that was recorded before these were, those at which it has stopped trials.
    """
    if study.info.rungs:
        return study.info.rungs
    epochs = {stop_epoch(record) for record in study.records}
    return tuple(sorted(e for e in epochs if e is not None and 0 < e < study.info.epochs))


def draw_rungs(figure: go.Figure, rungs: tuple[int, ...]) -> None:
    """A faint line at each rung of a picture over epochs."""
    for epoch in rungs:
        line = {"color": palette.GREY, "width": 1, "dash": "dot"}
        figure.add_vline(x=epoch, line=line, opacity=0.7, layer="below")


def describe_rung_lines(rungs: tuple[int, ...]) -> str:
    """Explain these lines, as a sentence; empty where there are none."""
    return "Dotted lines: the rungs, at which trials are compared." if rungs else ""
