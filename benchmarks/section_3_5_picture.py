"""Picture of what `section_3_5.py` measures: a panel for each claim, the answer in its title."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import plotly.graph_objects as go
from plotly.subplots import make_subplots

BLUE, VERMILION, GREEN, PURPLE = "#0072b2", "#d55e00", "#009e73", "#aa4499"
COLOURS = (BLUE, VERMILION, GREEN, PURPLE)
SYMBOLS = ("circle", "diamond", "square", "triangle-up")
DASHES = ("solid", "dash", "dot", "dashdot")
DRAWN_LEVELS = (0.0, 2.0, 5.0)
DRAWN_MAPS = ("random projection", "1×1", "128 masks", "8 masks")

TITLES = (
    "Larger noise, larger filter? <b>No: 1×1 fits best</b>",
    "Distances kept? <b>Nearly, and less with noise</b>",
    "Sparse? <b>Yes.</b> Whole image? <b>With 5 pools</b>",
    "Pixels shuffled in cells: <b>every network loses</b>",
)


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Numbers of the picture.

    Attributes:
        sizes: k of each filter.
        size_errors: Relative error of the layer nearest to each k×k filter, by level.
        levels: Noise levels, ascending.
        distances: Rank correlation of distances at each level, by map.
        shares: Share of the image that an output sees with perturbation layers and with 3×3
            convolutions, in [0, 1], by network.
        accuracies: Accuracy on images as they are and shuffled within 2×2 cells, in [0, 1], by
            network.
    """

    sizes: Sequence[int]
    size_errors: Mapping[float, Sequence[float]]
    levels: Sequence[float]
    distances: Mapping[str, Sequence[float]]
    shares: Mapping[str, tuple[float, float]]
    accuracies: Mapping[str, tuple[float, float]]


def draw(figures: Figures, path: Path) -> None:
    """Draw the four panels.

    Args:
        figures: Numbers to draw.
        path: File to write, .svg or .png.
    """
    figure = make_subplots(
        rows=2, cols=2, horizontal_spacing=0.25, vertical_spacing=0.17, subplot_titles=TITLES
    )
    errors = {f"level {level:g}": figures.size_errors[level] for level in DRAWN_LEVELS}
    add_lines(figure, [f"{k}×{k}" for k in figures.sizes], errors, column=1)
    distances = {name: figures.distances[name] for name in DRAWN_MAPS}
    add_lines(figure, [f"{level:g}" for level in figures.levels], distances, column=2)
    add_bars(figure, figures.shares, ("perturbation", "3×3"), column=1)
    add_bars(figure, figures.accuracies, ("as it is", "shuffled in 2×2"), column=2)
    figure.update_xaxes(type="category", row=1)
    figure.update_xaxes(title="filter that the layer is fitted to", row=1, col=1)
    figure.update_xaxes(title="noise level", row=1, col=2)
    figure.update_yaxes(title="relative error", rangemode="tozero", row=1, col=1)
    figure.update_yaxes(title="rank correlation", range=[0.9, 0.998], row=1, col=2)
    figure.update_xaxes(title="share of the image that an output sees, %", row=2, col=1)
    figure.update_xaxes(title="accuracy on digits, %", row=2, col=2)
    figure.update_layout(
        template="plotly_white",
        width=1080,
        height=800,
        font={"size": 13, "color": "#222222"},
        margin={"t": 40, "l": 20, "r": 130, "b": 20},
        bargap=0.25,
    )
    figure.write_image(path)


def add_lines(
    figure: go.Figure, x: Sequence[str], lines: Mapping[str, Sequence[float]], *, column: int
) -> None:
    """Draw a line for each name in the upper row, with the name at its end."""
    for index, (name, values) in enumerate(lines.items()):
        colour = COLOURS[index]
        figure.add_scatter(
            x=x,
            y=values,
            mode="lines+markers+text",
            text=[""] * (len(x) - 1) + [f" {name}"],
            textposition="middle right",
            textfont_color=colour,
            cliponaxis=False,
            line={"color": colour, "dash": DASHES[index], "width": 2},
            marker={"symbol": SYMBOLS[index], "size": 8},
            showlegend=False,
            row=1,
            col=column,
        )


def add_bars(
    figure: go.Figure,
    pairs: Mapping[str, tuple[float, float]],
    names: tuple[str, str],
    *,
    column: int,
) -> None:
    """Draw two bars for each pair of shares in the lower row, named in words beside them."""
    rows = list(pairs)[::-1]
    for index in (1, 0):  # the first of a pair stands above the second
        percent = [100 * pairs[row][index] for row in rows]
        figure.add_bar(
            x=percent,
            y=rows,
            orientation="h",
            text=[f"{names[index]}: {value:.0f}" for value in percent],
            textposition="auto",
            cliponaxis=False,
            marker={"color": (VERMILION, BLUE)[index]},
            showlegend=False,
            row=2,
            col=column,
        )
