"""Classification networks of torchvision and timm, by name and without their weights."""

import contextlib
from collections.abc import Iterable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

from torch import nn

from pnn_core.config import DatasetShape
from pnn_core.config.checks import did_you_mean
from pnn_core.parts.network_libraries import library_of, library_version

_MORE: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "googlenet": {"aux_logits": False, "init_weights": True},
        "inception_v3": {"aux_logits": False, "init_weights": True},
    }
)
"""Arguments of torchvision's networks that give more than logits in training, without them."""

_COLOURS = 3
"""Channels of the images that torchvision's networks take."""


def build_library_network(name: str, dataset: DatasetShape) -> nn.Module:
    """Build a network by its name, for a data set's channels, classes and, where it must, size.

    No weights are downloaded: all are drawn from torch's global generator.

    Args:
        name: Name such as `torchvision:resnet18` or `timm:resnet18`.
        dataset: Shape of the images, and number of classes.

    Raises:
        ValueError: The library is not installed, or has no classification network of that name;
            the nearest one is named.
    """
    library = library_of(name)
    library_version(library)
    network = name.removeprefix(f"{library}:")
    build = _torchvision_network if library == "torchvision" else _timm_network
    return build(network, dataset)


def _torchvision_network(name: str, dataset: DatasetShape) -> nn.Module:
    import torchvision

    _require_name("torchvision", name, torchvision.models.list_models(module=torchvision.models))
    network: nn.Module = torchvision.models.get_model(
        name, weights=None, num_classes=dataset.classes, **_MORE.get(name, {})
    )
    if dataset.channels != _COLOURS:
        _take_channels(network, dataset.channels)
    return network


def _timm_network(name: str, dataset: DatasetShape) -> nn.Module:
    import timm

    _require_name("timm", name, timm.list_models())
    wanted: dict[str, Any] = {"num_classes": dataset.classes, "in_chans": dataset.channels}
    create = partial(timm.create_model, name, pretrained=False, **wanted)
    network: nn.Module
    if timm.get_pretrained_cfg_value(name, "fixed_input_size"):
        with contextlib.suppress(TypeError):  # of a network that knows no such argument
            network = create(img_size=(dataset.height, dataset.width))
            return network
    network = create()
    return network


def _require_name(library: str, name: str, known: Iterable[str]) -> None:
    """Refuse a name that a library does not know; of its hundreds the nearest is named alone."""
    known = tuple(known)
    if name not in known:
        hint = did_you_mean(name, known)
        raise ValueError(
            f"{library} has no classification network {name!r}" + (f": {hint}" if hint else "")
        )


def _take_channels(network: nn.Module, channels: int) -> None:
    """Put a first convolution for images of other channels in the place of that for colours."""
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d) and module.in_channels == _COLOURS:
            settings: dict[str, Any] = {
                key: getattr(module, key)
                for key in ("out_channels", "kernel_size", "stride", "padding", "dilation")
            }
            bias = module.bias is not None
            network.set_submodule(name, nn.Conv2d(channels, bias=bias, **settings))
            return
