"""The cost: accuracy against what a count of parameters hides."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import moocore
import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from dashboards.elements import theme
from dashboards.elements.colour import round_ticks, tick_text
from dashboards.elements.complete_trials import CompleteTrials, complete_trials
from dashboards.elements.picture import Cell, Columns, PictureInfo
from dashboards.elements.quantity import INFERENCE, Quantity, find_quantity
from dashboards.elements.selection import FADED, selected_places
from dashboards.elements.trial_words import (
    describe_complete,
    describe_selection,
    describe_undrawn,
    tell_why_empty,
)
from dashboards.picture_entry import PictureEntry
from pnn_core.parts import palette
from study.results.mlflow.loaded_study import LoadedStudy
from study.results.plural import counted

_LABELS = {
    "mask_values": "mask values",
    "macs": "MACs per image",
    INFERENCE: "inference (ms an image)",
    "epoch_val_seconds": "inference (s a pass)",
    "train_seconds": "training (s)",
}
"""Short ones: a panel is 150 pixels wide on a phone."""

_HEIGHT = 760  # pixels, for two rows
_MOST_TICKS = 4
_MOST_DEVICES = 2


class CostPanel(NamedTuple):
    """One cost.

    Attributes:
        cost: Horizontal quantity.
        label: Short label of its axis.
        values: One for each trial drawn.
        front: Places of the trials that no other beats on accuracy and this cost, the cheapest
            first.
        hidden: Places of the trials on the front by learnable parameters that are not on this one.
    """

    cost: Quantity
    label: str
    values: tuple[float, ...]
    front: tuple[int, ...]
    hidden: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class CostInfo(PictureInfo):
    """Words and data of the picture.

    Attributes:
        y: Vertical quantity of all panels.
        numbers: Complete trials with a finite value of everything, the same in all panels.
        values: Values of the vertical quantity, one for each trial.
        parameter_front: Places of the trials on the front by learnable parameters.
        panels: One for each cost.
        selected: Trials that are not faded; None for all.
    """

    y: Quantity
    numbers: tuple[int, ...]
    values: tuple[float, ...]
    parameter_front: tuple[int, ...]
    panels: tuple[CostPanel, ...]
    selected: frozenset[int] | None


def get_cost_info(
    study: LoadedStudy, *, y: Quantity | None = None, selected: frozenset[int] | None = None
) -> CostInfo:
    """Collect what the picture shows.

    Args:
        study: Study as read from the tracker.
        y: A metric; None for validation accuracy.
        selected: Numbers of the trials to show in full, the others faded; None for all.

    Raises:
        ValueError: `y` is neither to be made large nor small.
    """
    y = y or find_quantity(study.info.task.validated, ())
    if y.direction is None:
        raise ValueError(f"y (={y.name}) must be a metric that is better large or small")
    trials = complete_trials(study)
    unknown = "epoch_val_seconds" if trials.knows_inference else INFERENCE
    shown = [name for name in _LABELS if name != unknown]
    costs = [find_quantity(name, ()) for name in ("learnable_params", *shown)]
    places, (values, params, *rest) = _finite(trials, (y, *costs))
    within = [trials.within_limits[place] for place in places]
    parameter_front = _front(params, values, y, within)
    panels = []
    for cost, cost_values in zip(costs[1:], rest, strict=True):
        front = _front(cost_values, values, y, within)
        hidden = tuple(i for i in parameter_front if i not in set(front))
        panels.append(CostPanel(cost, _LABELS[cost.name], cost_values, front, hidden))
    numbers = tuple(trials.numbers[i] for i in places)
    sentences = [
        *_hidden_sentences(y, parameter_front, panels),
        *_time_sentences(trials),
        *describe_selection(numbers, selected),
        *describe_undrawn(study, len(numbers)),
    ]
    return CostInfo(
        title=f"{theme.capitalised(y.short)} against what parameters hide: {study.info.name}",
        common=tuple(describe_complete(study, len(numbers), (y,))),
        sentences=tuple(sentences),
        description=_description(y, numbers, panels),
        instead=tell_why_empty(study, len(numbers)),
        y=y,
        numbers=numbers,
        values=values,
        parameter_front=parameter_front,
        panels=tuple(panels),
        selected=selected,
    )


def get_cost_figure(info: CostInfo) -> go.Figure:
    """Draw it."""
    figure = make_subplots(
        rows=2, cols=2, shared_yaxes="all", horizontal_spacing=0.05, vertical_spacing=0.17
    )
    figure.update_layout(template=theme.template(theme.Theme.LIGHT), height=_HEIGHT)
    named: set[str] = set()
    for i, panel in enumerate(info.panels):
        cell = {"row": i // 2 + 1, "col": i % 2 + 1}
        for trace in _panel_traces(info, panel):
            trace.update(legendgroup=trace.name, showlegend=trace.name not in named)
            named.add(trace.name)
            numbers, trace.customdata = trace.customdata, None
            figure.add_trace(trace, **cell)
            # Set only now: adding copies every single number.
            figure.data[-1].customdata = numbers
        figure.update_xaxes(_axis(panel), **cell)
    figure.update_yaxes(theme.axis(info.y.label, info.values, log=info.y.spans_decades))
    return figure.update_yaxes(title_text="", col=2)


def _columns(info: CostInfo) -> Columns:
    columns: dict[str, Sequence[Cell]] = {"trial": info.numbers, info.y.name: info.values}
    parameter_front = set(info.parameter_front)
    places = range(len(info.numbers))
    for panel in info.panels:
        columns[panel.cost.name] = panel.values
    columns["on_front_by_learnable_params"] = [i in parameter_front for i in places]
    for panel in info.panels:
        front = set(panel.front)
        columns[f"on_front_by_{panel.cost.name}"] = [i in front for i in places]
    return columns


def _finite(
    trials: CompleteTrials, quantities: Sequence[Quantity]
) -> tuple[list[int], list[tuple[float, ...]]]:
    """Places of the trials with a finite value of all, and those values of each quantity."""
    columns = [trials.axis(quantity) for quantity in quantities]
    places = [i for i, row in enumerate(zip(*columns, strict=True)) if None not in row]
    kept = np.array([[column[i] for i in places] for column in columns], dtype=float)
    return places, [tuple(column) for column in kept.tolist()]


def _front(
    costs: Sequence[float], values: Sequence[float], y: Quantity, within: Sequence[bool]
) -> tuple[int, ...]:
    """Places of what no other beats within the study's limits, the cheapest first."""
    places = np.flatnonzero(within)
    if not len(places):
        return ()
    kept = moocore.is_nondominated(
        np.column_stack([costs, values])[places],
        maximise=[False, y.direction == "maximize"],
        keep_weakly=True,  # identical points: neither beats the other
    )
    return tuple(sorted(places[kept].tolist(), key=lambda i: costs[i]))


