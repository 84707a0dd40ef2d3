"""Table 1: PNN-ResNet-18 on ImageNet-1k by mask count."""

from optuna.distributions import CategoricalDistribution

from pnn_core.config import DatasetShape
from search_spaces.paper import paper_table
from search_spaces.space import SearchSpace

MASK_COUNTS = (256, 128, 64)


def SPACE(dataset: DatasetShape, network: str | None = None) -> SearchSpace:  # noqa: N802  # the name that every space file defines
    """Stated by Section 5.1: the network and its mask counts, ImageNet's images at 224×224.

    Our reading: the 7×7 first layer there, as usual at that size. The table's parameter ratios come
    out within 3%, but hardly depend on it. The rest as in `search_spaces.paper`.
    """
    return paper_table(
        name="paper_table1",
        summary="PNN-ResNet-18 with 256, 128 and 64 masks (Table 1: ImageNet-1k)",
        dataset=dataset,
        network=network or "resnet18",
        axes={"mask_count": CategoricalDistribution(MASK_COUNTS)},
    )
