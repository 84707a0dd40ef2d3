"""A network, in words."""

from dataclasses import dataclass, field, fields
from typing import Literal, get_args

from pnn_core.config.checks import (
    require_at_least,
    require_finite_at_least,
    require_flag,
    require_member,
)

Network = Literal["resnet8", "resnet18", "resnet34", "resnet50", "vgg16", "lenet"]
Layer = Literal["perturbation", "conv3x3", "conv1x1", "local_binary"]
Order = Literal[
    "noise_relu_bn_conv", "noise_relu_conv", "noise_relu_conv_bn_relu", "noise_conv_bn_relu"
]
Stem = Literal["conv3x3", "conv3x3_frozen", "conv7x7", "perturbation"]
Activation = Literal["relu", "sigmoid", "none"]
Pooling = Literal["max", "average"]
BeforeAddition = Literal["bn", "bn_relu"]
NoiseDistribution = Literal["uniform", "normal"]


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
        require_at_least(self, 1, "channels", "height", "width")
        require_at_least(self, 2, "classes")


@dataclass(frozen=True, kw_only=True)
class MaskConfig:
    """The fixed part of a layer: noise masks, or the filters of a local binary layer.

    Attributes:
        noise_level: ℓ, the half-range of the noise; 0 means no noise.
        noise_distribution: `uniform` draws from U(−ℓ, ℓ); `normal` from a zero-mean normal of the
            same variance, ℓ²/3, so that a level means the same energy in both (paper, Section 4.2).
        unique_masks: Whether each input channel has masks of its own; else all channels share the
            same `fan_out` masks.
        trained_masks: Whether the optimiser changes the masks too.
        nonzero_share: Of a local binary layer: the share of filter weights that are ±1 and not 0.
    """

    noise_level: float = 0.1
    noise_distribution: NoiseDistribution = "uniform"
    unique_masks: bool = True
    trained_masks: bool = False
    nonzero_share: float = 0.5

    def __post_init__(self) -> None:
        require_finite_at_least(self, 0.0, "noise_level", "nonzero_share")
        require_member(self, "noise_distribution", get_args(NoiseDistribution))
        require_flag(self, "unique_masks", "trained_masks")
        if not 0 < self.nonzero_share <= 1:
            raise ValueError(f"nonzero_share (={self.nonzero_share}) must lie above 0, up to 1")


