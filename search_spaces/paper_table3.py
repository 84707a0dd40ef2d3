"""Table 3: PNN-ResNet-50 on ImageNet-100 by noise level."""

from optuna.distributions import CategoricalDistribution

from pnn_core.config import DatasetShape
from search_spaces.paper import paper_table
from search_spaces.space import SearchSpace

NOISE_LEVELS = (0.01, 0.05, 0.1, 0.5, 1.0, 5.0)


def SPACE(dataset: DatasetShape, network: str | None = None) -> SearchSpace:  # noqa: N802  # the name that every space file defines
    """Stated by Section 5.2: the network, 256 masks, uniform noise and its levels.

    Our reading: the 7×7 first layer at ImageNet's 224×224. The rest as in `search_spaces.paper`.
    """
    return paper_table(
        name="paper_table3",
        summary="PNN-ResNet-50 with 256 masks at six noise levels (Table 3: ImageNet-100)",
        dataset=dataset,
        network=network or "resnet50",
        axes={"noise_level": CategoricalDistribution(NOISE_LEVELS)},
        stated={"mask_count": 256, "noise_distribution": "uniform"},
    )
