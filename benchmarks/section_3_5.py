"""Claims of the paper's Section 3.5, measured: scale, distances, sparseness, receptive field.

Images: scikit-learn's digits and its two photographs; nothing is downloaded. Takes a few minutes on
one core, most of it training of small networks on the digits.

Usage: section_3_5.py [PICTURE.svg]
"""

import sys
from dataclasses import replace
from pathlib import Path
from statistics import mean, median

import numpy as np
import scipy
import torch
from machine import print_footer, say
from numpy.typing import NDArray
from section_3_5_networks import CELLS, print_fields, print_shuffles
from section_3_5_picture import Figures, draw
from sklearn.datasets import load_digits, load_sample_images
from torch import nn

from pnn_core.config import DatasetShape, ModelConfig
from pnn_core.parts.feature_map import FeatureMap
from pnn_core.parts.layer_place import LayerPlace
from pnn_core.parts.layers import SPATIAL_LAYERS
from pnn_core.theory.distance_preservation import (
    DistancePreservation,
    distance_preservation,
    random_projection,
)
from pnn_core.theory.multi_scale import (
    SizeErrors,
    filter_to_layer_errors,
    layer_to_filter_errors,
)
from pnn_core.theory.sparse_interactions import interactions

SEEDS = range(5)
LEVELS = (0.0, 0.1, 0.5, 1.0, 2.0, 5.0)

RANDOM = "layer fitted to random filters"
AVERAGES = "layer fitted to averages"
LAYERS = "filter fitted to layer"
SIZES = (1, 3, 5, 7)
PATCH = 16
PATCHES = 32
MASKS = 64

CHANNELS = 8
FAN_OUTS = (1, 4, 16)
DISTANCE_SEEDS = range(20)
"""More than elsewhere: how well a random 8×8 matrix keeps distances differs much by seed."""

DIGITS = 200


def main() -> None:
    """Print all tables and draw the picture."""
    torch.set_num_threads(1)
    print(f"Seeds {SEEDS[0]} to {SEEDS[-1]} (n = {len(SEEDS)}) where not said otherwise\n")
    figures = Figures(
        sizes=SIZES,
        size_errors=print_multi_scale(),
        levels=LEVELS,
        distances=print_distances(),
        shares=print_interactions() | print_fields(),
        accuracies={
            name: (values[0], values[CELLS.index(2)])
            for name, values in print_shuffles(SEEDS).items()
        },
    )
    versions = {"torch": torch.__version__, "scipy": scipy.__version__}
    print_footer(versions)
    if len(sys.argv) > 1:
        draw(figures, Path(sys.argv[1]))


def print_multi_scale() -> dict[float, list[float]]:
    """Print errors by level and filter size; return those of `RANDOM`, by level."""
    print(
        f"Multi-scale: {MASKS} masks; photographs, {PATCHES} fitted and {PATCHES} held-out patches "
        f"of {PATCH}×{PATCH}, variance 1; median error"
    )
    tables = {kind: print_sizes(kind) for kind in (RANDOM, AVERAGES, LAYERS)}
    print()
    return tables[RANDOM]


def print_sizes(kind: str) -> dict[float, list[float]]:
    """Print the median error of each filter size and every seed's best size, by level."""
    say(kind)
    print(f"{kind:<34}" + "".join(f"{f'k = {k}':>8}" for k in SIZES) + f"{'best k':>8}")
    table = {}
    for level in LEVELS:
        found = [scale_errors(kind, level, seed) for seed in SEEDS]
        table[level] = [median(one.errors[i] for one in found) for i in range(len(SIZES))]
        best = ", ".join(map(str, sorted({one.best_size for one in found})))
        cells = "".join(f"{error:>8.3f}" for error in table[level])
        print(f"{f'level {level:g}':<34}{cells}{best:>8}")
    return table


def scale_errors(kind: str, level: float, seed: int) -> SizeErrors:
    """Fit layers to filters, or filters to a layer, on patches of photographs."""
    rng = np.random.default_rng(seed)
    patches = photograph_patches()
    order = rng.permutation(len(patches))
    fitted, held_out = patches[order[:PATCHES]], patches[order[PATCHES : 2 * PATCHES]]
    masks = level * rng.uniform(-1, 1, size=(MASKS, PATCH, PATCH))
    combination = rng.normal(size=MASKS)
    if kind == LAYERS:
        return filter_to_layer_errors(fitted, held_out, masks, combination, SIZES)
    if kind == AVERAGES:
        filters = [np.ones((k, k)) for k in SIZES]
    else:
        filters = [rng.normal(size=(k, k)) for k in SIZES]
    return layer_to_filter_errors(fitted, held_out, masks, filters)


