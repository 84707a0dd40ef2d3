"""Theme of all pictures: colours, axes, and a template for light and for dark pages.

Nothing drawn names the colour of ink or paper: both come from the template, so that a page can
change from light to dark without being drawn anew.
"""

import html
import math
import textwrap
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.colors import sample_colorscale

from pnn_core.parts import palette

SYMBOLS = ("circle", "diamond", "square", "triangle-up", "cross", "star", "x")
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")

_SEEN_ON_BOTH_PAPERS = (0.3, 0.95)
"""Part of Viridis whose ends neither black nor white paper swallows."""

SCALE = [
    [place, colour]
    for place, colour in zip(
        np.linspace(0, 1, 9).tolist(),
        sample_colorscale("Viridis", np.linspace(*_SEEN_ON_BOTH_PAPERS, 9).tolist()),
        strict=True,
    )
]
"""Colour scale of everything that has a size."""

MANY_POINTS = 2000
"""Above so many, points are drawn by the graphics card (Plotly's `scattergl`)."""

_LETTERS_ON_A_PHONE = 40

ON_PAPER = "on-paper"
"""Name of the template's annotation that hides what lies below it: no line crosses its text."""


class Theme(StrEnum):
    """The paper that a picture lies on."""

    LIGHT = "light"
    DARK = "dark"


_INK = {Theme.LIGHT: "#222222", Theme.DARK: "#e8e8e8"}
_PAPER = {Theme.LIGHT: "#ffffff", Theme.DARK: "#161a1f"}
_GRID = {Theme.LIGHT: "#e3e3e3", Theme.DARK: "#343a42"}


def template(theme: Theme) -> go.layout.Template:
    """Plotly's defaults for a theme: fonts, ink, paper, grid, legend and margins."""
    ink, paper, grid = _INK[theme], _PAPER[theme], _GRID[theme]
    axis = {
        "showline": True,
        "linecolor": ink,
        "gridcolor": grid,
        "ticks": "outside",
        "tickcolor": ink,
        "zeroline": False,
        "automargin": True,
    }
    space = {"backgroundcolor": paper, "gridcolor": grid, "linecolor": ink, "zerolinecolor": grid}
    return go.layout.Template(
        layout={
            "font": {"family": "system-ui, sans-serif", "size": 12, "color": ink},
            "paper_bgcolor": paper,
            "plot_bgcolor": paper,
            "colorway": palette.SERIES_COLOURS,
            "xaxis": axis,
            "yaxis": axis,
            "scene": {"xaxis": space, "yaxis": space, "zaxis": space},
            "hovermode": "closest",
            "hoverlabel": {
                "align": "left",
                "bgcolor": paper,
                "bordercolor": ink,
                "font": {"size": 12, "color": ink},
            },
            # Above the plot, so that it covers no point.
            "legend": {
                "orientation": "h",
                "yanchor": "bottom",
                "y": 1.01,
                "xanchor": "left",
                "x": 0,
            },
            "margin": {"l": 65, "r": 20, "t": 64, "b": 60},
            # Unseen by itself; an annotation that names it takes the paper from it.
            "annotations": [{"name": ON_PAPER, "visible": False, "bgcolor": paper, "borderpad": 1}],
        }
    )


def new_figure() -> go.Figure:
    """An empty figure on light paper."""
    return go.Figure(layout={"template": template(Theme.LIGHT)})


def say_instead(figure: go.Figure, text: str) -> go.Figure:
    """Put a sentence in the middle of a figure that has nothing to draw.

    Args:
        figure: Without traces.
        text: Plain; what is missing, and what to do about it.
    """
    lines = textwrap.wrap(text, _LETTERS_ON_A_PHONE)
    figure.add_annotation(
        text="<br>".join(map(escape, lines)),
        xref="paper",
        yref="paper",
        x=0.5,
        y=0.5,
        showarrow=False,
        font_size=15,
    )
    bare = {"showticklabels": False, "showgrid": False, "ticks": ""}
    return figure.update_xaxes(**bare).update_yaxes(**bare)


def escape(text: str) -> str:
    """Text for Plotly, which reads a few tags and entities; quotes are not among them."""
    return html.escape(text, quote=False)


def capitalised(text: str) -> str:
    """A text with a large first letter, and the rest as it is; so is a word such as mAP."""
    return text if text[1:2].isupper() else text[:1].upper() + text[1:]


def scatter(points: int, **arguments: Any) -> go.Scatter | go.Scattergl:  # noqa: ANN401 - Plotly's
    """A scatter trace, drawn by the graphics card where a picture holds many points.

    Args:
        points: Number of points in the whole picture.
        arguments: Arguments of `plotly.graph_objects.Scatter`.
    """
    return go.Scattergl(**arguments) if points > MANY_POINTS else go.Scatter(**arguments)


def axis(
    label: str, values: Sequence[float], *, log: bool, counts: bool = False
) -> dict[str, object]:
    """An axis, in Plotly's words.

    Args:
        label: With its unit, as plain text.
        values: All that are drawn; those that are not finite count nothing.
        log: True to take logarithms. Nothing at or below 0 has one: then it stays linear.
        counts: True if the values are whole numbers that reach into thousands.
    """
    found: dict[str, object] = {"title": {"text": escape(capitalised(label))}}
    finite = [value for value in values if math.isfinite(value)]
    if log and is_log_possible(finite):
        # Ticks that fit a phone: 1, 2, 5 of each decade up to 1.4 decades, then fewer.
        decades = math.log10(max(finite) / min(finite))
        found |= {"type": "log", "nticks": 3 if decades < 1.4 else 4}
    if counts:
        found["tickformat"] = "~s"
    return found


def is_log_possible(values: Sequence[float]) -> bool:
    """Return True if all values, at least one, are above 0."""
    return min((value for value in values if math.isfinite(value)), default=0.0) > 0
