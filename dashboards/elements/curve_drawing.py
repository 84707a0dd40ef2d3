"""Drawing of trials' curves, told apart by colour, by dash and by the number at their end."""

import math
from collections.abc import Sequence

import plotly.graph_objects as go
from plotly.colors import sample_colorscale

from dashboards.elements import theme
from dashboards.elements.trial_curves import TrialCurve
from pnn_core.parts import palette
from study.results.run_record import RunState

HOW_TO_READ = (
    "The lighter a curve, the better its trial was last on validation images; the number at its "
    "end is the trial's."
)

_DARKEST, _LIGHTEST = 0.28, 0.84  # of the scale: beyond them it is faint on dark or on white paper
_BAND_OPACITY = 0.16
_SINGLE_BAND = 10  # pixels
_LEAST_DECADES = 2.0  # of a logarithmic axis
_LABEL_HEIGHT, _LABEL_WIDTH = 0.05, 0.08  # of the plot
_ROOM = 0.06  # of the plot, right of the last epoch, for labels

_END_SYMBOLS = {
    RunState.COMPLETE: "circle",
    RunState.RUNNING: "circle-open",
    RunState.PAUSED: "square-open",
    RunState.PRUNED: "diamond",
    RunState.FAILED: "x",
}


def draw_curves(
    figure: go.Figure,
    curves: Sequence[TrialCurve],
    *,
    label: str,
    epochs: int,
    may_be_log: bool,
    behind: Sequence[TrialCurve] = (),
) -> go.Figure:
    """Add curves, their bands and their ends to a figure, and label its axes.

    Args:
        figure: Figure from `theme.new_figure`.
        curves: Ranked; at least one.
        label: Label of the values, with their unit.
        epochs: Full budget of a trial.
        may_be_log: True for a logarithmic vertical axis where values span decades.
        behind: Trials that were stopped early, in grey and without their bands.
    """
    values = [value for curve in curves for value in (*curve.mean, *curve.low, *curve.high)]
    values += [value for curve in behind for value in curve.mean]
    log = may_be_log and theme.is_log_possible(values) and _decades(values) >= _LEAST_DECADES
    colours = _colours(len(curves))
    # The best ones last, over the others.
    pairs = sorted(zip(curves, colours, strict=True), key=lambda pair: -pair[0].rank)
    if behind:
        figure.add_traces(_grey(behind, label))
    figure.add_traces([_band(curve, colour) for curve, colour in pairs if curve.low])
    figure.add_traces([_line(curve, colour, label) for curve, colour in pairs])
    labelled = _labelled(curves, log=log)
    for state in RunState:
        ended = [pair for pair in pairs if pair[0].state is state and pair[0].epochs]
        if ended:
            figure.add_trace(_ends(state, ended, labelled))
    shown = {curve.state for curve in curves}
    figure.update_layout(
        showlegend=len(shown) > 1 or bool(behind),
        xaxis=_epoch_axis((*curves, *behind), epochs),
        yaxis=theme.axis(label, values, log=log),
    )
    return figure


def _colours(count: int) -> list[str]:
    """By rank, the lightest first."""
    step = (_LIGHTEST - _DARKEST) / max(count - 1, 1)
    places = [_LIGHTEST - i * step for i in range(count)] if count > 1 else [0.4]
    return list(sample_colorscale(theme.SCALE, places))


def _decades(values: Sequence[float]) -> float:
    return math.log10(max(values) / min(values))


def _band(curve: TrialCurve, colour: str) -> go.Scatter:
    faint = colour.replace("rgb", "rgba").replace(")", f", {_BAND_OPACITY})")
    return go.Scatter(
        x=[*curve.epochs, *reversed(curve.epochs)],
        y=[*curve.high, *reversed(curve.low)],
        mode="lines",
        # A single epoch gives it no width of its own.
        line={"width": 0 if len(curve.epochs) > 1 else _SINGLE_BAND, "color": faint},
        fill="toself",
        fillcolor=faint,
        name=f"band of trial {curve.number}",
        hoverinfo="skip",
        showlegend=False,
    )


