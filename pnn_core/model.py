"""From a `ModelConfig` and a seed to a network."""

import torch

from pnn_core.config import ModelConfig
from pnn_core.resnet import PerturbationResNet
from pnn_core.seeds import stream_seed


def build_model(config: ModelConfig, seed: int) -> PerturbationResNet:
    """Build a network on the CPU; the same config and seed give the same weights and masks.

    Torch's global random state is left as it was.

    Args:
        config: The network.
        seed: The training run's seed (`TrialConfig.seed`).
    """
    masks = torch.Generator().manual_seed(stream_seed(seed, "masks"))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(stream_seed(seed, "initialisation"))
        return PerturbationResNet(config, masks)
