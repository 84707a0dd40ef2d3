"""Learning rates of the experiment's arms: each from the same grid, on validation images alone.

The test set is not read. What is chosen stands in `space.py` beside this file.
"""

import runpy
from pathlib import Path

from optuna.distributions import CategoricalDistribution

from pnn_core.config import DatasetShape
from search_spaces import SearchSpace

_ARMS = runpy.run_path(str(Path(__file__).with_name("space.py")))

LEARNING_RATES = (0.003, 0.01, 0.03, 0.1)


def SPACE(dataset: DatasetShape) -> SearchSpace:  # noqa: N802  # the name that every space file defines
    """List every arm at every learning rate."""
    return SearchSpace(
        name="cifar10_tuning",
        summary="eight layers of equal size on CIFAR-10, each at four learning rates",
        variants=_ARMS["arm_settings"](dataset),
        axes={"learning_rate": CategoricalDistribution(LEARNING_RATES)},
        fixed=_ARMS["FIXED"],
        is_grid=True,
    )
