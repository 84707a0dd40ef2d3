"""Receptive fields of whole networks, and what the order of nearby pixels is worth to them.

A part of `section_3_5.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from machine import say
from torch import nn

from pnn_core.config import DatasetShape, ModelConfig, OptimConfig, StemConfig, TrialConfig
from pnn_core.data import LabelledImages, load_training_data
from pnn_core.models.build import build_model
from pnn_core.theory.receptive_field import (
    GradientSupport,
    gradient_support,
    shuffled_within_cells,
)
from pnn_core.training.trainer import Trainer

CELLS = (1, 2, 4, 8)
EPOCHS = 12
WIDTH = 8
FIELD_IMAGES = 24


@dataclass(frozen=True, kw_only=True)
class Setup:
    """Network whose receptive field is measured.

    Attributes:
        name: Name of its row.
        network: Name in `NETWORKS`.
        side: Height and width of the images.
        stem: Name in `STEMS`.
    """

    name: str
    network: str
    side: int
    stem: str = "conv3x3"


SETUPS = (
    Setup(name="ResNet-8, digits", network="resnet8", side=8),
    Setup(name="ResNet-18, CIFAR-10", network="resnet18", side=32),
    Setup(name="VGG-16, CIFAR-10", network="vgg16", side=32),
    Setup(name="ResNet-18, ImageNet", network="resnet18", side=224, stem="conv7x7"),
)


def print_fields() -> dict[str, tuple[float, float]]:
    """Print receptive fields; return their shares of the image with perturbation and with 3×3."""
    print("Receptive field of the middle unit of the last stage: extent, share of the image")
    print(f"{'network':<34}{'perturbation':>20}{'3×3':>20}")
    shares = {}
    for setup in SETUPS:
        noise, spatial = (field(setup, layer) for layer in ("perturbation", "conv3x3"))
        shares[setup.name] = noise.share, spatial.share
        cells = [f"{f.extent[0]}×{f.extent[1]}, {f.share:.0%}" for f in (noise, spatial)]
        print(f"{setup.name:<34}" + "".join(f"{cell:>20}" for cell in cells))
    print()
    return shares


def print_shuffles(seeds: Sequence[int]) -> dict[str, list[float]]:
    """Print accuracies on shuffled images; return their means, for each of `CELLS`."""
    print(
        f"Validation accuracy on digits, ResNet-8, 16 masks, level 1, {EPOCHS} epochs, pixels "
        f"shuffled within cells: mean ± standard deviation"
    )
    print(f"{'network':<34}" + "".join(f"{f'{c}×{c}':>14}" for c in CELLS))
    found = {}
    for name, layer, stem in NETWORKS:
        say(f"training: {name}")
        rows = np.array([shuffled_accuracies(layer, stem, seed) for seed in seeds])
        found[name] = [float(value) for value in rows.mean(axis=0)]
        spreads = rows.std(axis=0, ddof=1)
        cells = [f"{m:.1%} ±{s:.1%}" for m, s in zip(found[name], spreads, strict=True)]
        print(f"{name:<34}" + "".join(f"{cell:>14}" for cell in cells))
    return found


NETWORKS = (
    ("perturbation", "perturbation", "conv3x3"),
    ("perturbation, noise stem", "perturbation", "perturbation"),
    ("noise off", "noise_off", "conv3x3"),
    ("3×3", "conv3x3", "conv3x3"),
)
"""Name, layer and stem of each network that is trained."""


def field(setup: Setup, layer: str) -> GradientSupport:
    """Measure the receptive field of a network with initial weights."""
    config = ModelConfig(
        dataset=DatasetShape(channels=3, height=setup.side, width=setup.side, classes=10),
        network=setup.network,
        layer=layer,
        mask_count=WIDTH,
        first_layer=StemConfig(stem=setup.stem),
    )
    model = build_model(config, 0).eval()
    features = nn.Sequential(*list(model.children())[:-1])  # without the classifier
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(FIELD_IMAGES, 3, setup.side, setup.side, generator=generator)
    return gradient_support(features, images, generator)


def shuffled_accuracies(layer: str, stem: str, seed: int) -> list[float]:
    """Train a network and return its accuracy on validation images, shuffled within each cell."""
    data = load_training_data("digits", Path("data"))
    model = ModelConfig(
        dataset=data.shape,
        network="resnet8",
        layer=layer,
        mask_count=16,
        first_layer=StemConfig(stem=stem, stem_noise_level=1.0, stem_fan_out=16),
    )
    model = replace(model, mask=replace(model.mask, noise_level=1.0))
    config = TrialConfig(model=model, optim=OptimConfig(batch_size=20), epochs=EPOCHS, seed=seed)
    trainer = Trainer(config, data.traits, data.train, torch.device("cpu"))
    for _ in range(EPOCHS):
        trainer.train_epoch()
    accuracies = []
    assert isinstance(data.validation, LabelledImages)
    pixels = torch.from_numpy(data.validation.images)
    for cell in CELLS:
        shuffled = shuffled_within_cells(pixels, cell, torch.Generator().manual_seed(seed))
        images = LabelledImages(images=shuffled.numpy(), labels=data.validation.labels)
        accuracies.append(trainer.evaluate(trainer.source(images)).epoch_metrics()["val_accuracy"])
    return accuracies
