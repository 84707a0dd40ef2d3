"""Words that everyone shares: a whole training run, described with the standard library alone."""

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
    MaskConfig,
    ModelConfig,
    NoiseDistribution,
    Order,
    Pooling,
    StemConfig,
)
from pnn_core.config.optimizer import OptimConfig, Optimizer, Schedule
from pnn_core.config.trial import PARAMETER_NAMES, ParameterValue, TrialConfig
