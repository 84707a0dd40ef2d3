"""Weights that a detector begins with, in the place of those that are drawn.

`ImageNetWeights` are torchvision's, as the paper's Table 7 begins; `SavedWeights` are those of a
network of one's own; `find_initial_weights` returns those that a run's settings name. Only what
stands in the backbone, and in fully connected layers before the outputs, is copied: proposals and
outputs are those of a data set's classes.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import NamedTemporaryFile

import torch
from torch import nn

from pnn_core.config import DETECTION, ModelConfig
from pnn_core.models.build import InitialWeights, build_shapes
from pnn_core.models.detector import Detector
from pnn_core.models.imagenet_weights import download_weights, imagenet_refusal
from pnn_core.models.saved_network import TrainedNetwork, load_network
from pnn_core.parts.weight_files import IMAGENET, WEIGHT_FILES

_HEADS = ("regions.box_head.", "features.")
"""What a detector puts before the names that its backbone's tensors have in a classifier."""

_DRAWN_ANEW = re.compile(r"(^|\.)(masks|_extra_state)$")
"""Names of masks, and of what draws them."""

_HIDDEN = re.compile(r"^(?:hidden|classify)\.(\d+)\.(weight|bias)$")
"""Names of linear layers, in a detector's head and in a classifier, whose last one gives logits."""

_SAME = (
    "network",
    "layer",
    "width",
    "fan_out",
    "order",
    "grouped",
    "mix_maps",
    "pooling",
    "before_addition",
)
"""Settings of a network that its weights are of; all else may differ."""


@dataclass(frozen=True, kw_only=True)
class ImageNetWeights:
    """Weights that torchvision trained on ImageNet, for a plain network of the published width.

    They are made for images that are normalised by ImageNet's mean and deviation
    (`normalisation="imagenet"`). Batch normalisations are frozen with them, as published;
    the first stages, which the base code freezes too, are trained.
    """

    def require_fit(self, config: ModelConfig) -> None:
        """Refuse a network that is none of torchvision's.

        Raises:
            ValueError: It is not, or there is no network for this task.
        """
        _require_detector(config)
        if refusal := imagenet_refusal(config):
            raise ValueError(refusal)

    def copy_into(self, network: nn.Module, config: ModelConfig) -> None:
        """Download the weights, unless they are there, copy them, and freeze normalisations.

        Raises:
            ValueError: They cannot be downloaded.
        """
        assert isinstance(network, Detector)  # noqa: S101  # `require_fit` refuses others
        _copy(download_weights(config), network)
        network.freeze_norms()


@dataclass(frozen=True, kw_only=True)
class SavedWeights:
    """Weights of a network of one's own, a classifier or a detector of the same layers.

    Masks are not copied: those of another canvas have another size. They are drawn anew from the
    run's seed, and what was learned for others adapts, so that normalisations are trained.

    Attributes:
        name: Name to tell them by.
        network: Network that learned them.
    """

    name: str
    network: TrainedNetwork

    @classmethod
    def read(cls, path: Path) -> "SavedWeights":
        """Read the weights of a file of `pnn_core.models.saved_network`.

        Raises:
            NetworkFileError: There is no such file, or it holds no network that is known here.
        """
        return cls(name=str(path), network=load_network(path))

    def require_fit(self, config: ModelConfig) -> None:
        """Refuse a network that has other layers or widths than the file's.

        Raises:
            ValueError: It has, or there is no network for this task.
        """
        _require_detector(config)
        theirs, ours = (_structure(each) for each in (self.network.card.trial.model, config))
        for name, value in theirs.items():
            if value != ours[name]:
                raise ValueError(
                    f"{self.name} holds a network of {name} (={value}): accepted are weights of "
                    f"the same network and layers, here of {name} (={ours[name]})"
                )
        found, wanted = _state(self.network.network), _state(build_shapes(config))
        for name, tensor in wanted.items():
            if _is_copied(name) and name in found and found[name].shape != tensor.shape:
                raise ValueError(
                    f"{self.name} has {[*found[name].shape]} numbers at {name}: accepted are "
                    f"weights of {[*tensor.shape]}"
                )

    def copy_into(self, network: nn.Module, config: ModelConfig) -> None:
        """Copy all but the masks."""
        _copy(_state(self.network.network), network)


def find_initial_weights(name: str | None) -> InitialWeights | None:
    """Return the weights that a run's `initial_weights` names; None where they are drawn.

    Raises:
        ValueError: No file of that name was made known in this process, or it holds no network.
    """
    if name is None:
        return None
    if name == IMAGENET:
        return ImageNetWeights()
    if name not in WEIGHT_FILES:
        raise ValueError(
            f"initial_weights (={name!r}) is no file that is known here: accepted are "
            f"{', '.join((IMAGENET, *WEIGHT_FILES))}"
        )
    return _read_content(name, WEIGHT_FILES[name])


@cache
def _read_content(name: str, content: bytes) -> SavedWeights:
    with NamedTemporaryFile(suffix=".safetensors") as file:
        file.write(content)
        file.flush()
        return replace(SavedWeights.read(Path(file.name)), name=name)


def _structure(config: ModelConfig) -> dict[str, object]:
    """Return the settings that weights are of, by their names."""
    return {name: getattr(config, name) for name in _SAME} | {"stem": config.first_layer.stem}


def _require_detector(config: ModelConfig) -> None:
    if config.dataset.task != DETECTION:
        raise ValueError(
            f"task (={config.dataset.task}) begins with drawn weights: accepted is {DETECTION}"
        )


def _copy(found: Mapping[str, torch.Tensor], network: nn.Module) -> None:
    """Copy tensors into a network, in place; those that only one of them has stay as they are."""
    with torch.no_grad():
        for name, tensor in _state(network).items():
            if _is_copied(name) and name in found:
                tensor.copy_(found[name])


def _is_copied(name: str) -> bool:
    return not _DRAWN_ANEW.search(name)


def _state(network: nn.Module) -> dict[str, torch.Tensor]:
    """Return a network's tensors by the names that detectors and classifiers share."""
    return dict(_shared_names(network))


def _shared_names(network: nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    is_detector = isinstance(network, Detector)
    named = {
        _without_head(name): tensor
        for name, tensor in network.state_dict(keep_vars=True).items()
        if not is_detector or name.startswith(_HEADS)
    }
    linear = sorted({int(m[1]) for m in map(_HIDDEN.match, named) if m})
    hidden = {number: place for place, number in enumerate(linear if is_detector else linear[:-1])}
    for name, tensor in named.items():
        match = _HIDDEN.match(name)
        if match is None:
            yield name, tensor
        elif int(match[1]) in hidden:
            yield f"hidden.{hidden[int(match[1])]}.{match[2]}", tensor


def _without_head(name: str) -> str:
    return next((name.removeprefix(head) for head in _HEADS if name.startswith(head)), name)