def _grey(curves: Sequence[TrialCurve], label: str) -> list[go.Scatter]:
    """All curves as one line with gaps, and the end of each."""
    lines = go.Scatter(
        x=[epoch for curve in curves for epoch in (*curve.epochs, None)],
        y=[value for curve in curves for value in (*curve.mean, None)],
        mode="lines",
        line={"color": palette.GREY, "width": 1},
        opacity=0.5,
        hoverinfo="skip",
        showlegend=False,
    )
    name = theme.escape(label.split(" (")[0])
    ends = go.Scatter(
        x=[curve.epochs[-1] for curve in curves],
        y=[curve.mean[-1] for curve in curves],
        mode="markers",
        marker={"symbol": _END_SYMBOLS[RunState.PRUNED], "size": 7, "color": palette.GREY},
        name=RunState.PRUNED.words,
        customdata=[[curve.hover] for curve in curves],
        hovertemplate=f"%{{customdata[0]}}<br>epoch %{{x}}: {name} %{{y:.4f}}<extra></extra>",
    )
    return [lines, ends]


def _line(curve: TrialCurve, colour: str, label: str) -> go.Scatter:
    name = theme.escape(label.split(" (")[0])
    lines = ["%{meta[0]}", f"epoch %{{x}}: {name} %{{y:.4f}}"]
    bounds = None
    if curve.low:
        lines.append(f"{curve.seeds} seeds: %{{customdata[0]:.4f}} to %{{customdata[1]:.4f}}")
        bounds = list(zip(curve.low, curve.high, strict=True))
    return go.Scatter(
        x=curve.epochs,
        y=curve.mean,
        mode="lines",
        line={"color": colour, "width": 2, "dash": theme.DASHES[curve.rank % len(theme.DASHES)]},
        name=f"trial {curve.number}",
        meta=[curve.hover],
        customdata=bounds,
        hovertemplate="<br>".join(lines) + "<extra></extra>",
        showlegend=False,
    )


def _ends(
    state: RunState, ended: Sequence[tuple[TrialCurve, str]], labelled: frozenset[int]
) -> go.Scatter:
    numbers = [curve.number for curve, _ in ended]
    return go.Scatter(
        x=[curve.epochs[-1] for curve, _ in ended],
        y=[curve.mean[-1] for curve, _ in ended],
        mode="markers+text",
        marker={
            "symbol": _END_SYMBOLS[state],
            "size": 8,
            "color": [colour for _, colour in ended],
            "line": {"width": 2} if _END_SYMBOLS[state].endswith("-open") else {},
        },
        # The space keeps it clear of the symbol.
        text=[f"\u2002{number}" if number in labelled else "" for number in numbers],
        textposition="middle right",
        textfont={"size": 11},
        cliponaxis=False,
        name=state.words,
        hoverinfo="skip",
    )


def _labelled(curves: Sequence[TrialCurve], *, log: bool) -> frozenset[int]:
    """Trials whose number fits beside their end, the best ones first."""
    scale = math.log10 if log else float
    heights = [scale(value) for curve in curves for value in curve.mean]
    height = (max(heights, default=0.0) - min(heights, default=0.0)) or 1.0
    width = max((curve.epochs[-1] for curve in curves if curve.epochs), default=1)
    taken: dict[int, tuple[float, float]] = {}
    for curve in curves:
        if curve.epochs:
            x, y = curve.epochs[-1] / width, scale(curve.mean[-1]) / height
            if all(
                abs(x - other_x) > _LABEL_WIDTH or abs(y - other_y) > _LABEL_HEIGHT
                for other_x, other_y in taken.values()
            ):
                taken[curve.number] = (x, y)
    return frozenset(taken)


def _epoch_axis(curves: Sequence[TrialCurve], epochs: int) -> dict[str, object]:
    last = max([epochs, *(epoch for curve in curves for epoch in curve.epochs[-1:])])
    room = max(last - 1, 1) * _ROOM
    axis = theme.axis("epoch (passes over the training images)", [], log=False)
    axis["range"] = [1 - room / 3, last + room]
    if last <= 10:
        axis["dtick"] = 1  # there is no half an epoch
    return axis
