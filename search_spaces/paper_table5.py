"""Table 5: PNN-ResNet-18 on CIFAR-10 by mask count."""

from optuna.distributions import CategoricalDistribution

from pnn_core.config import DatasetShape
from search_spaces.paper import paper_table
from search_spaces.space import SearchSpace

MASK_COUNTS = (160, 128, 96, 64, 32, 16, 8)


def SPACE(dataset: DatasetShape, network: str | None = None) -> SearchSpace:  # noqa: N802  # the name that every space file defines
    """Stated by Section 5.3: the network and its mask counts; the rest as in `search_spaces.paper`.

    The batch size is our reading: 10, the best of Table 6 and that of the command in the code's
    README; the code's default is 64.
    """
    return paper_table(
        name="paper_table5",
        summary="PNN-ResNet-18 with 160 to 8 masks (Table 5: CIFAR-10)",
        dataset=dataset,
        network=network or "resnet18",
        axes={"mask_count": CategoricalDistribution(MASK_COUNTS)},
    )
