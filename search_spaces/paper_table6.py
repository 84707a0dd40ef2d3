"""Table 6: PNN-ResNet-50 on CIFAR-10 by mask count and batch size."""

from optuna.distributions import CategoricalDistribution

from pnn_core.config import DatasetShape
from search_spaces.paper import paper_table
from search_spaces.space import SearchSpace

MASK_COUNTS = (32, 64, 128)
BATCH_SIZES = (10, 20, 40, 80)


def SPACE(dataset: DatasetShape, network: str | None = None) -> SearchSpace:  # noqa: N802  # the name that every space file defines
    """Stated by Section 5.3: the network, its mask counts and batch sizes, one learning rate.

    The rest as in `search_spaces.paper`.
    """
    return paper_table(
        name="paper_table6",
        summary="PNN-ResNet-50 with 32 to 128 masks in batches of 10 to 80 (Table 6: CIFAR-10)",
        dataset=dataset,
        network=network or "resnet50",
        axes={
            "mask_count": CategoricalDistribution(MASK_COUNTS),
            "batch_size": CategoricalDistribution(BATCH_SIZES),
        },
    )
