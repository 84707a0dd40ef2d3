"""Torch generators, made from other generators."""

import torch

from pnn_core.rng.seeds import spawned_seed


def spawn(generator: torch.Generator) -> torch.Generator:
    """Make an independent generator from another one's seed, whose draws stay as they are."""
    return torch.Generator().manual_seed(spawned_seed(generator.initial_seed()))
