"""Section 4.2's claim that Gaussian noise performs comparably, at equal variance."""

from optuna.distributions import CategoricalDistribution

from pnn_core.config import DatasetShape
from search_spaces.paper import paper_table
from search_spaces.paper_table3 import NOISE_LEVELS
from search_spaces.space import SearchSpace


def SPACE(dataset: DatasetShape, network: str | None = None) -> SearchSpace:  # noqa: N802  # the name that every space file defines
    """Put U(−ℓ, ℓ) beside the normal distribution of its variance, ℓ²/3, at each level of Table 3.

    Stated by Section 4.2: uniform noise, of which Gaussian noise "performs comparably"; no figure.
    Our reading: PNN-ResNet-18 with 128 masks, as in Table 5 and the authors' code; the rest as in
    `search_spaces.paper`.
    """
    return paper_table(
        name="gaussian_noise",
        summary="uniform and normal noise of equal variance at six levels (Section 4.2)",
        dataset=dataset,
        network=network or "resnet18",
        axes={
            "noise_distribution": CategoricalDistribution(("uniform", "normal")),
            "noise_level": CategoricalDistribution(NOISE_LEVELS),
        },
        stated={"mask_count": 128},
    )
