"""Separate random streams from one seed, so that one kind of luck can be told from another."""

from typing import Literal, get_args

import numpy as np

Stream = Literal["initialisation", "masks", "data_order"]


def stream_seed(seed: int, stream: Stream) -> int:
    """Seed of one stream of a training run; streams of one run, or of two, are independent."""
    index = get_args(Stream).index(stream)
    return int(np.random.SeedSequence(seed, spawn_key=(index,)).generate_state(1, np.uint64)[0])
