"""Weights that torchvision's networks learned from ImageNet, under the names of ours."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from pnn_core.config import ModelConfig

_WIDTH = 64
_COLOURS = 3


@dataclass(frozen=True, kw_only=True)
class _Published:
    """A network of torchvision's.

    Attributes:
        weights: Name of its weights in `torchvision.models`.
        stem: Name of its first layer among ours.
        renamed: Function from the name of one of its tensors to ours; "" for its logits'.
    """

    weights: str
    stem: str
    renamed: Callable[[str], str]


def imagenet_refusal(config: ModelConfig) -> str:
    """Say why a network is none that torchvision trained on ImageNet; empty if it is one."""
    published = _PUBLISHED.get(config.network)
    if published is None:
        return _refused("network", config.network, ", ".join(_PUBLISHED))
    wanted: Mapping[str, tuple[object, object]] = {
        "layer": (config.layer, "conv3x3"),
        "mask_count": (config.width, _WIDTH),
        "stem": (config.first_layer.stem, published.stem),
        "before_addition": (config.before_addition, "bn"),
        "colour channels": (config.dataset.channels, _COLOURS),
    }
    return next(
        (_refused(name, own, theirs) for name, (own, theirs) in wanted.items() if own != theirs),
        "",
    )


def download_weights(config: ModelConfig) -> dict[str, torch.Tensor]:
    """Download weights, or read them where torch keeps what it has downloaded.

    Of the file, tensors are read and no code is run.

    Args:
        config: Network that `imagenet_refusal` accepts.

    Returns:
        Tensors of the backbone and of fully connected layers, by the names of our classifier's but
        for `hidden.N`, the N-th of those layers.

    Raises:
        ValueError: They cannot be downloaded here.
    """
    from torchvision import models

    published = _PUBLISHED[config.network]
    weights: Any = getattr(models, published.weights).IMAGENET1K_V1
    try:
        state = weights.get_state_dict(progress=False, check_hash=True, weights_only=True)
    except (OSError, RuntimeError) as error:
        raise ValueError(
            f"torchvision's ImageNet weights of {config.network} cannot be had here ({error}): "
            f"bring {weights.url} into {_folder()}, or begin from scratch or with a network of "
            "your own"
        ) from error
    return renamed_weights(config.network, state)


def require_downloaded(config: ModelConfig) -> None:
    """Download weights unless they are where torch keeps what it has downloaded.

    Raises:
        ValueError: They cannot be downloaded here.
    """
    from torchvision import models

    weights: Any = getattr(models, _PUBLISHED[config.network].weights).IMAGENET1K_V1
    if not (_folder() / Path(weights.url).name).is_file():
        download_weights(config)


def _folder() -> Path:
    return Path(torch.hub.get_dir()) / "checkpoints"


def renamed_weights(network: str, state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Give torchvision's tensors the names of ours; those of its logits are left out."""
    rename = _PUBLISHED[network].renamed
    return {name: tensor for old, tensor in state.items() if (name := rename(old))}


def _refused(name: str, value: object, accepted: object) -> str:
    return f"{name} (={value}) has no weights from ImageNet: accepted is {accepted}"


def _renamed_resnet(blocks: tuple[int, ...], parts: Mapping[str, str]) -> Callable[[str], str]:
    """Name the tensors of a ResNet.

    Args:
        blocks: Number of blocks of each stage.
        parts: Our name of each module of a block.
    """

    def rename(name: str) -> str:
        if first := re.match(r"(conv1|bn1)\.(.+)", name):
            return f"stem.{int(first[1] == 'bn1')}.{first[2]}"
        if within := re.match(r"layer(\d)\.(\d+)\.([a-z]+\d?(?:\.\d)?)\.(\w+)", name):
            block = sum(blocks[: int(within[1]) - 1]) + int(within[2])
            return f"blocks.{block}.{parts[within[3]]}.{within[4]}"
        return ""

    return rename


_SHORTCUT = {"downsample.0": "shortcut.0", "downsample.1": "shortcut.1"}

_BASIC = {
    "conv1": "first.layer",
    "bn1": "first.norm",
    "conv2": "second.layer",
    "bn2": "second.norm",
    **_SHORTCUT,
}

_BOTTLENECK = {
    "conv1": "reduce.0",
    "bn1": "reduce.1",
    "conv2": "spatial.layer",
    "bn2": "spatial.norm",
    "conv3": "expand.0",
    "bn3": "expand.1",
    **_SHORTCUT,
}

_VGG_CONVOLUTIONS = (0, 3, 7, 10, 14, 17, 20, 24, 27, 30, 34, 37, 40)
"""Places of the convolutions among torchvision's modules; a BN follows each."""


def _renamed_vgg(name: str) -> str:
    part, place, tensor = name.split(".")
    if part == "classifier":
        return f"hidden.{int(place) // 3}.{tensor}" if place in ("0", "3") else ""
    is_norm = int(place) not in _VGG_CONVOLUTIONS
    layer = _VGG_CONVOLUTIONS.index(int(place) - is_norm)
    if layer == 0:
        return f"stem.{int(is_norm)}.{tensor}"
    return f"layers.{layer - 1}.{'norm' if is_norm else 'layer'}.{tensor}"


_PUBLISHED = {
    "resnet18": _Published(
        weights="ResNet18_Weights",
        stem="conv7x7",
        renamed=_renamed_resnet((2, 2, 2, 2), _BASIC),
    ),
    "resnet34": _Published(
        weights="ResNet34_Weights",
        stem="conv7x7",
        renamed=_renamed_resnet((3, 4, 6, 3), _BASIC),
    ),
    "resnet50": _Published(
        weights="ResNet50_Weights",
        stem="conv7x7",
        renamed=_renamed_resnet((3, 4, 6, 3), _BOTTLENECK),
    ),
    "vgg16": _Published(weights="VGG16_BN_Weights", stem="conv3x3", renamed=_renamed_vgg),
}
"""Networks whose shapes are torchvision's, at a width of 64; its VGG-16 with BN is ours."""
