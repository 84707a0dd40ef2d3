"""The front: what accuracy a number of parameters buys."""

import html
import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import plotly.graph_objects as go

from dashboards.noise_colours import NoiseColours
from study.results.counted import counted
from study.results.front_table import COUNTS, format_metric, format_parameter
from study.results.objective import OBJECTIVES, Objective
from study.results.pareto import front
from study.results.record import TrialRecord, TrialState

COLOUR_PARAMETER = "noise_level"
FRONT_COLOUR = "#d55e00"
"""Vermilion of the Okabe-Ito palette, told apart from every colour of the Viridis scale."""
OTHER_COLOUR = "#666666"
"""Thin outline of the other trials: the scale's yellow alone is faint on white."""


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
    points = _points(complete, x, y)
    return FrontInfo(
        title=f"{_capitalised(_short(y))} against {_short(x)}: {name}",
        caption=_caption(records, points, objectives, dataset=dataset, epochs=epochs),
        x=x,
        y=y,
        points=tuple(point for point in points if point.number not in on_front),
        front=tuple(
            sorted(
                (point for point in points if point.number in on_front),
                key=lambda point: -point.x if x.maximised else point.x,
            )
        ),
        has_line=len(objectives) == 2,
    )


def get_front_figure(info: FrontInfo) -> go.Figure:
    """Draw it."""
    everything = (*info.points, *info.front)
    colours = NoiseColours([point.noise_level for point in everything])
    figure = go.Figure()
    if info.has_line:
        figure.add_trace(_step_line(info.front))
    others = _markers(info.points, colours, name="other trials")
    others.marker.update(size=8, line={"width": 1, "color": OTHER_COLOUR})
    on_front = _markers(info.front, colours, name="front")
    # A shape of its own: no reader needs the colour to tell the front.
    on_front.marker.update(size=14, symbol="diamond", line={"width": 2.5, "color": FRONT_COLOUR})
    # One scale for both, so one bar: two would be drawn over each other.
    (on_front if info.front else others).marker.update(
        showscale=bool(everything), colorbar=colours.bar()
    )
    figure.add_traces([others, on_front])
    figure.update_layout(
        title={"text": _escape(info.title), "subtitle": {"text": _escape(info.caption)}},
        template="plotly_white",
        font={"family": "system-ui, sans-serif", "size": 12, "color": "#222"},
        xaxis=_axis(info.x, [point.x for point in everything]),
        yaxis=_axis(info.y, [point.y for point in everything]),
        hovermode="closest",
        # White: text on the scale's own colours is hard to read.
        hoverlabel={"align": "left", "bgcolor": "white", "font": {"size": 12, "color": "#222"}},
        # Above the plot, so that it covers no point.
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.01, "xanchor": "left", "x": 0},
        margin={"l": 65, "r": 20, "t": 110, "b": 70},
    )
    if not everything:
        figure.add_annotation(
            text="No trial has completed its full budget.",
            xref="paper",
            yref="paper",
            x=0.5,
            y=0.5,
            showarrow=False,
            font={"size": 15},
        )
    return figure


def _other(objective: Objective) -> Objective:
    name = "val_accuracy" if objective.name == "learnable_params" else "learnable_params"
    return OBJECTIVES[name]


def _short(objective: Objective) -> str:
    """A label without its unit."""
    return objective.label.split(" (")[0]


def _capitalised(text: str) -> str:
    return text[0].upper() + text[1:]


def _escape(text: str) -> str:
    """Text for Plotly, which reads a few tags and entities; quotes are not among them."""
    return html.escape(text, quote=False)