def photograph_patches() -> NDArray[np.float64]:
    """Cut scikit-learn's photographs into patches, `[n, 16, 16]`, none of which overlap.

    Never negative, like a perturbation layer's inputs from the ReLU before it.
    """
    cut = []
    for photograph in load_sample_images().images:
        grey = photograph.mean(axis=2)
        rows, columns = (side // PATCH for side in grey.shape)
        grid = grey[: rows * PATCH, : columns * PATCH].reshape(rows, PATCH, columns, PATCH)
        cut.append(grid.transpose(0, 2, 1, 3).reshape(-1, PATCH, PATCH))
    patches = np.concatenate(cut)
    return np.asarray(patches / patches.std())


def print_distances() -> dict[str, list[float]]:
    """Print what layers do to distances; return mean rank correlations by level."""
    print(
        f"Distances: {DIGITS} digits behind a random 3×3 and a ReLU, {CHANNELS} channels of 8×8, "
        f"variance 1; mean ± standard deviation of seeds {DISTANCE_SEEDS[0]} to "
        f"{DISTANCE_SEEDS[-1]}"
    )
    print(f"{'to 8 channels of 8×8':<34}{'rank correlation':>18}{'spread':>10}{'max/min':>10}")
    found: dict[str, list[float]] = {}
    for fan_out in FAN_OUTS:
        name = f"{fan_out * CHANNELS} masks"
        found[name] = []
        for level in LEVELS:
            config = layer_config("perturbation", fan_out=fan_out, level=level)
            results = [layer_distances(config, seed) for seed in DISTANCE_SEEDS]
            found[name].append(print_preserved(f"{name}, level {level:g}", results))
    flat = [layer_distances(layer_config("conv1x1"), seed) for seed in DISTANCE_SEEDS]
    found["1×1"] = [print_preserved("1×1, no noise, no ReLU", flat)] * len(LEVELS)
    projected = []
    for seed in DISTANCE_SEEDS:
        inputs = stem_maps(seed).numpy()
        outputs = random_projection(inputs, inputs[0].size, np.random.default_rng(seed))
        projected.append(distance_preservation(inputs, outputs))
    found["random projection"] = [print_preserved("random projection", projected)] * len(LEVELS)
    print()
    return found


def print_preserved(name: str, results: list[DistancePreservation]) -> float:
    """Print means over seeds; return the mean rank correlation."""
    ranks = [result.rank_correlation for result in results]
    print(
        f"{name:<34}{mean(ranks):>10.3f} ±{np.std(ranks, ddof=1):>6.3f}"
        f"{mean(result.relative_spread for result in results):>10.3f}"
        f"{mean(result.distortion for result in results):>10.2f}"
    )
    return mean(ranks)


def layer_config(
    layer: str, *, fan_out: int = 1, level: float = 0.5, grouped: bool = False
) -> ModelConfig:
    """Describe a layer of the paper's text (Eq. 2): noise, ReLU, 1×1."""
    shape = DatasetShape(channels=1, height=8, width=8, classes=10)
    config = ModelConfig(
        dataset=shape,
        layer=layer,
        mask_count=CHANNELS * fan_out,
        fan_out=fan_out,
        order="noise_relu_conv",
        grouped=grouped,
    )
    return replace(config, mask=replace(config.mask, noise_level=level))


def build_layer(config: ModelConfig, seed: int) -> nn.Module:
    """Build one layer of as many outputs as inputs, and no bias."""
    torch.manual_seed(seed)
    place = LayerPlace(
        inputs=FeatureMap(channels=config.width, height=8, width=8),
        out_channels=config.width,
        bias=False,
    )
    masks = torch.Generator().manual_seed(seed)
    return SPATIAL_LAYERS[config.layer].build(config, place, masks).eval()


@torch.no_grad()
def layer_distances(config: ModelConfig, seed: int) -> DistancePreservation:
    """Measure a layer with initial weights."""
    inputs = stem_maps(seed)
    outputs = build_layer(config, seed)(inputs.clone())
    return distance_preservation(inputs.double().numpy(), outputs.double().numpy())


@torch.no_grad()
def stem_maps(seed: int) -> torch.Tensor:
    """Return what a first perturbation layer is given, `[digits, channels, 8, 8]`."""
    torch.manual_seed(seed)
    digits = torch.from_numpy(load_digits().images[:DIGITS]).float()[:, None]
    maps = torch.relu(nn.Conv2d(1, CHANNELS, 3, padding=1)(digits - digits.mean()))
    return maps / maps.std()


def print_interactions() -> dict[str, tuple[float, float]]:
    """Print what outputs of one layer depend on; return the shares of the map that they see."""
    print(f"Sparse interactions: {CHANNELS} to {CHANNELS} channels of 8×8")
    print(f"{'layer':<34}{'pixels':>10}{'entries':>10}{'density':>10}")
    inputs = CHANNELS * 64
    dense = nn.Sequential(nn.Flatten(), nn.Linear(inputs, inputs))
    layers = {
        "perturbation": build_layer(layer_config("perturbation", fan_out=4), 0),
        "perturbation, grouped 1×1": build_layer(
            layer_config("perturbation", fan_out=4, grouped=True), 0
        ),
        "1×1": build_layer(layer_config("conv1x1"), 0),
        "3×3": build_layer(layer_config("conv3x3"), 0),
        "fully connected": dense,
    }
    images = torch.randn(32, CHANNELS, 8, 8, generator=torch.Generator().manual_seed(0))
    found = {}
    for name, layer in layers.items():
        result = interactions(layer, images)
        found[name] = result.pixels_per_output / 64
        print(
            f"{name:<34}{result.pixels_per_output:>10}{result.entries_per_output:>10}"
            f"{result.density:>10.4f}"
        )
    print()
    return {"one layer, 8×8": (found["perturbation"], found["3×3"])}


if __name__ == "__main__":
    main()
