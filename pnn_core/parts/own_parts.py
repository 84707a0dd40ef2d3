"""Parts of one's own in a process: whoever builds networks must know them."""

from pnn_core.parts.layers import LAYER_SETTINGS, SPATIAL_LAYERS
from pnn_core.parts.layers.spatial_layer import SpatialLayer
from pnn_core.parts.own_code import Kind, OwnCode

OF_WORKERS = frozenset({Kind.LAYER, Kind.OBJECTIVE})
"""Kinds of code that workers need."""


def add_part(code: OwnCode) -> None:
    """Make a part of one's own known in this process, under its recorded name.

    Args:
        code: Code of a kind of `OF_WORKERS`.

    Raises:
        ValueError: It cannot be loaded, or is not as its kind must be.
    """
    if code.kind is Kind.OBJECTIVE and not callable(code.load()):
        raise ValueError(f"{code.name} is no function")
    if code.kind is Kind.LAYER:
        SPATIAL_LAYERS.add(code.name, _layer(code))


def _layer(code: OwnCode) -> SpatialLayer:
    """Return the layer that a file defines as `LAYER`, or an entry point names."""
    found = code.load()
    entry = found if isinstance(found, SpatialLayer) else getattr(found, "LAYER", None)
    if not isinstance(entry, SpatialLayer):
        raise ValueError(
            f"defines LAYER as {type(entry).__name__}: accepted is a SpatialLayer of "
            "pnn_core.parts.layers"
        )
    if unknown := sorted(entry.uses - LAYER_SETTINGS):
        raise ValueError(
            f"uses {', '.join(unknown)}, which no layer has: accepted are "
            f"{', '.join(sorted(LAYER_SETTINGS))}"
        )
    return entry
