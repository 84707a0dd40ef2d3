"""The colours of noise levels."""

import math
from collections.abc import Sequence

_BAR_PIXELS = 280  # fits a phone's plot
_MOST_TICKS = 8


class NoiseColours:
    """A logarithmic colour scale that all trials of a picture share.

    No noise at all has no logarithm: it lies a factor of ten below the smallest level.

    Args:
        levels: Of all trials drawn.
    """

    def __init__(self, levels: Sequence[float]) -> None:
        self._positive = sorted({level for level in levels if level > 0})
        self._zero = [0.0] if 0 in levels else []

    def place(self, level: float) -> float:
        """Where a level lies on the scale."""
        if level > 0:
            return math.log10(level)
        return math.log10(self._positive[0]) - 1 if self._positive else 0.0

    def scale(self) -> dict[str, object]:
        """The scale, in Plotly's words for markers."""
        places = [self.place(level) for level in (*self._zero, *self._positive)] or [0.0]
        low, high = min(places), max(places)
        if low == high:  # a single level takes the middle
            low, high = low - 0.5, high + 0.5
        return {"colorscale": "Viridis", "cmin": low, "cmax": high}

    def bar(self) -> dict[str, object]:
        """A bar whose ticks are noise levels, in Plotly's words."""
        ticks = [*self._zero, *self._ticks()]
        return {
            # Below the plot: beside it, it would take a third of a phone's width.
            "orientation": "h",
            "title": {"text": "Noise level ℓ (half-range of the masks)", "side": "bottom"},
            "tickvals": [self.place(tick) for tick in ticks],
            "ticktext": [f"{tick:.3g}" for tick in ticks],
            "ticks": "outside",
            "lenmode": "pixels",
            "len": _BAR_PIXELS,
            "thickness": 12,
            "outlinewidth": 0,
            "xanchor": "center",
            "x": 0.5,
            "yref": "container",
            "yanchor": "bottom",
            "y": 0.01,
        }

    def _ticks(self) -> list[float]:
        """Round levels between the smallest and the largest, or these two."""
        if not self._positive:
            return []
        smallest, largest = self._positive[0], self._positive[-1]
        decades = range(math.floor(math.log10(smallest)), math.ceil(math.log10(largest)) + 1)
        for digits in ((1, 3), (1,)):
            # From text, as 3 · 10⁻² is not quite 0.03.
            ticks = [float(f"{digit}e{decade}") for decade in decades for digit in digits]
            ticks = [tick for tick in ticks if smallest <= tick <= largest]
            if 2 <= len(ticks) <= _MOST_TICKS:
                return ticks
        return list(dict.fromkeys((smallest, largest)))
