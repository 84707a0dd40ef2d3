"""Separate random streams from one seed, so that one kind of luck can be told from another.

Needs no torch.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from pnn_core.config import TrialConfig

Stream = Literal["initialisation", "masks", "data_order"]


@dataclass(frozen=True, kw_only=True)
class Seeds:
    """A seed for each random stream of a training run.

    Each stands for its own stream: equal numbers do not make two streams alike.

    Attributes:
        initialisation: Of learned weights.
        masks: Of masks and of fixed filters and weights.
        data_order: Of the order of the images, crops and flips.
    """

    initialisation: int
    masks: int
    data_order: int

    @classmethod
    def of(cls, trial: TrialConfig) -> "Seeds":
        """The trial's own seed of each stream and, where it has none, its `seed`."""

        def chosen(own: int | None) -> int:
            return trial.seed if own is None else own

        return cls(
            initialisation=chosen(trial.initialisation_seed),
            masks=chosen(trial.mask_seed),
            data_order=chosen(trial.data_order_seed),
        )

    @classmethod
    def same(cls, seed: int) -> "Seeds":
        """One seed for all streams."""
        return cls(initialisation=seed, masks=seed, data_order=seed)

    def stream_seed(self, stream: Stream) -> int:
        """What to seed a generator of that stream with."""
        return stream_seed(getattr(self, stream), stream)


def stream_seed(seed: int, stream: Stream) -> int:
    """Seed of one stream of a training run; streams of one run, or of two, are independent."""
    return _derived(seed, get_args(Stream).index(stream))


def spawned_seed(seed: int) -> int:
    """Seed of a generator that `pnn_core.rng.generators.spawn` makes of one with the seed given."""
    return _derived(seed, 0)


def _derived(seed: int, index: int) -> int:
    return int(np.random.SeedSequence(seed, spawn_key=(index,)).generate_state(1, np.uint64)[0])
