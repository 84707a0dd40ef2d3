"""The front: what accuracy a number of parameters buys."""

import html
import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import plotly.graph_objects as go

from study.results.front_table import format_metric, format_parameter
from study.results.objective import OBJECTIVES, Objective
from study.results.pareto import front
from study.results.record import TrialRecord, TrialState

COLOUR_PARAMETER = "noise_level"
FRONT_COLOUR = "#d55e00"
"""Vermilion of the Okabe-Ito palette, told apart from every colour of the Viridis scale."""


class FrontPoint(NamedTuple):
    """One complete trial.

    Attributes:
        number: Of the trial.
        x: Value of the horizontal metric.
        y: Value of the vertical one.
        noise_level: Its colour.
        hover: Configuration and metrics as lines of escaped HTML.
    """

    number: int
    x: float
    y: float
    noise_level: float
    hover: str


class FrontInfo(NamedTuple):
    """Everything that the picture shows.

    Attributes:
        title: What it shows, as plain text.
        caption: Of what it is drawn, as plain text.
        x: Horizontal metric: the second objective, or learnable parameters where there is one.
        y: Vertical metric: the first objective.
        points: Complete trials off the front, by number.
        front: Complete trials on it, the best `x` first.
        has_line: Whether the front is a line in this picture: it is not one of three objectives.
    """

    title: str
    caption: str
    x: Objective
    y: Objective
    points: tuple[FrontPoint, ...]
    front: tuple[FrontPoint, ...]
    has_line: bool


def get_front_info(
    records: Iterable[TrialRecord],
    objectives: Sequence[Objective],
    *,
    name: str,
    dataset: str,
    epochs: int,
) -> FrontInfo:
    """Collect what the picture shows.

    Args:
        records: All trials of the study.
        objectives: Of the study.
        name: Of the study.
        dataset: That it trained on.
        epochs: Full budget of a trial.
    """
    records = sorted(records, key=lambda record: record.number)
    y = objectives[0]
    x = objectives[1] if len(objectives) > 1 else _other(y)
    on_front = {record.number for record in front(records, tuple(objectives))}
    complete = [record for record in records if record.state is TrialState.COMPLETE]
    best_x_first = sorted(
        (record for record in complete if record.number in on_front),
        key=lambda record: record.metrics()[x.name] * (-1 if x.maximised else 1),
    )
    counts = ", ".join(
        f"{sum(record.state is state for record in records)} {state}"
        for state in TrialState
        if any(record.state is state for record in records)
    )
    trials = f"{len(records)} trials ({counts})" if records else "no trials yet"
    return FrontInfo(
        title=f"{_short(y)} against {_short(x)}: {name}",
        caption=(
            f"{dataset}, {trials}, {epochs} epochs each, one seed per trial. "
            "Chosen on validation data; the test set was not read."
        ),
        x=x,
        y=y,
        points=tuple(_point(r, x, y) for r in complete if r.number not in on_front),
        front=tuple(_point(record, x, y) for record in best_x_first),
        has_line=len(objectives) == 2,
    )


def get_front_figure(info: FrontInfo) -> go.Figure:
    """Draw it."""
    figure = go.Figure()
    levels = [point.noise_level for point in (*info.points, *info.front)]
    figure.add_trace(_markers(info.points, levels, name="other trials", size=9, edge="white"))
    if info.has_line:
        figure.add_trace(
            go.Scatter(
                x=[point.x for point in info.front],
                y=[point.y for point in info.front],
                mode="lines",
                line={"shape": "hv", "color": FRONT_COLOUR, "width": 2},
                name="front",
                hoverinfo="skip",
                showlegend=False,
            )
        )
    figure.add_trace(_markers(info.front, levels, name="front", size=13, edge=FRONT_COLOUR))
    figure.update_layout(
        title={
            "text": html.escape(info.title),
            "subtitle": {"text": html.escape(info.caption)},
        },
        template="plotly_white",
        xaxis={"title": info.x.label, **_axis(info.x, [p.x for p in (*info.points, *info.front)])},
        yaxis={"title": info.y.label, **_axis(info.y, [p.y for p in (*info.points, *info.front)])},
        legend={"orientation": "h", "yanchor": "bottom", "y": 0, "xanchor": "right", "x": 1},
        hoverlabel={"align": "left"},
        margin={"t": 100},
    )
    if not levels:
        figure.add_annotation(
            text="No trial has completed its full budget.",
            xref="paper",
            yref="paper",
            x=0.5,
            y=0.5,
            showarrow=False,
            font={"size": 18},
        )
    return figure


def _other(objective: Objective) -> Objective:
    name = "val_accuracy" if objective.name == "learnable_params" else "learnable_params"
    return OBJECTIVES[name]


def _short(objective: Objective) -> str:
    """A label without its unit."""
    text = objective.label.split(" (")[0]
    return text[0].upper() + text[1:]


def _point(record: TrialRecord, x: Objective, y: Objective) -> FrontPoint:
    metrics = record.metrics()
    lines = [f"<b>trial {record.number}</b>"]
    lines += [f"{name}: {format_metric(name, value)}" for name, value in metrics.items()]
    lines.append("")
    lines += [
        f"{html.escape(name)}: {html.escape(format_parameter(value))}"
        for name, value in record.parameters.items()
    ]
    return FrontPoint(
        number=record.number,
        x=metrics[x.name],
        y=metrics[y.name],
        noise_level=float(record.parameters[COLOUR_PARAMETER]),
        hover="<br>".join(lines),
    )


def _markers(
    points: Sequence[FrontPoint], levels: Sequence[float], *, name: str, size: int, edge: str
) -> go.Scatter:
    """Points coloured by the logarithm of their noise level, on one scale for all traces."""
    smallest = min((level for level in levels if level > 0), default=1.0)

    def log_level(level: float) -> float:
        # No noise at all lies below every level.
        return math.log10(level if level > 0 else smallest / 10)

    low, high = (log_level(min(levels)), log_level(max(levels))) if levels else (0.0, 1.0)
    ticks = [t for t in (0.01, 0.03, 0.1, 0.3, 1.0, 3.0) if low <= math.log10(t) <= high]
    return go.Scatter(
        x=[point.x for point in points],
        y=[point.y for point in points],
        mode="markers",
        name=name,
        text=[point.hover for point in points],
        hovertemplate="%{text}<extra></extra>",
        marker={
            "size": size,
            "color": [log_level(point.noise_level) for point in points],
            "cmin": low,
            "cmax": high if high > low else low + 1,
            "colorscale": "Viridis",
            "showscale": bool(points),
            "colorbar": {
                "title": {"text": "noise level ℓ", "side": "right"},
                "tickvals": [math.log10(tick) for tick in ticks],
                "ticktext": [f"{tick:g}" for tick in ticks],
            },
            "line": {"width": 2, "color": edge},
        },
    )


def _axis(objective: Objective, values: Sequence[float]) -> dict[str, object]:
    """Logarithmic for counts and seconds, which span decades; fractions stay linear."""
    if objective.name in ("val_accuracy", "val_loss", "train_loss") or min(values, default=0) <= 0:
        return {}
    return {"type": "log", "dtick": "D2", "exponentformat": "SI"}
