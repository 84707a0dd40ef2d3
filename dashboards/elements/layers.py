"""How every picture shows a spatial layer, and in which order."""

from collections.abc import Iterable
from typing import NamedTuple

from dashboards.elements.theme import BLUE, GREEN, PURPLE, VERMILION
from study.results.paired_comparison import LAYER_NAMES


class LayerLook(NamedTuple):
    """A layer's marker: no reader needs the colour to tell it.

    Attributes:
        name: As people call it.
        symbol: In Plotly's words.
        colour: Of the Okabe-Ito palette.
    """

    name: str
    symbol: str
    colour: str


_MARKERS = {
    "perturbation": ("diamond", VERMILION),
    "conv1x1": ("circle", BLUE),
    "conv3x3": ("square", GREEN),
    "local_binary": ("triangle-up", PURPLE),
}


def layer_look(layer: str) -> LayerLook:
    """The look of a layer; one that is not known is a grey cross."""
    symbol, colour = _MARKERS.get(layer, ("x", "#666666"))
    return LayerLook(name=LAYER_NAMES.get(layer, layer), symbol=symbol, colour=colour)


def in_order(layers: Iterable[str]) -> list[str]:
    """Each layer once: the perturbation layer, its controls, then unknown ones by name."""
    present = set(layers)
    known = [layer for layer in LAYER_NAMES if layer in present]
    return [*known, *sorted(present.difference(known))]
