"""The words everyone shares: a whole training run, described with the standard library alone."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, get_args

Network = Literal["resnet18", "resnet8"]
Stem = Literal["conv3x3", "conv7x7"]
Order = Literal["noise_relu_bn_conv", "noise_relu_conv"]
NoiseDistribution = Literal["uniform", "normal"]
Optimizer = Literal["adam", "sgd"]

ParameterValue = int | float | str | bool


@dataclass(frozen=True, kw_only=True)
class DatasetShape:
    """What a network must know of a data set.

    Attributes:
        channels: Colour channels of an image.
        height: Image height in pixels.
        width: Image width in pixels.
        classes: Number of classes.
    """

    channels: int
    height: int
    width: int
    classes: int

    def __post_init__(self) -> None:
        _require_at_least(self, 1, "channels", "height", "width")
        _require_at_least(self, 2, "classes")


@dataclass(frozen=True, kw_only=True)
class MaskConfig:
    """How noise masks are drawn.

    Attributes:
        noise_level: ℓ, the half-range of the noise; 0 means no noise.
        noise_distribution: `uniform` draws from U(−ℓ, ℓ); `normal` from a zero-mean normal of the
            same variance, ℓ²/3, so that a level means the same energy in both (paper, Section 4.2).
    """

    noise_level: float = 0.1
    noise_distribution: NoiseDistribution = "uniform"

    def __post_init__(self) -> None:
        _require_finite_at_least(self, 0.0, "noise_level")
        _require_member(self, "noise_distribution", get_args(NoiseDistribution))


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """A network.

    Attributes:
        dataset: Shape of the images and number of classes.
        network: `resnet18` as published, or `resnet8` for small images: three stages of one
            block each, widths p, 2p, 4p.
        mask_count: m, masks of the first stage's perturbation layers; the paper's "#Mask".
        fan_out: Masks per input channel, m/p; must divide `mask_count`.
        mask: How the masks are drawn.
        order: `noise_relu_bn_conv` as in the published code, or `noise_relu_conv` as in the
            paper's Eq. 2.
        stem: `conv3x3` with stride 1, or `conv7x7` with stride 2 and a max-pool.
    """

    dataset: DatasetShape
    network: Network = "resnet18"
    mask_count: int = 64
    fan_out: int = 1
    mask: MaskConfig = field(default_factory=MaskConfig)
    order: Order = "noise_relu_bn_conv"
    stem: Stem = "conv3x3"

    def __post_init__(self) -> None:
        _require_member(self, "network", get_args(Network))
        _require_member(self, "order", get_args(Order))
        _require_member(self, "stem", get_args(Stem))
        _require_at_least(self, 1, "mask_count", "fan_out")
        if self.mask_count % self.fan_out:
            divisors = [d for d in range(1, self.mask_count + 1) if self.mask_count % d == 0]
            raise ValueError(
                f"fan_out (={self.fan_out}) must divide mask_count (={self.mask_count}): "
                f"accepted are {', '.join(map(str, divisors))}"
            )

    @property
    def width(self) -> int:
        """p, the input channels of the first stage."""
        return self.mask_count // self.fan_out


@dataclass(frozen=True, kw_only=True)
class OptimConfig:
    """How weights are learned.

    Attributes:
        optimizer: `adam`, or `sgd` with Nesterov momentum.
        learning_rate: Initial learning rate.
        batch_size: Images per step.
        momentum: For `sgd` only.
        weight_decay: L2 penalty, added to the gradient.
    """

    optimizer: Optimizer = "adam"
    learning_rate: float = 1e-3
    batch_size: int = 10
    momentum: float = 0.9
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        _require_member(self, "optimizer", get_args(Optimizer))
        _require_at_least(self, 1, "batch_size")
        _require_finite_at_least(self, 0.0, "learning_rate", "momentum", "weight_decay")
        if self.learning_rate == 0:
            raise ValueError("learning_rate (=0) must be above 0")


@dataclass(frozen=True, kw_only=True)
class TrialConfig:
    """A whole training run.

    Attributes:
        model: The network.
        optim: How it learns.
        epochs: Passes over the training images.
        seed: Feeds separate random streams for initialisation, masks and data order.
    """

    model: ModelConfig
    optim: OptimConfig = field(default_factory=OptimConfig)
    epochs: int = 15
    seed: int = 0

    def __post_init__(self) -> None:
        _require_at_least(self, 1, "epochs")
        _require_at_least(self, 0, "seed")

    def with_parameters(self, parameters: Mapping[str, Any]) -> "TrialConfig":
        """Return a copy with the named fields replaced, wherever in the tree they stand.

        Args:
            parameters: Plain field names, such as `mask_count`, `noise_level` or `batch_size`.

        Raises:
            ValueError: A name is no field of a training run, or a value is not accepted.
        """
        unknown = sorted(set(parameters) - set(PARAMETER_NAMES))
        if unknown:
            raise ValueError(
                f"{unknown[0]!r} is not a parameter: accepted are {', '.join(PARAMETER_NAMES)}"
            )

        def chosen(owner: type) -> dict[str, Any]:
            return {name: parameters[name] for name in _own_names(owner) if name in parameters}

        mask = replace(self.model.mask, **chosen(MaskConfig))
        model = replace(self.model, mask=mask, **chosen(ModelConfig))
        optim = replace(self.optim, **chosen(OptimConfig))
        return replace(self, model=model, optim=optim, **chosen(TrialConfig))

    def parameters(self) -> dict[str, ParameterValue]:
        """Every setting under its plain name, the inverse of `with_parameters`."""
        owners = (self.model, self.model.mask, self.optim, self)
        return {name: getattr(owner, name) for owner in owners for name in _own_names(type(owner))}


@dataclass(frozen=True, kw_only=True)
class Costs:
    """What a network costs.

    Attributes:
        learnable_params: Numbers that the optimiser changes: the paper's axis.
        mask_values: Fixed numbers that a checkpoint must hold or regrow from a seed.
        macs: Multiply-accumulates of convolutions and linear layers for one image.
    """

    learnable_params: int
    mask_values: int
    macs: int


@dataclass(frozen=True, kw_only=True)
class EpochResult:
    """What one epoch of training gave.

    Attributes:
        epoch: Counted from 1.
        train_loss: Mean cross-entropy over the epoch's steps, in nats.
        val_loss: Mean cross-entropy over the validation images, in nats.
        val_accuracy: Correct over total, in [0, 1].
        train_seconds: Wall time of the training steps.
        val_seconds: Wall time of the evaluation.
    """

    epoch: int
    train_loss: float
    val_loss: float
    val_accuracy: float
    train_seconds: float
    val_seconds: float


def _own_names(owner: type) -> tuple[str, ...]:
    nested = {"dataset", "mask", "model", "optim"}
    return tuple(f.name for f in fields(owner) if f.name not in nested)


PARAMETER_NAMES: tuple[str, ...] = tuple(
    name
    for owner in (ModelConfig, MaskConfig, OptimConfig, TrialConfig)
    for name in _own_names(owner)
)
"""Every plain name that `TrialConfig.with_parameters` accepts."""


def _require_at_least(config: object, least: int, *names: str) -> None:
    for name in names:
        value = getattr(config, name)
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise ValueError(f"{name} (={value!r}) must be a whole number of at least {least}")


def _require_finite_at_least(config: object, least: float, *names: str) -> None:
    for name in names:
        value = getattr(config, name)
        if not isinstance(value, int | float) or not math.isfinite(value) or value < least:
            raise ValueError(f"{name} (={value!r}) must be a finite number of at least {least:g}")


def _require_member(config: object, name: str, accepted: tuple[str, ...]) -> None:
    value = getattr(config, name)
    if value not in accepted:
        raise ValueError(f"{name} (={value!r}) must be one of {', '.join(accepted)}")
