"""Construction of a network from a `ModelConfig` and seeds."""

import torch
from torch import nn

from pnn_core.config import ModelConfig
from pnn_core.layers.initialisation import draw_published_weights
from pnn_core.parts.networks import NETWORKS
from pnn_core.rng.seeds import Seeds


def build_model(config: ModelConfig, seeds: Seeds | int) -> nn.Module:
    """Build a network on the CPU; the same config and seeds give the same weights and masks.

    Torch's global random state is left as it was.

    Args:
        config: Network to build.
        seeds: Seeds of the training run (`Seeds.of`), or one for all of its streams.
    """
    if isinstance(seeds, int):
        seeds = Seeds.same(seeds)
    masks = torch.Generator().manual_seed(seeds.generator_seed("masks"))
    with torch.random.fork_rng(devices=[]):
        # Of the CPU alone: `torch.manual_seed` would seed every GPU, too, which nothing puts back.
        torch.default_generator.manual_seed(seeds.generator_seed("initialisation"))
        return build_network(config, masks)


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
    """
    network = NETWORKS[config.network].build(config, generator)
    if config.initialisation == "published":
        draw_published_weights(network)
    return network
