"""Seeds of independent generators, derived from one, so that sources of luck can be told apart.

Needs no torch.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from pnn_core.config import TrialConfig

SeedPurpose = Literal["initialisation", "masks", "data_order"]


@dataclass(frozen=True, kw_only=True)
class Seeds:
    """One seed for each purpose of a training run.

    Generators of two purposes are independent, also where their seeds are equal.

    Attributes:
        initialisation: Seed of learned weights.
        masks: Seed of masks and of fixed filters and weights.
        data_order: Seed of the order of the images, crops and flips.
    """

    initialisation: int
    masks: int
    data_order: int

    @classmethod
    def of(cls, trial: TrialConfig) -> "Seeds":
        """Take the trial's own seed for each purpose and, where it has none, its `seed`."""

        def chosen(own: int | None) -> int:
            return trial.seed if own is None else own

        return cls(
            initialisation=chosen(trial.initialisation_seed),
            masks=chosen(trial.mask_seed),
            data_order=chosen(trial.data_order_seed),
        )

    @classmethod
    def same(cls, seed: int) -> "Seeds":
        """Use one seed for all purposes."""
        return cls(initialisation=seed, masks=seed, data_order=seed)

    def generator_seed(self, purpose: SeedPurpose) -> int:
        """Return the number that a generator for this purpose is seeded with."""
        return generator_seed(getattr(self, purpose), purpose)


def generator_seed(seed: int, purpose: SeedPurpose) -> int:
    """Derive a generator's seed: generators of two purposes or of two runs are independent."""
    return _derived(seed, get_args(SeedPurpose).index(purpose))


def spawned_seed(seed: int) -> int:
    """Derive the seed of a generator that `pnn_core.rng.generators.spawn` makes of another one.

    Args:
        seed: The other generator's seed.
    """
    return _derived(seed, 0)


def numbered_seed(seed: int, number: int) -> int:
    """Derive the seed of that number, from 0, of many independent ones."""
    return _derived(seed, number)


def _derived(seed: int, index: int) -> int:
    return int(np.random.SeedSequence(seed, spawn_key=(index,)).generate_state(1, np.uint64)[0])