def _hidden_sentences(
    y: Quantity, parameter_front: Sequence[int], panels: Sequence[CostPanel]
) -> list[str]:
    if not parameter_front:
        return []
    hidden = ", ".join(f"{len(panel.hidden)} for {_short(panel)}" for panel in panels)
    return [
        f"Of the {counted(len(parameter_front), 'trial')} on the front of {y.short} against "
        f"learnable parameters, so many are not on the front here: {hidden}."
    ]


def _time_sentences(trials: CompleteTrials) -> list[str]:
    devices = sorted({record.device for record in trials.records if record.device})
    if not trials.records:
        return []
    where = f" ({', '.join(devices)})" if 0 < len(devices) <= _MOST_DEVICES else ""
    kinds = f"{len(devices)} kinds of machine" if len(devices) > 1 else "a machine"
    return [
        f"{_inference_sentence(trials)} Times are of "
        f"{kinds}{where} that may have been busy with other trials: small differences mean nothing."
    ]


def _inference_sentence(trials: CompleteTrials) -> str:
    """Say what the time of inference is of; earlier studies do not tell how many images it took."""
    if trials.knows_inference:
        return "Inference is the time per image of a pass over the validation images, the median."
    return (
        "Inference is the median time of a pass over the validation images, whose number this "
        "study did not record."
    )