def _caption(
    records: Sequence[TrialRecord],
    points: Sequence[FrontPoint],
    objectives: Sequence[Objective],
    *,
    dataset: str,
    epochs: int,
) -> str:
    counts = ", ".join(
        f"{sum(record.state is state for record in records)} {state}"
        for state in TrialState
        if any(record.state is state for record in records)
    )
    trials = f"{counted(len(records), 'trial')} ({counts})" if records else "no trials yet"
    sentences = [
        f"{dataset}, {trials}, {counted(epochs, 'epoch')} each, {_seeds(records)} per trial.",
        "Chosen on validation data; the test set was not read.",
    ]
    if len(objectives) != 2:
        names = ", ".join(_short(objective) for objective in objectives)
        sentences.append(f"Objectives: {names}.")
    undrawn = sum(not (math.isfinite(point.x) and math.isfinite(point.y)) for point in points)
    if undrawn:
        sentences.append(f"{counted(undrawn, 'trial')} without finite values not drawn.")
    return " ".join(sentences)


def _seeds(records: Sequence[TrialRecord]) -> str:
    seeds = max((len(record.replicates) for record in records), default=1)
    return f"the mean of {seeds} seeds" if seeds > 1 else "one seed"


def _points(complete: Sequence[TrialRecord], x: Objective, y: Objective) -> list[FrontPoint]:
    """All complete trials; one that hides another names it."""
    places = defaultdict(list)
    for record in complete:
        metrics = record.metrics()
        place = (metrics.get(x.name, math.nan), metrics.get(y.name, math.nan))
        places[place].append(record)
    points = [
        FrontPoint(
            number=record.number,
            x=place[0],
            y=place[1],
            # A layer without masks has no level, and no noise.
            noise_level=float(record.parameters.get(COLOUR_PARAMETER, 0.0)),
            hover=_hover(record, [other.number for other in here if other is not record]),
        )
        for place, here in places.items()
        for record in here
    ]
    return sorted(points, key=lambda point: point.number)


def _hover(record: TrialRecord, same_place: Sequence[int]) -> str:
    lines = [f"<b>trial {record.number}</b>"]
    if same_place:
        lines.append(f"in the same place: trial {', '.join(map(str, same_place))}")
    lines += [f"{name}: {format_metric(name, value)}" for name, value in record.metrics().items()]
    lines.append("")
    lines += [
        f"{_escape(name)}: {_escape(format_parameter(value))}"
        for name, value in record.parameters.items()
    ]
    return "<br>".join(lines)


def _step_line(front: Sequence[FrontPoint]) -> go.Scatter:
    """What is reached within each budget of `x`: the last front trial that fits into it."""
    return go.Scatter(
        x=[point.x for point in front],
        y=[point.y for point in front],
        mode="lines",
        line={"shape": "hv", "color": FRONT_COLOUR, "width": 2.5},
        name="front",
        legendgroup="front",
        hoverinfo="skip",
        showlegend=False,
    )


def _markers(points: Sequence[FrontPoint], colours: NoiseColours, *, name: str) -> go.Scatter:
    return go.Scatter(
        x=[point.x for point in points],
        y=[point.y for point in points],
        mode="markers",
        name=name,
        legendgroup=name,
        showlegend=bool(points),
        hovertext=[point.hover for point in points],
        hoverinfo="text",
        marker={"color": [colours.place(p.noise_level) for p in points], **colours.scale()},
    )


def _axis(objective: Objective, values: Sequence[float]) -> dict[str, object]:
    """Logarithmic for counts and seconds, which span decades; the rest stays linear."""
    axis: dict[str, object] = {
        "title": {"text": _capitalised(objective.label)},
        "showline": True,
        "linecolor": "#222",
        "ticks": "outside",
        "zeroline": False,
        "showticklabels": bool(values),
    }
    finite = [value for value in values if math.isfinite(value)]
    is_count = objective.name in COUNTS
    if (is_count or objective.name.endswith("_seconds")) and min(finite, default=0) > 0:
        # As many ticks as fit a phone: 1, 2, 5 of each decade up to 2.5 decades, then decades.
        decades = math.log10(max(finite) / min(finite))
        axis |= {"type": "log", "nticks": 3 if decades < 1.4 else 4}
    if is_count:
        axis["tickformat"] = "~s"
    if objective.name == "val_accuracy":
        # A single trial would get an axis from 1 below to 1 above it.
        axis["autorangeoptions"] = {"clipmin": -0.02, "clipmax": 1.02}
    return axis
