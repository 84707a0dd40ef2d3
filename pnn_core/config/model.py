"""A network, in words."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, get_args

from pnn_core.config.checks import (
    require_at_least,
    require_finite_at_least,
    require_flag,
    require_member,
)
from pnn_core.config.task import CLASSIFICATION, DETECTION, TASKS
from pnn_core.parts.layers import LAYER_SETTINGS, SPATIAL_LAYERS
from pnn_core.parts.networks import NETWORK_SETTINGS, NETWORKS
from pnn_core.parts.stems import STEM_SETTINGS, STEMS

Order = Literal[
    "noise_relu_bn_conv", "noise_relu_conv", "noise_relu_conv_bn_relu", "noise_conv_bn_relu"
]
Activation = Literal["relu", "sigmoid", "none"]
Pooling = Literal["max", "average"]
BeforeAddition = Literal["bn", "bn_relu"]
NoiseDistribution = Literal["uniform", "normal"]
Initialisation = Literal["torch", "published"]
Padding = Literal["canvas", "batch"]

IDLE: Mapping[str, int] = {
    "fan_out": 1,
    "grouped": False,
    "mix_maps": False,
    "trained_masks": False,
}
"""Settings that must have these values with a layer that does not use them."""


@dataclass(frozen=True, kw_only=True)
class DatasetShape:
    """Shape of a data set, as far as a network must know it.

    Attributes:
        channels: Colour channels of an image.
        height: Image height in pixels.
        width: Image width in pixels.
        classes: Number of classes; in detection without the background.
        task: Name in `TASKS`. In detection, images of any size are scaled to fit a square canvas of
            that height and width.
        padding: What images of detection are padded to: the whole `canvas`, on which they are
            centred, or what the largest of their `batch` needs, from its upper left corner. Masks
            are as large as the canvas, and the upper left part of them is used on smaller maps.
    """

    channels: int
    height: int
    width: int
    classes: int
    task: str = CLASSIFICATION
    padding: Padding = "canvas"

    def __post_init__(self) -> None:
        require_at_least(self, 1, "channels", "height", "width")
        require_member(self, "padding", get_args(Padding))
        require_member(self, "task", tuple(TASKS))
        require_at_least(self, 1 if self.task == DETECTION else 2, "classes")
        if self.task == DETECTION and self.height != self.width:
            raise ValueError(f"canvas (={self.height}×{self.width}) must be a square")
        if self.task != DETECTION and self.padding != "canvas":
            raise ValueError(
                f"padding (={self.padding}) is a setting of detection, not of {self.task}"
            )

    def document(self) -> dict[str, int | str]:
        """Return the fields as files hold them, without a padding that earlier versions had too."""
        fields = asdict(self)
        if self.padding == "canvas":
            del fields["padding"]
        return fields

    def on_canvas(self, side: int) -> "DatasetShape":
        """Return the shape of the same images scaled to another canvas.

        Raises:
            ValueError: The task is not detection.
        """
        if self.task != DETECTION:
            raise ValueError(f"canvas (={side}) is a setting of detection, not of {self.task}")
        return replace(self, height=side, width=side)


@dataclass(frozen=True, kw_only=True)
class MaskConfig:
    """The fixed part of a layer: noise masks, or the filters of a local binary layer.

    Attributes:
        noise_level: Half-range of the noise, ℓ; 0 means no noise.
        noise_distribution: `uniform` draws from U(−ℓ, ℓ); `normal` from a zero-mean normal of the
            same variance, ℓ²/3, so that a level means the same energy in both (paper, Section 4.2).
        unique_masks: True if each input channel has masks of its own; else all channels share the
            same `fan_out` masks.
        trained_masks: True if the optimiser changes the masks too.
        nonzero_share: Share of a local binary layer's filter weights that are ±1 and not 0.
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
        stem: Name in `STEMS`: `conv3x3` with stride 1, the same with frozen random weights
            (`conv3x3_frozen`), `conv5x5`, `conv7x7` with stride 2 and a max-pool, or noise and a
            1×1 (`perturbation`).
        stem_noise_level: Half-range ℓ of a perturbation stem's noise.
        stem_fan_out: Number of a perturbation stem's masks for each colour channel.
        stem_activation: Function behind a perturbation stem's noise.
    """

    stem: str = "conv3x3"
    stem_noise_level: float = 0.1
    stem_fan_out: int = 64
    stem_activation: Activation = "relu"

    def __post_init__(self) -> None:
        require_member(self, "stem", tuple(STEMS))
        require_finite_at_least(self, 0.0, "stem_noise_level")
        require_at_least(self, 1, "stem_fan_out")
        require_member(self, "stem_activation", get_args(Activation))


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """A network: which one, of which spatial layers, and the switches between published codes.

    Attributes:
        dataset: Shape of the images and number of classes.
        network: Name in `NETWORKS`: `resnet18`, `resnet34`, `resnet50` (bottlenecks) and `vgg16`
            (with batch norm) as published; for small images `resnet8`, three stages of one block
            with widths p, 2p, 4p, and `lenet`; for CIFAR `resnet20`, `resnet56`, `resnet110` and
            `nin`, Network in Network; of other libraries `torchvision:NAME` and `timm:NAME`, with
            widths, stem, pools and dropout of their own.
        layer: Layer in the place of the network's convolution, by its name in `SPATIAL_LAYERS`:
            `perturbation`; `conv3x3`, the plain network; `conv1x1`, no noise at all;
            `local_binary`, fixed ±1 filters (paper Eq. 1); other maps in a perturbation layer:
            `noise_off`, without noise, `constant_masks`, each one number, `fresh_masks`, new at
            every training step, `blurred_masks`; neighbours in the place of noise: `shift`,
            `depthwise`, `random_depthwise`, `average`.
        mask_count: Number m of masks or fixed filters of the first stage's layers; the paper's
            "#Mask". A layer without either has as many maps: m is its width.
        fan_out: Masks or filters per input channel, m/p; must divide `mask_count`.
        mask: Fixed part of each layer.
        order: Order of the parts of a layer. `noise_relu_bn_conv` as in the published code,
            `noise_relu_conv` as in the paper's Eq. 2; with `noise_relu_conv_bn_relu` and
            `noise_conv_bn_relu` the BN and ReLU behind the 1×1 stand before the pool, not after.
        grouped: True if the 1×1 combines the maps of each input channel alone.
        mix_maps: True if a second 1×1 mixes what the first one gave.
        pooling: Pool that halves a feature map where no convolution has a stride; `nin` has its
            own pools.
        before_addition: Modules behind a residual block's last layer, before the shortcut is
            added.
        dropout: Share of the features set to 0 before the classifier, in training; in `nin` behind
            both pools.
        initialisation: Distribution of the convolutions' initial weights: `torch`, torch's default,
            or `published`, N(0, √(2 / (k²·q))) for q output channels, as every published code has
            it. The others are torch's default in both. For a 1×1 of 128 to 128 channels the
            published deviation is 2.45 times torch's, for a 7×7 of 3 to 128 it is 0.38 times it.
        first_layer: First layer.
    """

    dataset: DatasetShape
    network: str = "resnet18"
    layer: str = "perturbation"
    mask_count: int = 64
    fan_out: int = 1
    mask: MaskConfig = field(default_factory=MaskConfig)
    order: Order = "noise_relu_bn_conv"
    grouped: bool = False
    mix_maps: bool = False
    pooling: Pooling = "max"
    before_addition: BeforeAddition = "bn"
    dropout: float = 0.0
    initialisation: Initialisation = "torch"
    first_layer: StemConfig = field(default_factory=StemConfig)

    def __post_init__(self) -> None:
        if self.network not in NETWORKS:  # which knows some names without listing them
            require_member(self, "network", tuple(NETWORKS))
        require_member(self, "layer", tuple(SPATIAL_LAYERS))
        require_member(self, "order", get_args(Order))
        require_member(self, "pooling", get_args(Pooling))
        require_member(self, "before_addition", get_args(BeforeAddition))
        require_member(self, "initialisation", get_args(Initialisation))
        require_at_least(self, 1, "mask_count", "fan_out")
        require_flag(self, "grouped", "mix_maps")
        require_finite_at_least(self, 0.0, "dropout")
        if self.dropout >= 1:
            raise ValueError(f"dropout (={self.dropout}) must lie below 1")
        if self.mask_count % self.fan_out and not NETWORKS[self.network].has_own_widths:
            divisors = [d for d in range(1, self.mask_count + 1) if self.mask_count % d == 0]
            raise ValueError(
                f"fan_out (={self.fan_out}) must divide mask_count (={self.mask_count}): "
                f"accepted are {', '.join(map(str, divisors))}"
            )
        self._require_buildable()

    @property
    def width(self) -> int:
        """Input channels of the first stage, p; without meaning for a converted network."""
        return max(1, self.mask_count // self.fan_out)

    def unused(self) -> frozenset[str]:
        """Names of settings that change nothing about this network."""
        layer, network = SPATIAL_LAYERS[self.layer], NETWORKS[self.network]
        unused = LAYER_SETTINGS - layer.uses | layer.idle(self)
        unused |= STEM_SETTINGS - STEMS[self.first_layer.stem].uses
        unused |= NETWORK_SETTINGS - network.uses | network.ignores
        if network.strided and layer.as_convolution:
            unused |= {"pooling"}
        return unused

    def _require_buildable(self) -> None:
        """Refuse combinations that would be another network than they say."""
        smallest, data = NETWORKS[self.network].smallest_side, self.dataset
        if data.task not in NETWORKS[self.network].tasks:
            fitting = [name for name, entry in NETWORKS.items() if data.task in entry.tasks]
            raise ValueError(
                f"network (={self.network}) has no single-scale features for {data.task}: "
                f"accepted are {', '.join(fitting)}"
            )
        if min(data.height, data.width) < smallest:
            raise ValueError(
                f"network (={self.network}) needs images of at least {smallest} pixels a side, "
                f"not {data.height}×{data.width}"
            )
        uses = SPATIAL_LAYERS[self.layer].uses
        for name, value in self._layer_settings().items():
            if name not in uses and value != IDLE[name]:
                users = [other for other, entry in SPATIAL_LAYERS.items() if name in entry.uses]
                raise ValueError(
                    f"{name} (={value}) must be {IDLE[name]} with layer (={self.layer}): it is a "
                    f"setting of {', '.join(users)}"
                )
        if self.mask.trained_masks and self.mask.noise_level == 0:
            raise ValueError(
                "trained_masks (=True) needs a noise_level (=0) above 0: else they have no scale"
            )

    def with_layer(self, layer: str) -> "ModelConfig":
        """Put another spatial layer into the network, at the same width.

        Settings that would be refused because that layer does not use them are dropped; masks or
        filters per channel stay where it has some.

        Raises:
            ValueError: There is no layer of that name.
        """
        if layer not in SPATIAL_LAYERS:
            return replace(self, layer=layer)  # which refuses it
        uses = SPATIAL_LAYERS[layer].uses
        kept: dict[str, Any] = {
            name: value if name in uses else IDLE[name]
            for name, value in self._layer_settings().items()
        }
        mask = replace(self.mask, trained_masks=kept.pop("trained_masks"))
        mask_count = self.width * kept["fan_out"]
        return replace(self, layer=layer, mask_count=mask_count, mask=mask, **kept)

    def _layer_settings(self) -> dict[str, Any]:
        """Return the settings that `IDLE` names."""
        return {name: getattr(self if hasattr(self, name) else self.mask, name) for name in IDLE}
