"""The words everyone shares: a whole training run, described with the standard library alone.

- `trial`: `TrialConfig`, which holds all the others, and its plain parameter names
- `model`: the network, its layers, masks and first layer
- `optim`: optimiser and schedule
- `measured`: costs, what an epoch or a confirmation gave, and what a GPU must have room for
"""

from pnn_core.config.measured import (
    ADDED_METRICS,
    COST_METRICS,
    EPOCH_METRICS,
    ConfirmResult,
    Costs,
    EpochResult,
    GpuNeed,
    Metric,
)
from pnn_core.config.model import (
    Activation,
    BeforeAddition,
    DatasetShape,
    Layer,
    MaskConfig,
    ModelConfig,
    Network,
    NoiseDistribution,
    Order,
    Pooling,
    Stem,
    StemConfig,
)
from pnn_core.config.optimizer import OptimConfig, Optimizer, Schedule
from pnn_core.config.trial import PARAMETER_NAMES, ParameterValue, TrialConfig

__all__ = [
    "ADDED_METRICS",
    "COST_METRICS",
    "EPOCH_METRICS",
    "PARAMETER_NAMES",
    "Activation",
    "BeforeAddition",
    "ConfirmResult",
    "Costs",
    "DatasetShape",
    "EpochResult",
    "GpuNeed",
    "Layer",
    "MaskConfig",
    "Metric",
    "ModelConfig",
    "Network",
    "NoiseDistribution",
    "OptimConfig",
    "Optimizer",
    "Order",
    "ParameterValue",
    "Pooling",
    "Schedule",
    "Stem",
    "StemConfig",
    "TrialConfig",
]