@dataclass(frozen=True, kw_only=True)
class StemConfig:
    """The first layer.

    Attributes:
        stem: `conv3x3` with stride 1, the same with frozen random weights (`conv3x3_frozen`),
            `conv7x7` with stride 2 and a max-pool, or noise and a 1×1 (`perturbation`).
        stem_noise_level: Of a perturbation stem, ℓ.
        stem_fan_out: Of a perturbation stem: masks for each colour channel.
        stem_activation: Of a perturbation stem: what follows the noise.
    """

    stem: Stem = "conv3x3"
    stem_noise_level: float = 0.1
    stem_fan_out: int = 64
    stem_activation: Activation = "relu"

    def __post_init__(self) -> None:
        require_member(self, "stem", get_args(Stem))
        require_finite_at_least(self, 0.0, "stem_noise_level")
        require_at_least(self, 1, "stem_fan_out")
        require_member(self, "stem_activation", get_args(Activation))


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """A network: which one, of which spatial layers, and the switches between published codes.

    Attributes:
        dataset: Shape of the images and number of classes.
        network: `resnet18`, `resnet34`, `resnet50` (bottlenecks) and `vgg16` (with batch norm) as
            published; for small images `resnet8`, three stages of one block with widths p, 2p, 4p,
            and `lenet`.
        layer: What stands where the 3×3 convolution stood: `perturbation`; `conv3x3`, the plain
            network; `conv1x1`, no noise at all; `local_binary`, fixed ±1 filters (paper Eq. 1).
        mask_count: m, masks or fixed filters of the first stage's layers; the paper's "#Mask". A
            layer without either has as many maps: m is its width.
        fan_out: m/p, masks or filters per input channel; must divide `mask_count`.
        mask: The fixed part of each layer.
        order: What follows what. `noise_relu_bn_conv` as in the published code,
            `noise_relu_conv` as in the paper's Eq. 2; with `noise_relu_conv_bn_relu` and
            `noise_conv_bn_relu` the BN and ReLU behind the 1×1 stand before the pool, not after.
        grouped: Whether the 1×1 combines the maps of each input channel alone.
        mix_maps: Whether a second 1×1 mixes what the first one gave.
        pooling: How a feature map is halved where no convolution has a stride.
        before_addition: What stands behind a residual block's last layer, before the shortcut is
            added.
        dropout: Share of the features set to 0 before the classifier, in training.
        first_layer: The first layer.
    """

    dataset: DatasetShape
    network: Network = "resnet18"
    layer: Layer = "perturbation"
    mask_count: int = 64
    fan_out: int = 1
    mask: MaskConfig = field(default_factory=MaskConfig)
    order: Order = "noise_relu_bn_conv"
    grouped: bool = False
    mix_maps: bool = False
    pooling: Pooling = "max"
    before_addition: BeforeAddition = "bn"
    dropout: float = 0.0
    first_layer: StemConfig = field(default_factory=StemConfig)

    def __post_init__(self) -> None:
        require_member(self, "network", get_args(Network))
        require_member(self, "layer", get_args(Layer))
        require_member(self, "order", get_args(Order))
        require_member(self, "pooling", get_args(Pooling))
        require_member(self, "before_addition", get_args(BeforeAddition))
        require_at_least(self, 1, "mask_count", "fan_out")
        require_flag(self, "grouped", "mix_maps")
        require_finite_at_least(self, 0.0, "dropout")
        if self.dropout >= 1:
            raise ValueError(f"dropout (={self.dropout}) must lie below 1")
        if self.mask_count % self.fan_out:
            divisors = [d for d in range(1, self.mask_count + 1) if self.mask_count % d == 0]
            raise ValueError(
                f"fan_out (={self.fan_out}) must divide mask_count (={self.mask_count}): "
                f"accepted are {', '.join(map(str, divisors))}"
            )
        self._require_buildable()

    @property
    def width(self) -> int:
        """p, the input channels of the first stage."""
        return self.mask_count // self.fan_out

    def unused(self) -> frozenset[str]:
        """Names of settings that change nothing about this network."""
        unused: set[str] = set()
        if self.layer != "perturbation":
            unused |= {f.name for f in fields(MaskConfig)} - {"nonzero_share"}
            unused |= {"grouped", "mix_maps"}
        if self.mask.noise_level == 0:
            unused |= {"noise_distribution"}
        if self.layer != "local_binary":
            unused |= {"nonzero_share"}
        if self.layer in ("conv3x3", "conv1x1"):
            unused |= {"fan_out", "order"}
        if self.first_layer.stem != "perturbation":
            unused |= {"stem_noise_level", "stem_fan_out", "stem_activation"}
        if not self.network.startswith("resnet"):
            unused |= {"before_addition"}
        elif self.layer == "conv3x3":
            unused |= {"pooling"}  # its convolutions halve by their stride
        return frozenset(unused)

    def _require_buildable(self) -> None:
        """Refuse combinations that would be another network than they say."""
        if self.layer in ("conv3x3", "conv1x1") and self.fan_out != 1:
            raise ValueError(
                f"fan_out (={self.fan_out}) must be 1 with layer (={self.layer}), "
                "which has no masks"
            )
        needs_noise = {
            "grouped": self.grouped,
            "mix_maps": self.mix_maps,
            "trained_masks": self.mask.trained_masks,
        }
        for name, wanted in needs_noise.items():
            if wanted and self.layer != "perturbation":
                raise ValueError(
                    f"{name} (=True) needs layer perturbation: layer (={self.layer}) has no masks"
                )
        if self.mask.trained_masks and self.mask.noise_level == 0:
            raise ValueError(
                "trained_masks (=True) needs a noise_level (=0) above 0: else they have no scale"
            )
