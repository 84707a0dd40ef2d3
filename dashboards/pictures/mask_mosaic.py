"""Mosaic of masks: small grey images side by side, as one heat map."""

import math

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from pnn_core.parts import palette

_GREYS = ((0.0, "#000000"), (1.0, "#ffffff"))
_GAP_SHARE = 8  # of a mask's side
_HOVER = (
    "mask %{customdata[0]}<br>row %{customdata[1]}, column %{customdata[2]}"
    "<br>%{z:.4f}<extra></extra>"
)


def draw_mosaic(figure: go.Figure, masks: NDArray[np.float32], *, bound: float) -> go.Figure:
    """Add masks to a figure, in rows from the upper left.

    Args:
        figure: Figure from `theme.new_figure`.
        masks: `[count, height, width]`, at least one.
        bound: Above 0; values from minus to plus this go from black to white.
    """
    values, places = _mosaic(masks)
    figure.add_trace(
        go.Heatmap(
            z=values,
            customdata=places,
            hovertemplate=_HOVER,
            hoverongaps=False,
            colorscale=_GREYS,
            zmin=-bound,
            zmax=bound,
            colorbar=_bar(bound),
        )
    )
    figure.update_xaxes(visible=False, constrain="domain")
    # The first row on top, and pixels as high as wide.
    figure.update_yaxes(visible=False, autorange="reversed", scaleanchor="x", constrain="domain")
    count, height, width = masks.shape
    corners = _corners(count, height, width)
    return figure.update_layout(
        # Black and white pixels at the edge of a mask are hard to tell from the paper.
        shapes=[_frame(top, left, height, width) for top, left in corners],
        margin={"l": 10, "r": 10, "t": 10, "b": 55},
    )


def _mosaic(masks: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.int16]]:
    """Masks side by side, with gaps.

    Returns:
        Values `[height, width]`, NaN in the gaps; and for each the mask, its row and its column,
        `[height, width, 3]`.
    """
    count, height, width = masks.shape
    corners = _corners(count, height, width)
    size = max(top for top, _ in corners) + height, max(left for _, left in corners) + width
    values = np.full(size, np.nan, dtype=np.float32)
    places = np.zeros((*size, 3), dtype=np.int16)
    for number, (mask, (top, left)) in enumerate(zip(masks, corners, strict=True)):
        tile = slice(top, top + height), slice(left, left + width)
        values[tile] = mask
        places[tile] = np.stack([np.full(mask.shape, number), *np.indices(mask.shape)], axis=-1)
    return values, places


def _corners(count: int, height: int, width: int) -> list[tuple[int, int]]:
    """Corners of masks, as rows and columns of pixels: nearly as many beside as below others."""
    gap = math.ceil(max(height, width) / _GAP_SHARE)
    columns = math.ceil(math.sqrt(count))
    return [
        ((number // columns) * (height + gap), (number % columns) * (width + gap))
        for number in range(count)
    ]


def _frame(top: int, left: int, height: int, width: int) -> dict[str, object]:
    """A line around a mask: pixels reach half a pixel beyond their places."""
    return {
        "type": "rect",
        "x0": left - 0.5,
        "x1": left + width - 0.5,
        "y0": top - 0.5,
        "y1": top + height - 0.5,
        "line": {"width": 1, "color": palette.GREY},
    }


def _bar(bound: float) -> dict[str, object]:
    """Below the masks, whose square leaves the sides of a wide page empty."""
    return {
        "title": {"text": "noise", "side": "top"},
        "orientation": "h",
        "thickness": 10,
        "len": 220,
        "lenmode": "pixels",
        "x": 0.5,
        "y": 0,
        "yanchor": "top",
        "ypad": 8,
        "outlinewidth": 1,
        "tickvals": [-bound, 0.0, bound],
        "ticktext": [f"−{bound:.3g}", "0", f"{bound:.3g}"],
    }
