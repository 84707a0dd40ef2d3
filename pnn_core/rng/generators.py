"""Random streams (`pnn_core.rng.seeds`) as torch's generators."""

import torch

from pnn_core.rng.seeds import Seeds, spawned_seed, stream_seed

__all__ = ["Seeds", "spawn", "stream_seed"]


def spawn(generator: torch.Generator) -> torch.Generator:
    """A generator of its own, from the seed of another, whose draws it leaves as they are."""
    return torch.Generator().manual_seed(spawned_seed(generator.initial_seed()))
