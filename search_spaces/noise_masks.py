"""The question of the paper's Tables 3, 5 and 6, in one space."""

from optuna.distributions import CategoricalDistribution, FloatDistribution

from pnn_core.config import DatasetShape
from search_spaces import paper_table3, paper_table5, paper_table6
from search_spaces.space import SearchSpace

SMALL_IMAGE_MASK_COUNTS = (8, 16, 24, 32, 48)
SMALLEST_RESNET18_IMAGE = 32
"""Pixels; smaller images get the smaller network, which two cores train in seconds."""


def SPACE(dataset: DatasetShape) -> SearchSpace:  # noqa: N802  # the name that every space file defines
    """PNN-ResNet-18 on images of 32×32 pixels and more, PNN-ResNet-8 on smaller ones."""
    large = min(dataset.height, dataset.width) >= SMALLEST_RESNET18_IMAGE
    return SearchSpace(
        name="noise_masks",
        summary="mask count, noise level, fan-out and batch size of PNN-ResNets (Tables 3, 5, 6)",
        axes={
            "mask_count": CategoricalDistribution(
                sorted(paper_table5.MASK_COUNTS) if large else SMALL_IMAGE_MASK_COUNTS
            ),
            "noise_level": FloatDistribution(0.01, 5.0, log=True),
            "fan_out": CategoricalDistribution((1, 2, 4, 8)),
            "batch_size": CategoricalDistribution(paper_table6.BATCH_SIZES),
        },
        fixed={"network": "resnet18" if large else "resnet8"},
        grid={"noise_level": paper_table3.NOISE_LEVELS},
    )
