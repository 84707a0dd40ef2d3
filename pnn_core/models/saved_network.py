"""Trained networks as files that hold no code: weights, settings, normalisation and classes."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn

from pnn_core.config import DatasetShape, ModelConfig, TrialConfig
from pnn_core.data.normalisation import scale_and_offset
from pnn_core.models.build import build_model, build_shapes
from pnn_core.models.detections import Detections
from pnn_core.parts.layers import SPATIAL_LAYERS
from pnn_core.parts.network_libraries import library_of, library_version
from pnn_core.parts.networks import NETWORKS
from pnn_core.parts.networks.converted import ConvertedNetwork
from pnn_core.parts.own_code import Kind
from pnn_core.parts.own_parts import add_named_part
from pnn_core.rng.seeds import Seeds

_FORMAT = "pnn-network/1"
"""Name and version of the format, in the file's metadata; raise it when the layout changes."""


_DIGEST = "network_digest"
"""Name, in the metadata, of the SHA-256 of the file that builds a network of one's own."""


class NetworkFileError(ValueError):
    """A file that holds no network, said in one sentence."""


@dataclass(frozen=True, kw_only=True)
class NetworkCard:
    """Facts of a trained network beside its weights.

    Attributes:
        trial: Training run that the weights come from.
        classes: Class names, in the order of the logits.
        mean: Mean of each channel of pixel values scaled to [0, 1], by which images are normalised.
        std: Standard deviation of each channel, of the same values, above 0.
        shorter_edge: Pixels to which an image's shorter edge is resized before its centre is
            cropped; None where images must have exactly the network's size.
    """

    trial: TrialConfig
    classes: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    shorter_edge: int | None = None

    def __post_init__(self) -> None:
        shape = self.trial.model.dataset
        if len(self.classes) != shape.classes:
            raise ValueError(
                f"classes (={len(self.classes)}) must be as many as the logits, {shape.classes}"
            )
        for name, values in (("mean", self.mean), ("std", self.std)):
            if len(values) != shape.channels:
                raise ValueError(f"{name} (={values}) must have {shape.channels} values")
        if not all(value > 0 for value in self.std):
            raise ValueError(f"std (={self.std}) must be above 0 in every channel")
        if self.shorter_edge is not None and self.shorter_edge < max(shape.height, shape.width):
            raise ValueError(
                f"shorter_edge (={self.shorter_edge}) must leave room for a crop of "
                f"{shape.height} x {shape.width}"
            )


class TrainedNetwork(nn.Module):
    """A network that takes images as they are, and says its classes.

    On the machine that trained it, it gives the very numbers that its accuracy was counted from:
    images are normalised and laid out in memory as in training.

    Args:
        network: Network for normalised images.
        card: Settings, normalisation and classes.
    """

    factor: torch.Tensor
    summand: torch.Tensor

    def __init__(self, network: nn.Module, card: NetworkCard) -> None:
        super().__init__()
        self.network = network.to(memory_format=torch.channels_last)
        self.card = card
        for name, values in zip(
            ("factor", "summand"), scale_and_offset(card.mean, card.std), strict=True
        ):
            self.register_buffer(name, torch.tensor(values)[:, None, None], persistent=False)

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names, in the order of the logits."""
        return self.card.classes

    def forward(self, images: torch.Tensor) -> torch.Tensor | list[Detections]:
        """Normalise images and apply the network.

        Args:
            images: `[batch, channels, height, width]`: whole numbers from 0 to 255, or real numbers
                from 0 to 1. A detector that learned from images padded to their batch takes
                smaller ones than its canvas: such an image begins in the upper left corner.

        Returns:
            Logits, `[batch, classes]`; in detection what each image shows.

        Raises:
            ValueError: The images have another shape than those that the network learned from.
        """
        shape = self.card.trial.model.dataset
        wanted = (shape.channels, shape.height, shape.width)
        may_be_smaller = shape.padding == "batch"
        if images.ndim != 4 or not _fits(images.shape[1:], wanted, may_be_smaller=may_be_smaller):
            smaller = ", or of a smaller height or width" if may_be_smaller else ""
            raise ValueError(
                f"images (={[*images.shape]}) must be "
                f"[batch, {', '.join(map(str, wanted))}]{smaller}"
            )
        pixels = images * 255 if images.is_floating_point() else images
        scaled = torch.addcmul(self.summand, pixels.to(self.factor.dtype), self.factor)
        found: torch.Tensor | list[Detections] = self.network(
            scaled.contiguous(memory_format=torch.channels_last)
        )
        return found


def _fits(found: Sequence[int], wanted: Sequence[int], *, may_be_smaller: bool) -> bool:
    """Return True if images have the channels and the size that are wanted, or a smaller one."""
    if not may_be_smaller:
        return tuple(found) == tuple(wanted)
    return found[0] == wanted[0] and 0 < found[1] <= wanted[1] and 0 < found[2] <= wanted[2]


def encode_network(network: nn.Module, card: NetworkCard) -> bytes:
    """Encode a network as a safetensors file, with its card as JSON in the metadata.

    Args:
        network: Network as `build_model(card.trial.model, …)` gives it, trained.
        card: Settings, normalisation and classes of it.
    """
    metadata = encode_card(card)
    # Copies, because the format holds no tensor under two names, as tied weights have.
    return save(
        {
            name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
            for name, tensor in network.state_dict().items()
        },
        metadata,
    )


def encode_card(card: NetworkCard) -> dict[str, str]:
    """Encode a card as named texts, each JSON but the format's name and a digest."""
    entry = NETWORKS[card.trial.model.network]
    digest = entry.digest if isinstance(entry, ConvertedNetwork) else ""
    return {
        "format": _FORMAT,
        "dataset": json.dumps(card.trial.model.dataset.document()),
        "parameters": json.dumps(card.trial.parameters()),
        "classes": json.dumps(card.classes, ensure_ascii=False),
        "mean": json.dumps(card.mean),
        "std": json.dumps(card.std),
        "shorter_edge": json.dumps(card.shorter_edge),
        **({_DIGEST: digest} if digest else {}),
    }


