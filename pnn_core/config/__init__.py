"""Words that everyone shares: a whole training run, described with the standard library alone.

- `trial`: `TrialConfig`, which holds all the others, and its plain parameter names
- `model`: the network, its layers, masks and first layer
- `task`: classification and detection, and the figure of merit of each
- `optimizer`: optimiser and schedule
- `arithmetic`: what trains a network on the CPU
- `measured`: costs, results of an epoch or a confirmation, and the GPU memory that a run needs
"""

from pnn_core.config.arithmetic import COMPILED, FUSED, TORCH, Arithmetic
from pnn_core.config.measured import (
    ADDED_METRICS,
    COST_METRICS,
    EPOCH_METRICS,
    MEASURED_METRICS,
    ConfirmResult,
    Costs,
    EpochResult,
    GpuNeed,
    Metric,
    lacking_metrics,
    measured_metrics,
)
from pnn_core.config.model import (
    Activation,
    BeforeAddition,
    DatasetShape,
    Initialisation,
    MaskConfig,
    ModelConfig,
    NoiseDistribution,
    Order,
    Padding,
    Pooling,
    StemConfig,
)
from pnn_core.config.optimizer import OptimConfig, Optimizer, Schedule
from pnn_core.config.task import CLASSIFICATION, DETECTION, TASKS, Task
from pnn_core.config.trial import (
    ADDED_SETTINGS,
    ADDED_TO_DETECTION,
    ADDED_UNSET,
    CANVAS,
    PADDING,
    PARAMETER_NAMES,
    Augment,
    Normalisation,
    ParameterValue,
    TrialConfig,
    added_settings,
)

__all__ = [
    "ADDED_METRICS",
    "ADDED_SETTINGS",
    "ADDED_TO_DETECTION",
    "ADDED_UNSET",
    "CANVAS",
    "CLASSIFICATION",
    "COMPILED",
    "COST_METRICS",
    "DETECTION",
    "EPOCH_METRICS",
    "FUSED",
    "MEASURED_METRICS",
    "PADDING",
    "PARAMETER_NAMES",
    "TASKS",
    "TORCH",
    "Activation",
    "Arithmetic",
    "Augment",
    "BeforeAddition",
    "ConfirmResult",
    "Costs",
    "DatasetShape",
    "EpochResult",
    "GpuNeed",
    "Initialisation",
    "MaskConfig",
    "Metric",
    "ModelConfig",
    "NoiseDistribution",
    "Normalisation",
    "OptimConfig",
    "Optimizer",
    "Order",
    "Padding",
    "ParameterValue",
    "Pooling",
    "Schedule",
    "StemConfig",
    "Task",
    "TrialConfig",
    "added_settings",
    "lacking_metrics",
    "measured_metrics",
]
