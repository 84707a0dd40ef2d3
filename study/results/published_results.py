"""Every figure that anyone reported of these networks, with its configuration and protocol.

The facts lie in `reported_results.csv` beside this file. Sources: Juefei-Xu et al., "Perturbative
Neural Networks", CVPR 2018 (Tables 1 to 7); the READMEs, notebooks and issue threads of the
repositories juefeix/pnn.pytorch, juefeix/pnn.pytorch.update, michaelklachko/pnn.pytorch and
elisim/Perturbative-Neural-Networks-CVPR18, as each row says. An empty cell was not reported.
"""

import csv
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from pnn_core.architecture.parameter_count import count_learnable_params
from pnn_core.config import DatasetShape, ModelConfig, ParameterValue, TrialConfig
from pnn_core.parts.layers import SPATIAL_LAYERS
from pnn_core.parts.networks import NETWORKS
from pnn_core.recipes import klachko, original, update
from study.results.setting import kinds_of

PAPER = "paper (CVPR 2018)"

CIFAR_RESNET18_PARAMS = 11_173_962
"""Learnable parameters of the 3×3 ResNet-18 for 32×32 images and 10 classes.

Table 5's ratios are this number over the perturbation network's.
"""

TABLES_4_TO_6_EPOCHS = 90
"""Section 5.3 drops the learning rate at epochs 60 and 90, and so trained for more than 90."""

_STEMS: Mapping[str, Mapping[str, ParameterValue]] = {
    "": {},
    "conv3x3": {"stem": "conv3x3"},
    "conv3x3 (frozen random)": {"stem": "conv3x3_frozen"},
    "conv5x5": {"stem": "conv5x5"},
    "conv7x7 stride 2 + maxpool": {"stem": "conv7x7"},
    "perturbation": {"stem": "perturbation", "stem_fan_out": 1, "stem_activation": "none"},
    "conv1x1": {
        "stem": "perturbation",
        "stem_fan_out": 1,
        "stem_noise_level": 0.0,
        "stem_activation": "none",
    },
    "perturbation (noise x20, 5 masks x width per channel, sigmoid)": {
        "stem": "perturbation",
        "stem_activation": "sigmoid",
    },
}
"""First layers as this project has them. Klachko's first layer of noise has one mask a channel and
no activation, and a 1×1 one is the same at level 0. The authors' second code has another 1×1, which
is grouped, and normalises before and behind the sigmoid: no stem here does."""

_SWITCHES: Mapping[str, Mapping[str, ParameterValue]] = {
    "64 masks a channel, unique per channel, grouped 1x1, extra 1x1 mixing": {
        "unique_masks": True,
        "grouped": True,
        "mix_maps": True,
    },
    "64 masks shared by all channels": {"unique_masks": False, "grouped": True},
    "result 7 with trained masks": {
        "unique_masks": False,
        "trained_masks": True,
        "grouped": True,
    },
    "unique masks; grouped 1x1; no mixing 1x1": {"unique_masks": True, "grouped": True},
    "the same with masks shared by all channels": {"unique_masks": False, "grouped": True},
    "dropout 0.5 behind both pools": {"dropout": 0.5},
}
"""Notes that hold switches of the layer or the network."""

_SECTION_5_3: Mapping[str, ParameterValue] = {
    "learning_rate": 1e-3,
    "schedule": "tenth_at_60_90",
}
"""Settings that the paper gives of all its networks for CIFAR-10 and MNIST, beside the tables."""

_CODE: Mapping[str, Callable[[DatasetShape], TrialConfig]] = {
    "juefeix/pnn.pytorch README": original,
    "michaelklachko/pnn.pytorch README": klachko,
    "michaelklachko/pnn.pytorch README at 15ba083 (2018-09-06)": klachko,
    "michaelklachko/pnn.pytorch README at 8b4f77c (2018-08-28)": klachko,
    "juefeix/pnn.pytorch.update README": update,
    "juefeix/pnn.pytorch.update issues": update,
    "elisim/Perturbative-Neural-Networks-CVPR18": update,
}
"""Settings of a repository's own code where its figure is silent."""

