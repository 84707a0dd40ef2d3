"""Section 3.3 and 3.4 of the paper, measured on real images.

The macro view: weights that make a perturbation layer equal a convolution are fitted on some images
and tested on others. The micro view: the variance of a convolution's n_c and Eq. 27's prediction.

Images: scikit-learn's digits and its two photographs; nothing is downloaded. Takes a minute.

Usage: theory.py
"""

from statistics import median

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits, load_sample_images

from pnn_core.theory.micro_view import noise_variance
from pnn_core.theory.second_input import MatchErrors, perturbation_errors, pointwise_errors

SEEDS = range(5)
MASK_COUNTS = (16, 64, 256)
INPUTS = (1, 2, 4, 16, 64, 256)
HELD_OUT = 500
LEVEL = 0.5

FILTERS = {
    "centre only": np.array([[0.0, 0, 0], [0, 1, 0], [0, 0, 0]]),
    "binomial blur": np.outer([1.0, 2, 1], [1.0, 2, 1]),
    "box blur": np.ones((3, 3)),
    "shift by one pixel": np.array([[0.0, 0, 0], [0, 0, 1], [0, 0, 0]]),
    "sharpen": np.array([[0.0, -1, 0], [-1, 5, -1], [0, -1, 0]]),
    "edge (Laplacian)": np.array([[0.0, 1, 0], [1, -4, 1], [0, 1, 0]]),
}


def main() -> None:
    """Print both tables."""
    digits = load_digits().images
    # Never negative, like a perturbation layer's inputs from the ReLU before it.
    print_macro_view(digits / digits.std())
    print()
    photographs = np.stack([image.mean(axis=2) for image in load_sample_images().images])
    print("Micro view: variance of n_c over that of the pixels, measured and by Eq. 27")
    print_micro_view("digits", digits)
    print_micro_view("photographs", photographs)


def print_macro_view(images: NDArray[np.float64]) -> None:
    """Print errors on fitted and held-out images by the number of images matched at once."""
    print("Macro view: relative error of the layer that comes nearest to a 3×3 convolution")
    print(
        f"digits 8×8 (d = 64), variance 1, none negative; filter weights normal, masks uniform of "
        f"level {LEVEL}; median of seeds {SEEDS[0]} to {SEEDS[-1]} (n = {len(SEEDS)}); "
        f"{HELD_OUT} held-out images; an output of 0 has error 1"
    )
    print(f"{'k images matched at once':<30}" + "".join(f"{f'k = {k}':>20}" for k in INPUTS))
    print(f"{'':<30}" + f"{'fitted':>10}{'held out':>10}" * len(INPUTS))
    for relu in (False, True):
        for masks in MASK_COUNTS:
            name = f"{masks} masks, {'with' if relu else 'no'} ReLU"
            rows = [layer_errors(images, inputs, masks, relu=relu) for inputs in INPUTS]
            print(f"{name:<30}" + "".join(map(errors_cell, rows)))
    rows = [one_by_one_errors(images, inputs) for inputs in INPUTS]
    print(f"{'no noise: 1×1 + constant map':<30}" + "".join(map(errors_cell, rows)))


def layer_errors(
    images: NDArray[np.float64], inputs: int, masks: int, *, relu: bool
) -> list[MatchErrors]:
    """Return errors of a perturbation layer, one for each seed."""
    errors = []
    for seed in SEEDS:
        weights, fitted, held_out, rng = drawn(images, inputs, seed)
        noise = rng.uniform(-LEVEL, LEVEL, size=(masks, *images.shape[1:]))
        errors.append(perturbation_errors(fitted, held_out, weights, noise, relu=relu))
    return errors


def one_by_one_errors(images: NDArray[np.float64], inputs: int) -> list[MatchErrors]:
    """Return errors of a 1×1 convolution and a constant map, one for each seed."""
    return [
        pointwise_errors(fitted, held_out, weights)
        for weights, fitted, held_out, _ in (drawn(images, inputs, seed) for seed in SEEDS)
    ]


def drawn(
    images: NDArray[np.float64], inputs: int, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], np.random.Generator]:
    """Draw a filter, images to fit and held-out ones: for one seed the same at every size."""
    rng = np.random.default_rng(seed)
    weights = rng.normal(size=(3, 3))
    order = rng.permutation(len(images))
    return weights, images[order[HELD_OUT:][:inputs]], images[order[:HELD_OUT]], rng


def errors_cell(errors: list[MatchErrors]) -> str:
    """Format the median error on fitted and held-out images."""
    medians = (
        median(error.fitted for error in errors),
        median(error.held_out for error in errors),
    )
    return "".join(f"{value:>10.3f}" if value < 1000 else f"{value:>10.0e}" for value in medians)


def print_micro_view(name: str, images: NDArray[np.float64]) -> None:
    """Print measured and predicted variance of n_c for several filters."""
    reference = noise_variance(images, FILTERS["centre only"])
    print(
        f"{name}: n = {len(images)} of {images.shape[1]}×{images.shape[2]}, "
        f"{reference.patches} patches, neighbours' correlation ρ = {reference.correlation:.3f}"
    )
    print(f"{'filter':<28}{'measured':>10}{'Eq. 27':>10}{'as printed':>12}{'measured/Eq. 27':>17}")
    for filter_name, weights in FILTERS.items():
        try:
            result = noise_variance(images, weights)
        except ValueError as error:
            print(f"{filter_name:<28}none: {error}")
            continue
        shares = [
            value / result.pixel_variance
            for value in (result.measured, result.predicted, result.printed)
        ]
        ratio = f"{shares[0] / shares[1]:.2f}" if shares[1] > 0 else "-"
        print(f"{filter_name:<28}{shares[0]:>10.4f}{shares[1]:>10.4f}{shares[2]:>12.4f}{ratio:>17}")


if __name__ == "__main__":
    main()
