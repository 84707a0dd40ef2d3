"""Look and order of spatial layers in every picture."""

from collections.abc import Iterable
from typing import NamedTuple

from pnn_core.parts.layers import COMPARED_LAYERS, SPATIAL_LAYERS
from pnn_core.parts.palette import BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILION, YELLOW


class LayerLook(NamedTuple):
    """A layer's marker: no reader needs the colour to tell it.

    Attributes:
        name: Name in tables and legends.
        symbol: Marker, by Plotly's name.
        colour: Colour of the Okabe-Ito palette.
    """

    name: str
    symbol: str
    colour: str


_PALETTE = {
    "orange": ORANGE,
    "sky": SKY,
    "green": GREEN,
    "yellow": YELLOW,
    "blue": BLUE,
    "vermilion": VERMILION,
    "purple": PURPLE,
}
"""Colours by the names that `SpatialLayer.colour` takes."""


def layer_look(layer: str) -> LayerLook:
    """Return the look of a layer; one that is not known, as of a newer study, is a grey cross."""
    entry = SPATIAL_LAYERS.get(layer)
    if entry is None:
        return LayerLook(name=layer, symbol="x", colour="#666666")
    return LayerLook(
        name=entry.label, symbol=entry.symbol, colour=_PALETTE.get(entry.colour, entry.colour)
    )


def in_order(layers: Iterable[str]) -> list[str]:
    """List each layer once: the perturbation layer, its controls, then unknown ones by name."""
    present = set(layers)
    known = [layer for layer in COMPARED_LAYERS if layer in present]
    return [*known, *sorted(present.difference(known))]
