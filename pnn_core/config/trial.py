"""A whole training run, in words."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, get_args

from pnn_core.config.checks import require_at_least, require_known, require_member
from pnn_core.config.model import MaskConfig, ModelConfig, StemConfig
from pnn_core.config.optimizer import OptimConfig
from pnn_core.config.task import DETECTION

ParameterValue = int | float | str | bool

Augment = Literal["none", "crop", "crop_flip"]
"""Augmentation of training images: none, random shifts, or shifts and left-right flips."""

Normalisation = Literal["train_images", "published", "imagenet"]


@dataclass(frozen=True, kw_only=True)
class TrialConfig:
    """A whole training run.

    Attributes:
        model: Network to train.
        optim: Optimiser and batches.
        normalisation: Mean and standard deviation by which pixels are normalised: those of the
            images that weights are learned from (`train_images`), or, for three channels, the
            constants of the published codes (`published`) or of ImageNet (`imagenet`).
        epochs: Passes over the training images.
        seed: Seed of separate random streams for initialisation, masks and data order.
        initialisation_seed: Seed of that stream in the place of `seed`. Runs that differ in `seed`
            and share one of these three tell how much luck lies in the other two.
        mask_seed: Seed of masks and fixed filters in the place of `seed`.
        data_order_seed: Seed of the order of the images, crops and flips in the place of `seed`.
        augment: Augmentation of training images, shifts being an eighth of the shorter side. None:
            that of the data set, with shifts of four pixels (`TrainingData.augment`).
        initial_weights: Weights that a detector begins with: `imagenet`, or the name under which a
            file of them was made known (`pnn_core.parts.weight_files`). None: drawn from the seed.

    In detection `canvas` and `padding` are plain names, too: side of the square of `model.dataset`,
    and its attribute.
    """

    model: ModelConfig
    optim: OptimConfig = field(default_factory=OptimConfig)
    normalisation: Normalisation = "train_images"
    epochs: int = 15
    seed: int = 0
    initialisation_seed: int | None = None
    mask_seed: int | None = None
    data_order_seed: int | None = None
    augment: Augment | None = None
    initial_weights: str | None = None

    def __post_init__(self) -> None:
        require_at_least(self, 1, "epochs")
        require_at_least(self, 0, "seed")
        require_member(self, "normalisation", get_args(Normalisation))
        channels = self.model.dataset.channels
        if self.normalisation != "train_images" and channels != 3:
            raise ValueError(
                f"normalisation (={self.normalisation!r}) needs images of 3 channels, not "
                f"{channels}: accepted is train_images"
            )
        for name in STREAM_SEEDS:
            if getattr(self, name) is not None:
                require_at_least(self, 0, name)
        if self.augment is not None:
            require_member(self, "augment", get_args(Augment))
        task = self.model.dataset.task
        if self.initial_weights is not None and task != DETECTION:
            raise ValueError(
                f"initial_weights (={self.initial_weights!r}): in {task} all weights are drawn: "
                "accepted is None"
            )

    def with_parameters(self, parameters: Mapping[str, Any]) -> "TrialConfig":
        """Return a copy with the named fields replaced, wherever in the tree they stand.

        Args:
            parameters: Plain field names, such as `mask_count`, `noise_level` or `batch_size`.

        Raises:
            ValueError: A name is no field of a training run, or a value is not accepted.
        """
        for name in parameters:
            require_known("a parameter", name, PARAMETER_NAMES)

        def chosen(owner: type) -> dict[str, Any]:
            return {name: parameters[name] for name in _own_names(owner) if name in parameters}

        mask = replace(self.model.mask, **chosen(MaskConfig))
        first_layer = replace(self.model.first_layer, **chosen(StemConfig))
        dataset = self.model.dataset
        if CANVAS in parameters:
            dataset = dataset.on_canvas(parameters[CANVAS])
        if PADDING in parameters:
            dataset = replace(dataset, padding=parameters[PADDING])
        model = replace(
            self.model,
            dataset=dataset,
            mask=mask,
            first_layer=first_layer,
            **chosen(ModelConfig),
        )
        optim = replace(self.optim, **chosen(OptimConfig))
        return replace(self, model=model, optim=optim, **chosen(TrialConfig))

    def parameters(self) -> dict[str, ParameterValue]:
        """Return every setting that matters under its plain name.

        Settings that change nothing, such as the noise level of a network without noise, are left
        out: given to `with_parameters`, the rest describes the same training run.
        """
        model = self.model
        unused = model.unused() | self.optim.unused()
        unused |= {name for name in (*STREAM_SEEDS, *ADDED_UNSET) if getattr(self, name) is None}
        parameters = {
            name: getattr(owner, name)
            for owner in (model, model.mask, model.first_layer, self.optim, self)
            for name in _own_names(type(owner))
            if name not in unused
        }
        if model.dataset.task == DETECTION:
            parameters[CANVAS] = model.dataset.height
            parameters[PADDING] = model.dataset.padding
        return parameters


CANVAS = "canvas"
"""Plain name of the side of the square, in pixels, that images are scaled to in detection."""

PADDING = "padding"
"""Plain name of what images are padded to in detection; see `DatasetShape.padding`."""

STREAM_SEEDS = ("initialisation_seed", "mask_seed", "data_order_seed")


def _own_names(owner: type) -> tuple[str, ...]:
    nested = {"dataset", "mask", "first_layer", "model", "optim"}
    return tuple(f.name for f in fields(owner) if f.name not in nested)


PARAMETER_NAMES: tuple[str, ...] = (
    *(
        name
        for owner in (ModelConfig, MaskConfig, StemConfig, OptimConfig, TrialConfig)
        for name in _own_names(owner)
    ),
    CANVAS,
    PADDING,
)
"""Every plain name that `TrialConfig.with_parameters` accepts."""

ADDED_SETTINGS: Mapping[str, ParameterValue] = {
    "initialisation": "torch",
    "normalisation": "train_images",
}
"""Settings that earlier versions did not record, each with the value that they trained with."""

ADDED_TO_DETECTION: Mapping[str, ParameterValue] = {PADDING: "canvas"}
"""The same of settings that detection alone has."""

ADDED_UNSET = ("augment", "initial_weights")
"""Settings that earlier versions did not have, and that are None where nobody asks for a value."""


def added_settings(recorded: Mapping[str, ParameterValue]) -> Mapping[str, ParameterValue]:
    """Return settings that earlier versions did not record, for a training run that lacks some.

    Args:
        recorded: Settings that were recorded; they tell the task.
    """
    return _ADDED_IN_DETECTION if CANVAS in recorded else ADDED_SETTINGS


_ADDED_IN_DETECTION: Mapping[str, ParameterValue] = {**ADDED_SETTINGS, **ADDED_TO_DETECTION}