def _short(panel: CostPanel) -> str:
    return panel.label.split(" (")[0]


def _description(y: Quantity, numbers: Sequence[int], panels: Sequence[CostPanel]) -> str:
    if not numbers:
        return "Four scatter plots without a trial."
    fronts = ", ".join(f"{len(panel.front)} by {_short(panel)}" for panel in panels)
    return (
        f"Four scatter plots of {counted(len(numbers), 'complete trial')}: {y.short} against mask "
        f"values, multiply-accumulates, inference time and training time. On the fronts: {fronts}."
    )


def _axis(panel: CostPanel) -> dict[str, object]:
    """A logarithmic axis with a few whole labels: Plotly writes 2 and 5 for 0.02 and 0.05."""
    axis = theme.axis(panel.label, panel.values, log=True, counts=panel.cost.counts)
    if axis.get("type") == "log":
        ends = [min(panel.values), max(panel.values)]
        choices = (ticks for ticks in round_ticks(*ends) if len(ticks) <= _MOST_TICKS)
        ticks = next(choices, [*dict.fromkeys(ends)])
        axis |= {"tickvals": ticks, "ticktext": [tick_text(tick) for tick in ticks]}
    return axis


def _panel_traces(info: CostInfo, panel: CostPanel) -> list[go.Scatter | go.Scattergl]:
    is_many = len(info.numbers) * len(info.panels) > theme.MANY_POINTS
    trials: dict[str, object] = {"size": 4 if is_many else 7, "color": palette.GREY, "opacity": 0.6}
    front = {"size": 11, "symbol": "diamond-open", "color": palette.VERMILION, "line_width": 2}
    hidden = {"size": 10, "symbol": "square-open", "color": palette.GREEN, "line_width": 2}
    found = [
        _markers(info, panel, range(len(info.numbers)), name="trials", marker=trials),
        _markers(info, panel, panel.front, name="front", marker=front),
    ]
    found[1].update(
        mode="lines+markers", line={"shape": "hv", "color": palette.VERMILION, "width": 2}
    )
    if panel.hidden:
        name = "front by parameters only"
        found.append(_markers(info, panel, panel.hidden, name=name, marker=hidden))
    return found


def _hover_line(quantity: Quantity, axis: str) -> str:
    """A line that Plotly fills in: 40,000 texts would take a second to make and send."""
    digits = ".4f"
    if quantity.counts:
        digits = ",.0f"
    elif quantity.name.endswith(("_seconds", "_ms")):
        digits = ".3~g"
    return f"{quantity.name}: %{{{axis}:{digits}}}"


def _markers(
    info: CostInfo,
    panel: CostPanel,
    places: Sequence[int],
    *,
    name: str,
    marker: Mapping[str, object],
) -> go.Scatter | go.Scattergl:
    numbers = [info.numbers[i] for i in places]
    return theme.scatter(
        len(places) * len(info.panels),
        x=np.array([panel.values[i] for i in places], dtype=float),
        y=np.array([info.values[i] for i in places], dtype=float),
        customdata=np.array([[number] for number in numbers], dtype=object),
        hovertemplate="<b>trial %{customdata[0]}</b><br>"
        f"{_hover_line(info.y, 'y')}<br>{_hover_line(panel.cost, 'x')}<extra></extra>",
        selectedpoints=selected_places(numbers, info.selected),
        mode="markers",
        name=name,
        marker=marker,
        unselected_marker_opacity=FADED,
    )


COST = PictureEntry(
    name="cost",
    views=("cost",),
    info=lambda scene: get_cost_info(scene.study, selected=scene.selected),
    figure=get_cost_figure,
    columns=_columns,
)