_ORIGINALS_NETWORK: Mapping[str, ParameterValue] = {
    "order": "noise_relu_bn_conv",
    "before_addition": "bn",
}
"""Klachko's results 2 and 3 are of the authors' network, trained his way."""

_KLACHKOS_NETWORK: Mapping[str, ParameterValue] = {
    "order": "noise_relu_conv_bn_relu",
    "before_addition": "bn_relu",
}
"""The authors' Section 3 is of Klachko's network, trained their way, and so is its reproduction."""

_SECTION_3_NOISE = 20
_SECTION_3_MASKS = 5
"""Factors of the first layer's level, and of its masks a channel over the width, in Section 3."""

_IMAGES = {
    "cifar10": DatasetShape(channels=3, height=32, width=32, classes=10),
    "mnist": DatasetShape(channels=1, height=28, width=28, classes=10),
}
"""Data sets on which the size of a reported network is counted."""


@dataclass(frozen=True, kw_only=True)
class ReportedResult:
    """One reported figure. None and empty texts were not reported.

    Attributes:
        source: Paper or repository.
        where: Table, section or thread in it.
        dataset: Data set that it was measured on.
        model: The network.
        layer: Its spatial layer, or another method's name.
        mask_count: The paper's "#Mask"; in the repositories the filters of the first stage, which
            is the same where each channel has one mask.
        noise_level: ℓ, the half-range of the masks.
        fan_out: Masks per input channel.
        batch_size: Images per step.
        optimizer: Its name.
        learning_rate: The first one.
        epochs: Passes over the training images.
        width: Input channels of the first stage of a network without masks.
        first_layer: First layer in the source's words.
        metric: `top1`, or `mAP` for object detection.
        protocol: Way of measuring: `as published`, `smoothed`, `correct/total`, or
            `correct/total, best epoch on test`.
        value: A fraction in [0, 1].
        param_ratio: Parameters of the 3×3 network named in the note, over this one's.
        note: Anything else.
    """

    source: str
    where: str
    dataset: str
    model: str
    layer: str
    mask_count: int | None
    width: int | None
    noise_level: float | None
    fan_out: int | None
    batch_size: int | None
    optimizer: str
    learning_rate: float | None
    epochs: int | None
    first_layer: str
    metric: str
    protocol: str
    value: float
    param_ratio: float | None
    note: str

    @property
    def learnable_params(self) -> int | None:
        """Parameters by the ratio to a network of known size (Table 5), or counted."""
        is_cifar_resnet18 = self.model == "resnet18" and self.dataset == "cifar10"
        if self.param_ratio is not None and is_cifar_resnet18:
            return round(CIFAR_RESNET18_PARAMS / self.param_ratio)
        return self.counted_params

    @property
    def counted_params(self) -> int | None:
        """This project's count of the network, where the source tells enough and gives no ratio.

        It needs a network and a data set of a known shape, the mask count or width and, with masks,
        their number a channel. The first layer is a 3×3 convolution where the source is silent, as
        only that gives Table 5's ratios; that of the authors' Section 3 has parts that none here
        has. The published codes have up to 3,840 learnable biases more, which a normalisation
        cancels.
        """
        settings = self.settings()
        is_known = self.model in NETWORKS and self.layer in SPATIAL_LAYERS
        is_counted = self.layer != "perturbation" or "fan_out" in settings
        if (
            self.param_ratio is not None
            or self.dataset not in _IMAGES
            or not (is_known and is_counted and "mask_count" in settings)
            or self._is_section_3
        ):
            return None
        return count_learnable_params(self._run(_IMAGES[self.dataset]).model)

    def settings(self) -> dict[str, ParameterValue]:
        """Everything that was reported of this figure, under the names of a training run.

        The epochs are not among them: they are the budget.
        """
        masks = self.width if self.mask_count is None else self.mask_count
        if masks is not None and self.fan_out is not None:
            masks *= self.fan_out  # m = fan_out · p, where the source counts p
        stated: dict[str, ParameterValue | None] = {
            "network": self.model or None,
            "layer": self.layer,
            "mask_count": masks,
            "noise_level": self.noise_level,
            "fan_out": self.fan_out,
            "batch_size": self.batch_size,
            "optimizer": self.optimizer or None,
            "learning_rate": self.learning_rate,
        }
        settings = {name: value for name, value in stated.items() if value is not None}
        if self.layer == "perturbation":
            settings["trained_masks"] = False  # but in the one row that says so
            if self.fan_out == 1 or self.source == PAPER:
                # The paper's networks too: Table 5's ratios come out with nothing else.
                settings |= {"fan_out": 1, "unique_masks": True}
            if self.fan_out in (None, 1):
                settings |= {"grouped": False, "mix_maps": False}
            if self.source == PAPER:
                settings["noise_distribution"] = "uniform"  # Section 5.2
        return settings | dict(_STEMS[self.first_layer]) | dict(_SWITCHES.get(self.note, {}))

    def run_settings(self) -> dict[str, ParameterValue]:
        """Every setting of a training run of it.

        What was reported of the figure; then what its source says elsewhere, in Section 5.3 of the
        paper or in the repository's code; then the defaults of `TrialConfig`.

        Raises:
            ValueError: This project has no such network or layer.
        """
        return self._run(_IMAGES["cifar10"]).parameters()  # which hold nothing of the images

    def _run(self, images: DatasetShape) -> TrialConfig:
        if self.where == "README":
            run = original(images)  # Klachko's two figures of one run are of the authors' code
        elif self.source in _CODE:
            run = _CODE[self.source](images)
        else:
            run = TrialConfig(model=ModelConfig(dataset=images))
        return run.with_parameters({**self._elsewhere(), **self.settings()})

    def _elsewhere(self) -> Mapping[str, ParameterValue]:
        """Return what the source says elsewhere, or its code does otherwise than its recipe."""
        if self.source == PAPER and self.dataset in ("cifar10", "mnist"):
            return _SECTION_5_3
        if self.where in ("result 2", "result 3"):
            return _ORIGINALS_NETWORK
        if self.where == "result 1":
            return {"before_addition": "bn"}  # the reference ResNet-18 that his code holds
        if self.first_layer == "perturbation" and _CODE.get(self.source) is klachko:
            return {"stem_noise_level": klachko(_IMAGES["cifar10"]).model.mask.noise_level}
        if self._is_section_3:
            level = 0.1 if self.noise_level is None else self.noise_level
            masks = self.mask_count or 0
            first_layer = {
                "stem_noise_level": _SECTION_3_NOISE * level,
                "stem_fan_out": _SECTION_3_MASKS * masks,
            }
            return {**_KLACHKOS_NETWORK, **first_layer}
        return {}

    @property
    def _is_section_3(self) -> bool:
        return self.first_layer.startswith("perturbation (")

    @property
    def epochs_at_least(self) -> int | None:
        """Epochs that it was trained for, or for more than where the source does not say."""
        if self.epochs is None and self.where in ("Table 4", "Table 5", "Table 6"):
            return TABLES_4_TO_6_EPOCHS
        return self.epochs


@cache
def reported_results() -> tuple[ReportedResult, ...]:
    """All reported figures, in the order of the file."""
    text = resources.files(__package__).joinpath("reported_results.csv").read_text("utf-8")
    return tuple(_decode(row) for row in csv.DictReader(io.StringIO(text)))


def _decode(row: Mapping[str, str]) -> ReportedResult:
    """Read a row, whose columns are the fields; the file has the value in percent."""
    kinds = {name: kind for name, (kind, *_) in kinds_of(ReportedResult).items()}
    found: dict[str, Any] = {
        name: kind(row[name]) if row[name] or kind is str else None for name, kind in kinds.items()
    }
    return ReportedResult(**found | {"value": found["value"] / 100})
