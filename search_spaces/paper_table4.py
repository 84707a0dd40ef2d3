"""Table 4: the best PNN for CIFAR-10, and the one for MNIST."""

from optuna.distributions import CategoricalDistribution

from pnn_core.config import DatasetShape
from search_spaces.paper import paper_table
from search_spaces.space import SearchSpace

CIFAR10_MASK_COUNT = 64
MNIST_MASK_COUNT = 32


def SPACE(dataset: DatasetShape, network: str | None = None) -> SearchSpace:  # noqa: N802  # the name that every space file defines
    """Stated by Section 5.3: PNN-ResNet-50, batches of 10; 64 masks for CIFAR-10, 32 for MNIST.

    Our reading: grey images get MNIST's, coloured ones CIFAR-10's. The rest as in
    `search_spaces.paper`.

    The section's text claims a 3.1-fold reduction of parameters against ResNet-110. By our count
    PNN-ResNet-50 with 64 masks has 13,472,394, ResNet-110 1,727,962: 7.8 times fewer.
    """
    mask_count = MNIST_MASK_COUNT if dataset.channels == 1 else CIFAR10_MASK_COUNT
    return paper_table(
        name="paper_table4",
        summary="the best PNN-ResNet-50 for the images: CIFAR-10's or, if grey, MNIST's (Table 4)",
        dataset=dataset,
        network=network or "resnet50",
        axes={"mask_count": CategoricalDistribution((mask_count,))},
        stated={"batch_size": 10},
    )
