"""Construction of a network from a `ModelConfig` and seeds."""

from collections.abc import Callable, Mapping
from typing import Protocol

import torch
from torch import nn

from pnn_core.config import CLASSIFICATION, DETECTION, ModelConfig
from pnn_core.layers.initialisation import draw_published_weights
from pnn_core.parts.networks import NETWORKS
from pnn_core.parts.networks.detector_network import DetectorNetwork
from pnn_core.rng.seeds import Seeds


class InitialWeights(Protocol):
    """Weights that a network begins with; `pnn_core.models.initial_weights` has them."""

    def require_fit(self, config: ModelConfig) -> None:
        """Refuse a network that they are not of; raises a ValueError."""

    def copy_into(self, network: nn.Module, config: ModelConfig) -> None:
        """Copy them into a network of those settings."""


def build_model(
    config: ModelConfig, seeds: Seeds | int, initial: InitialWeights | None = None
) -> nn.Module:
    """Build a network on the CPU; the same config and seeds give the same weights and masks.

    Torch's global random state is left as it was.

    Args:
        config: Network to build.
        seeds: Seeds of the training run (`Seeds.of`), or one for all of its streams.
        initial: Weights to begin with in the place of those that are drawn; None for none.

    Raises:
        ValueError: The network cannot be built, or the weights are of another one.
    """
    if initial is not None:
        initial.require_fit(config)
    if isinstance(seeds, int):
        seeds = Seeds.same(seeds)
    masks = torch.Generator().manual_seed(seeds.generator_seed("masks"))
    with torch.random.fork_rng(devices=[]):
        # Of the CPU alone: `torch.manual_seed` would seed every GPU, too, which nothing puts back.
        torch.default_generator.manual_seed(seeds.generator_seed("initialisation"))
        network = build_network(config, masks)
    if initial is not None:
        initial.copy_into(network, config)
    return network


def build_shapes(config: ModelConfig) -> nn.Module:
    """Build a network of which shapes alone matter; torch's global random state stays as it was.

    Its tensors are on the meta device, but for those of a converted network that are not turned.
    """
    with torch.random.fork_rng(devices=[]), torch.device("meta"):
        return build_network(config, torch.Generator(device="cpu"))


def build_network(config: ModelConfig, generator: torch.Generator) -> nn.Module:
    """Build a network on torch's current device, with weights from its global generator.

    Args:
        config: Network to build.
        generator: CPU source of the randomness of masks and filters.

    Raises:
        ValueError: The network cannot be built.
    """
    if refusal := NETWORKS[config.network].refusal(config):
        raise ValueError(refusal)
    return _BUILDERS[config.dataset.task](config, generator)


def _build_classifier(config: ModelConfig, generator: torch.Generator) -> nn.Module:
    network = NETWORKS[config.network].build(config, generator)
    _draw_weights(network, config)
    return network


def _build_detector(config: ModelConfig, generator: torch.Generator) -> nn.Module:
    from pnn_core.models.detector import Detector  # imports torchvision

    network = NETWORKS[config.network]
    assert isinstance(network, DetectorNetwork)  # noqa: S101  # no other has detection for a task
    backbone = network.backbone(config, generator)
    for part in (backbone.features, backbone.head):
        _draw_weights(part, config)
    return Detector(network.detector(config), backbone, config.dataset.classes)


_BUILDERS: Mapping[str, Callable[[ModelConfig, torch.Generator], nn.Module]] = {
    CLASSIFICATION: _build_classifier,
    DETECTION: _build_detector,
}
"""Functions that build a network for each task."""


def _draw_weights(network: nn.Module, config: ModelConfig) -> None:
    if config.initialisation == "published":
        draw_published_weights(network)
