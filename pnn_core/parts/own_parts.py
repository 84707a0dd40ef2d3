"""Parts of one's own in a process: whoever builds networks must know them."""

from collections.abc import Callable
from typing import Any

from pnn_core.parts.layers import LAYER_SETTINGS, SPATIAL_LAYERS
from pnn_core.parts.layers.spatial_layer import SpatialLayer
from pnn_core.parts.networks import NETWORKS
from pnn_core.parts.networks.converted import ConvertedNetwork
from pnn_core.parts.own_code import Kind, OwnCode, find_code
from pnn_core.parts.weight_files import WEIGHT_FILES

OF_WORKERS = frozenset({Kind.LAYER, Kind.NETWORK, Kind.OBJECTIVE, Kind.WEIGHTS})
"""Kinds of code that workers need."""


def add_part(code: OwnCode) -> None:
    """Make a part of one's own known in this process, under its recorded name.

    Args:
        code: Code of a kind of `OF_WORKERS`.

    Raises:
        ValueError: It cannot be loaded, or is not as its kind must be.
    """
    match code.kind:
        case Kind.WEIGHTS:
            WEIGHT_FILES[code.name] = code.source
        case Kind.LAYER:
            SPATIAL_LAYERS.add(code.name, _layer(code))
        case Kind.NETWORK if code.is_library_network:
            code.require_library()
        case Kind.NETWORK:
            NETWORKS.add(
                code.name,
                ConvertedNetwork(name=code.name, builder=_function(code), digest=code.digest),
            )
        case _:
            _function(code)


def add_named_part(kind: Kind, text: str) -> None:
    """Make a network or a layer of one's own known in this process.

    Args:
        kind: Kind of it.
        text: Path of its file, or the name of an entry point.

    Raises:
        ValueError: There is no such file, or it is not as its kind must be.
    """
    code = find_code(kind, text)
    if code is None:
        raise ValueError(f"{text!r} must be a .py file or the name of an installed {kind}")
    add_part(code)


def _function(code: OwnCode) -> Callable[..., Any]:
    """Return the function that a file defines, or an entry point names."""
    found = code.load()
    if not callable(found):
        raise ValueError(f"{code.name} is no function")
    function: Callable[..., Any] = found
    return function


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
