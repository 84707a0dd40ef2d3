"""Marks that tell several studies or methods apart: line, symbol, and a name that fits."""

from typing import NamedTuple

from dashboards.elements import theme
from pnn_core.parts import palette

_LONGEST_NAME = 24


class SeriesLook(NamedTuple):
    """Marks that tell one of several things from the others, in Plotly's words."""

    colour: str
    dash: str
    symbol: str

    def steps(self, *, dash: str = "", width: float = 2) -> dict[str, object]:
        """A step line: until the next trial fits the budget, the last one is the best.

        Args:
            dash: Another one than its own.
            width: Width in pixels.
        """
        return {"shape": "hv", "color": self.colour, "dash": dash or self.dash, "width": width}

    def marker(self, size: float) -> dict[str, object]:
        """Its symbol, so many pixels wide."""
        return {"symbol": self.symbol, "color": self.colour, "size": size}


def series_look(position: int) -> SeriesLook:
    """The look of the study or method at a place; no two of the first 42 share colour and dash."""
    return SeriesLook(
        colour=palette.SERIES_COLOURS[position % len(palette.SERIES_COLOURS)],
        dash=theme.DASHES[position % len(theme.DASHES)],
        symbol=theme.SYMBOLS[position % len(theme.SYMBOLS)],
    )


def shortened(name: str) -> str:
    """A name that fits a phone beside others: its beginning and its end."""
    if len(name) <= _LONGEST_NAME:
        return name
    half = _LONGEST_NAME // 2
    return f"{name[:half]}…{name[1 - half :]}"
