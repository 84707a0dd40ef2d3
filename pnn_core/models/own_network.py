"""Check of a network of other people: it can be turned, and learn a data set's classes."""

from functools import lru_cache

import torch
from torch import nn

from pnn_core.config import DatasetShape, ModelConfig
from pnn_core.models.build import build_model
from pnn_core.models.convert import Conversion
from pnn_core.models.converted import build_conversion, example_images
from pnn_core.parts.networks import NETWORKS
from pnn_core.parts.networks.converted import ConvertedNetwork
from pnn_core.parts.own_code import describe

_SHOWN = 3
"""Number of convolutions that stay whose reasons are told."""


def require_convertible(name: str, dataset: DatasetShape) -> str:
    """Check that a network can be built, turned, and trained on images of a shape.

    Args:
        name: Name of a converted network in `NETWORKS`.
        dataset: Shape of the images, and number of classes.

    Returns:
        Sentence on which convolutions are turned, and which are not and why.

    Raises:
        ValueError: Says in one sentence what does not hold.
    """
    entry = NETWORKS[name]
    assert isinstance(entry, ConvertedNetwork)  # noqa: S101  # others are not asked for
    return _require_convertible(entry, dataset)


@lru_cache(maxsize=32)
def _require_convertible(entry: ConvertedNetwork, dataset: DatasetShape) -> str:
    name = entry.name
    config = ModelConfig(dataset=dataset, network=name, mask_count=1)
    with torch.random.fork_rng(devices=[]):
        plain = _new(entry, dataset).to(memory_format=torch.channels_last).eval()
        _require_logits(plain, dataset, "")
        found = build_conversion(config, entry, torch.Generator())
        if not found.turned:
            reasons = _reasons(found) or "it has none"
            raise ValueError(f"has no k×k convolution to turn: {reasons}")
        network = found.network.to(memory_format=torch.channels_last).train()
        _require_logits(network, dataset, "in training ")
    _require_repeatable(config)
    kept = f"; {_reasons(found)}" if found.kept else ""
    return (
        f"{len(found.turned)} of the {len(found.turned) + len(found.kept)} k×k convolutions of "
        f"{name} become the layer{kept}"
    )


def _new(entry: ConvertedNetwork, dataset: DatasetShape) -> nn.Module:
    """Build the network as it is."""
    try:
        network = entry.new(dataset)
    except ValueError as error:
        if entry.builder is None:  # which says what is wrong by itself
            raise
        raise _refused(dataset, "be built for", error) from error
    except Exception as error:  # whatever somebody's code raises
        raise _refused(dataset, "be built for", error) from error
    if not isinstance(network, nn.Module):
        raise ValueError(
            f"gives {type(network).__name__}: accepted is a function to a torch.nn.Module"
        )
    return network


def _require_logits(network: nn.Module, dataset: DatasetShape, when: str) -> None:
    """Check that a network maps images to logits."""
    for count in (1, 2) if not network.training else (2,):
        try:
            given = network(example_images(dataset, count))
        except Exception as error:  # whatever somebody's code raises
            raise _refused(dataset, f"{when}take", error) from error
        expected = [count, dataset.classes]
        shape = [*given.shape] if isinstance(given, torch.Tensor) else type(given).__name__
        if shape != expected:
            raise ValueError(
                f"gives {when}{shape} for {count} image{'s' if count > 1 else ''}: logits of shape "
                f"{expected} are expected"
            )


def _require_repeatable(config: ModelConfig) -> None:
    """Check that a seed gives the same weights, and each call a network of its own."""
    first, second = (build_model(config, 0) for _ in range(2))
    weights = [dict(network.named_parameters()) for network in (first, second)]
    if not any(weight.requires_grad for weight in weights[0].values()):
        raise ValueError("has nothing that can be learned")
    for name, weight in weights[0].items():
        if weight is weights[1].get(name):
            raise ValueError("gives the same network again: each call must build a new one")
        if not torch.equal(weight, weights[1][name]):
            raise ValueError(
                f"gives other weights ({name}) at the same seed: accepted are those that torch's "
                "global generator draws"
            )


def _refused(dataset: DatasetShape, what: str, error: Exception) -> ValueError:
    size = f"{dataset.channels}×{dataset.height}×{dataset.width}"
    return ValueError(f"cannot {what} images of {size}: it raised {describe(error)}")


def _reasons(found: Conversion) -> str:
    shown = [f"{name} stays: {reason}" for name, reason in [*found.kept.items()][:_SHOWN]]
    more = len(found.kept) - len(shown)
    return "; ".join([*shown, *([f"and {more} more"] if more > 0 else [])])
