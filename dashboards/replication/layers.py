"""How every picture of the report shows a spatial layer."""

from typing import NamedTuple

from study.results.comparison import LAYER_NAMES


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
    "perturbation": ("diamond", "#d55e00"),
    "conv1x1": ("circle", "#0072b2"),
    "conv3x3": ("square", "#009e73"),
    "local_binary": ("triangle-up", "#cc79a7"),
}


def layer_look(layer: str) -> LayerLook:
    """The look of a layer; one that is not known is a grey cross."""
    symbol, colour = _MARKERS.get(layer, ("x", "#666666"))
    return LayerLook(name=LAYER_NAMES.get(layer, layer), symbol=symbol, colour=colour)
