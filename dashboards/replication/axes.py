"""What the axes and frames of all pictures of the report have in common."""

import html
import math
from collections.abc import Sequence

INK = "#222"

_SMALLEST_GAP = 0.11  # of the axis: what a tick's label needs on a phone
_SIDE_STEP = 0.008  # of the axis: between markers that stand side by side


def escape(text: str) -> str:
    """Text for Plotly, which reads a few tags and entities; quotes are not among them."""
    return html.escape(text, quote=False)


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
        "range": _padded(values),
    }


def batch_size_axis(title: str, values: Sequence[int]) -> dict[str, object]:
    """A logarithmic axis whose ticks are batch sizes that were run."""
    low, high = _padded(values) or (0.0, 1.0)
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


def side_steps(names: Sequence[str], values: Sequence[float]) -> dict[str, float]:
    """Factors that set markers of one place on a logarithmic axis side by side.

    Args:
        names: What stands side by side, from left to right.
        values: All that the axis holds.
    """
    low, high = _padded(values) or (0.0, 0.0)
    step = _SIDE_STEP * (high - low)
    return {name: 10 ** (step * (i - (len(names) - 1) / 2)) for i, name in enumerate(names)}


def _padded(values: Sequence[float]) -> list[float] | None:
    """Decimal logarithms of both ends, with room for markers; of one value, half a decade."""
    if not values:
        return None
    low, high = math.log10(min(values)), math.log10(max(values))
    room = 0.08 * (high - low) or 0.25
    return [low - room, high + room]
