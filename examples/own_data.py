"""Noisy squares and crosses."""

import numpy as np

CLASSES = ("square", "cross")  # a label is an index into them
SHAPE = (1, 8, 8)  # channels, height, width


def draw(seed: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    labels = generator.integers(2, size=count)
    images = generator.random((count, 1, 8, 8)) * 0.4
    images[labels == 0, 0, 2:6, 2:6] += 0.5
    images[labels == 1, 0, 3:5, :] += 0.5
    images[labels == 1, 0, :, 3:5] += 0.1
    return images, labels


def train() -> tuple[np.ndarray, np.ndarray]:
    return draw(seed=0, count=600)


def test() -> tuple[np.ndarray, np.ndarray]:
    return draw(seed=1, count=200)
