"""Axes that the report's pictures of runs share."""

import math
from collections.abc import Sequence

from dashboards.elements.side_steps import padded_decades

_SMALLEST_GAP = 0.11  # of the axis: what a tick's label needs on a phone


def size_axis(title: str, values: Sequence[float]) -> dict[str, object]:
    """Return a logarithmic axis of counts, with as many ticks as fit a phone."""
    decades = math.log10(max(values) / min(values)) if values else 0.0
    return {
        "title": {"text": title},
        "type": "log",
        "nticks": 3 if decades < 1.4 else 4,
        "tickformat": "~s",
        "range": padded_decades(values),
    }


def batch_size_axis(title: str, values: Sequence[int]) -> dict[str, object]:
    """Return a logarithmic axis whose ticks are batch sizes that were run."""
    low, high = padded_decades(values) or (0.0, 1.0)
    ticks: list[int] = []
    for value in sorted(set(values)):
        if not ticks or math.log10(value / ticks[-1]) > _SMALLEST_GAP * (high - low):
            ticks.append(value)
    return {
        "title": {"text": title},
        "type": "log",
        "tickvals": ticks,
        "ticktext": [str(tick) for tick in ticks],
        "range": [low, high],
    }