def load_network(
    path: str | Path,
    *,
    network_file: str | Path | None = None,
    layer_file: str | Path | None = None,
) -> TrainedNetwork:
    """Read a network, in evaluation mode and on the CPU.

    A file holds numbers and text alone, so that whoever wrote it can run nothing here. It is
    compared with the network that its settings describe before memory is taken for that.

    Args:
        path: File of `encode_network`.
        network_file: File of one's own that builds the network, if one does; it is run.
        layer_file: File of one's own that defines its layer, if one does; it is run.

    Raises:
        NetworkFileError: There is no such file, it holds no network of this version, or it needs a
            file of one's own, or a library, that is not known here.
        ValueError: A file of one's own is not as it must be.
    """
    path = Path(path)
    for kind, own in ((Kind.NETWORK, network_file), (Kind.LAYER, layer_file)):
        if own is not None:
            add_named_part(kind, str(own))
    try:
        with safe_open(path, framework="pt") as file:
            card = _card(file.metadata() or {})
            found = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118  # no mapping
            _require_shapes(found, card.trial.model)
            tensors = {name: file.get_tensor(name) for name in found}
    except FileNotFoundError:
        raise NetworkFileError(f"there is no file {path}") from None
    except _PartMissingError as error:
        raise NetworkFileError(f"{path}: its {error}") from None
    except (OSError, SafetensorError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise NetworkFileError(f"{path} holds no network of this version: {error}") from error
    network = build_model(card.trial.model, Seeds.of(card.trial))
    network.load_state_dict(tensors)
    return TrainedNetwork(network, card).eval()


class _PartMissingError(Exception):
    """A part of a network that is not known in this process."""


def _require_parts(parameters: Mapping[str, Any], digest: str) -> None:
    """Check that what a file's settings name is known here, and is what it was.

    Raises:
        _PartMissingError: It is not.
    """
    network, layer = str(parameters.get("network")), str(parameters.get("layer"))
    for kind, name, known in (("network", network, NETWORKS), ("layer", layer, SPATIAL_LAYERS)):
        if name not in known and name != "None":
            file = name if ".py" in name else f"{name}.py"
            raise _PartMissingError(
                f"{kind} {name} is none of this version's: if it is one of your own, its file lies "
                f"beside the weights, and --{kind}-file {file} (in Python {kind}_file) names it"
            )
    if library := library_of(network):
        try:
            library_version(library)
        except ValueError as error:
            raise _PartMissingError(f"network {network} {error}") from None
    entry = NETWORKS.get(network)
    if isinstance(entry, ConvertedNetwork) and entry.digest != digest:
        raise _PartMissingError(
            f"network {network} was built by other code of that name ({digest[:20] or 'unknown'} "
            f"and not {entry.digest[:20]})"
        )


def _card(metadata: Mapping[str, str]) -> NetworkCard:
    if metadata.get("format") != _FORMAT:
        raise ValueError(f"its format is {metadata.get('format')!r}, not {_FORMAT!r}")
    shape = DatasetShape(**_mapping(metadata["dataset"]))
    parameters = _mapping(metadata["parameters"])
    _require_parts(parameters, metadata.get(_DIGEST, ""))
    trial = TrialConfig(model=ModelConfig(dataset=shape))
    return NetworkCard(
        trial=trial.with_parameters(parameters),
        classes=tuple(map(str, _sequence(metadata["classes"]))),
        mean=tuple(map(float, _sequence(metadata["mean"]))),
        std=tuple(map(float, _sequence(metadata["std"]))),
        shorter_edge=_shorter_edge(metadata.get("shorter_edge", "null")),
    )


def _shorter_edge(text: str) -> int | None:
    value = json.loads(text)
    if value is not None and type(value) is not int:
        raise ValueError(f"shorter_edge (={text[:40]}) is no whole number")
    return value


def _mapping(text: str) -> Mapping[str, Any]:
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError(f"{text[:40]!r} is no JSON object")
    return value


def _sequence(text: str) -> Sequence[Any]:
    value = json.loads(text)
    if not isinstance(value, list):
        raise ValueError(f"{text[:40]!r} is no JSON list")
    return value


def _require_shapes(found: Mapping[str, tuple[int, ...]], model: ModelConfig) -> None:
    """Compare a file's tensors with those of a network, of which only shapes are made.

    Raises:
        ValueError: They differ, or the network is too large for its shapes to be counted.
    """
    try:
        network = build_shapes(model)
    except RuntimeError as error:
        raise ValueError("its settings describe no network that fits a memory") from error
    expected = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    if found != expected:
        differing = sorted(set(found.items()) ^ set(expected.items()))
        raise ValueError(
            f"its tensor {differing[0][0]} is not the one that its settings describe "
            f"({found.get(differing[0][0])} against {expected.get(differing[0][0])})"
        )
