"""Torch generators, made from other generators."""

import torch

from pnn_core.rng.seeds import numbered_seed, spawned_seed


def spawn(generator: torch.Generator) -> torch.Generator:
    """Make an independent generator from another one's seed, whose draws stay as they are."""
    return torch.Generator().manual_seed(spawned_seed(generator.initial_seed()))


def numbered(seed: int, number: int, device: torch.device) -> torch.Generator:
    """Make the generator of that number, from 0, among the independent ones of a seed."""
    return torch.Generator(device).manual_seed(numbered_seed(seed, number))
