"""Claim that a perturbation network preserves distances (paper, Section 3.5).

"PNN also has distance preserving property": the paper gives no equation and leaves the rest to a
supplement. Before the ReLU it is exact and trivial: the same noise is added to every input, so
(x + n) − (x' + n) = x − x'. The ReLU is 1-Lipschitz and can only bring maps nearer to each other;
the 1×1 behind it is a random linear map of few dimensions. What is left is measured on pairs of
inputs and outputs, beside other maps.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import pdist
from scipy.stats import spearmanr


@dataclass(frozen=True, kw_only=True)
class DistancePreservation:
    """Distances between outputs over those between inputs: r = ‖f(x) − f(x')‖ / ‖x − x'‖.

    Attributes:
        distortion: Largest r over smallest r, 1 for a similarity; infinite if two outputs are
            equal. The scale of the outputs does not matter.
        relative_spread: Standard deviation of r over its mean, 0 for a similarity.
        rank_correlation: Spearman's correlation of input with output distances, in [−1, 1].
        pairs: Number of pairs measured.
    """

    distortion: float
    relative_spread: float
    rank_correlation: float
    pairs: int


def distance_preservation(
    inputs: NDArray[np.float64], outputs: NDArray[np.float64]
) -> DistancePreservation:
    """Compare Euclidean distances between all pairs of inputs with those between their outputs.

    Args:
        inputs: Distinct inputs, [n, ...], n at least 3.
        outputs: Output of each, [n, ...].

    Raises:
        ValueError: The numbers differ or are below 3, two inputs are equal, or all outputs are.
    """
    if len(inputs) != len(outputs) or len(inputs) < 3:
        raise ValueError(
            f"inputs (={len(inputs)}) and outputs (={len(outputs)}) must be as many, 3 at least"
        )
    before = pdist(inputs.reshape(len(inputs), -1))
    after = pdist(outputs.reshape(len(outputs), -1))
    if before.min() == 0:
        raise ValueError("two inputs are equal: their distance has no ratio")
    if after.max() == 0:
        raise ValueError("all outputs are equal: no distance is left to compare")
    ratios = after / before
    smallest = float(ratios.min())
    return DistancePreservation(
        distortion=float(ratios.max()) / smallest if smallest > 0 else float("inf"),
        relative_spread=float(ratios.std() / ratios.mean()),
        rank_correlation=float(spearmanr(before, after).statistic),
        pairs=len(before),
    )


def random_projection(
    inputs: NDArray[np.float64], dimension: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Project inputs by a matrix of independent normal numbers of variance 1/dimension.

    Squared distances are kept in the mean, and their relative deviation falls as
    √(2 / dimension) (W. B. Johnson, J. Lindenstrauss, 1984).

    Args:
        inputs: Inputs, [n, ...].
        dimension: Dimension of the outputs, at least 1.
        rng: Source of the matrix.

    Returns:
        [n, dimension].
    """
    flat = inputs.reshape(len(inputs), -1)
    matrix = rng.normal(scale=dimension**-0.5, size=(flat.shape[1], dimension))
    return np.asarray(flat @ matrix)
