"""Axes and frames that all pictures of the report share."""

import math
from collections.abc import Sequence

from dashboards.elements.side_steps import padded_decades

INK = "#222"

_SMALLEST_GAP = 0.11  # of the axis: what a tick's label needs on a phone


def frame() -> dict[str, object]:
    """Font, colours and the legend's place, in Plotly's words."""
    return {
        "template": "plotly_white",
        "font": {"family": "system-ui, sans-serif", "size": 12, "color": INK},
        "hovermode": "closest",
        "hoverlabel": {"align": "left", "bgcolor": "white", "font": {"size": 12, "color": INK}},
        # Above the plot, so that it covers no point.
        "legend": {"orientation": "h", "yanchor": "bottom", "y": 1.01, "xanchor": "left", "x": 0},
        "margin": {"l": 65, "r": 20, "t": 104, "b": 60},
    }


def axis(title: str) -> dict[str, object]:
    """A linear axis."""
    return {
        "title": {"text": title},
        "showline": True,
        "linecolor": INK,
        "ticks": "outside",
        "zeroline": False,
    }


def size_axis(title: str, values: Sequence[float]) -> dict[str, object]:
    """A logarithmic axis of counts, with as many ticks as fit a phone."""
    decades = math.log10(max(values) / min(values)) if values else 0.0
    return axis(title) | {
        "type": "log",
        "nticks": 3 if decades < 1.4 else 4,
        "tickformat": "~s",
        "range": padded_decades(values),
    }


def batch_size_axis(title: str, values: Sequence[int]) -> dict[str, object]:
    """A logarithmic axis whose ticks are batch sizes that were run."""
    low, high = padded_decades(values) or (0.0, 1.0)
    ticks: list[int] = []
    for value in sorted(set(values)):
        if not ticks or math.log10(value / ticks[-1]) > _SMALLEST_GAP * (high - low):
            ticks.append(value)
    return axis(title) | {
        "type": "log",
        "tickvals": ticks,
        "ticktext": [str(tick) for tick in ticks],
        "range": [low, high],
    }
