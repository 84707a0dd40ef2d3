"""Common ground of the paper's tables, and our reading where the paper is silent.

The paper is Juefei-Xu et al., "Perturbative Neural Networks", CVPR 2018.

Stated by Section 5.3, for CIFAR-10 and MNIST: an initial learning rate of 1e-3, divided by 10 at
epochs 60 and 90. We take both for ImageNet too (Tables 1 and 3), of which Sections 5.1 and 5.2 say
nothing.

Our reading, where the paper is silent:

- What the authors' own code sets (`pnn_core.recipes.original`): Adam, batches of 10, noise level
  0.1, one mask a channel, weight decay 1e-4, its initial weights, and BN in the perturbation layer,
  which Eq. 2 lacks; on small images of three channels also its constants of normalisation.
- But the first layer is a 3×3 convolution on small images: only with it, and not with the code's
  7×7, do the parameter ratios of Table 5 come out within 2% at every mask count.
- A number of epochs: the schedule's 100. `--epochs` scales it.
"""

from collections.abc import Mapping

from optuna.distributions import BaseDistribution

from pnn_core.config import DatasetShape, ParameterValue
from pnn_core.recipes import original
from search_spaces.setting_names import CHOSEN_ELSEWHERE
from search_spaces.space import SearchSpace

SMALLEST_CONV7X7_IMAGE = 128
"""Pixels from which the 7×7 first layer leaves a network's last stage the 4×4 maps that the 3×3
one leaves it of 32 pixels; ImageNet's 224 are above it."""


def first_layer(dataset: DatasetShape) -> str:
    """Return the usual first layer: 7×7 with stride 2, or 3×3 for small images."""
    return "conv7x7" if _is_large(dataset) else "conv3x3"


def _is_large(dataset: DatasetShape) -> bool:
    return min(dataset.height, dataset.width) >= SMALLEST_CONV7X7_IMAGE


def paper_table(
    *,
    name: str,
    summary: str,
    dataset: DatasetShape,
    network: str,
    axes: Mapping[str, BaseDistribution],
    stated: Mapping[str, ParameterValue] | None = None,
) -> SearchSpace:
    """Make a table of the paper a grid.

    Args:
        name: Name of the space.
        summary: One line for `--list-spaces`.
        dataset: Shape of the images.
        network: The table's, or the one asked for in its place.
        axes: Settings that differ between the table's cells.
        stated: Settings that the paper states of all its cells, beyond Section 5.3.
    """
    recipe = original(dataset).with_parameters(
        {
            "network": network,
            "stem": first_layer(dataset),
            # The code's constants are for CIFAR-10; ImageNet has its own.
            **({"normalisation": "train_images"} if _is_large(dataset) else {}),
            "learning_rate": 1e-3,
            "schedule": "tenth_at_60_90",
            **(stated or {}),
        }
    )
    chosen = {*axes, *CHOSEN_ELSEWHERE}
    fixed = {name: value for name, value in recipe.parameters().items() if name not in chosen}
    return SearchSpace(name=name, summary=summary, axes=axes, fixed=fixed, is_grid=True)
