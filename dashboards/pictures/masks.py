"""A trial's noise masks as images, drawn again from its seed: no tracker holds them."""

import math
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from dashboards.elements import theme
from dashboards.elements.picture import Cell, Columns, PictureInfo
from dashboards.picture_entry import PictureEntry
from dashboards.pictures.mask_mosaic import draw_mosaic
from dashboards.scene import Scene
from pnn_core.config import PARAMETER_NAMES, DatasetShape, ModelConfig, TrialConfig
from pnn_core.parts.networks import NETWORKS
from pnn_core.rng.mask_regeneration import (
    MaskDraw,
    MaskPlace,
    describe_draw,
    mask_places,
    replay_masks,
)
from study.results.plural import counted
from study.results.run_record import RunRecord
from study.results.study_info import StudyInfo

_KNOWN_IMAGES = MappingProxyType(
    {
        "digits": DatasetShape(channels=1, height=8, width=8, classes=10),
        "mnist": DatasetShape(channels=1, height=28, width=28, classes=10),
        "fashion_mnist": DatasetShape(channels=1, height=28, width=28, classes=10),
        "cifar10": DatasetShape(channels=3, height=32, width=32, classes=10),
    }
)
"""Shapes of data sets of one shape, for studies that were recorded without it."""

Mask = tuple[tuple[float, ...], ...]
"""Rows of values."""

_LONGEST_SIDE = 32  # pixels drawn of a mask: more are too small to be seen, and large to send
_NORMAL_DEVIATIONS = 3.0  # to black and to white

_NEEDED = (
    "network",
    "layer",
    "mask_count",
    "fan_out",
    "noise_level",
    "noise_distribution",
    "unique_masks",
    "trained_masks",
    "stem",
    "stem_noise_level",
    "stem_fan_out",
    "seed",
)
"""Settings on which masks depend, where they apply."""


@dataclass(frozen=True, kw_only=True)
class MasksInfo(PictureInfo):
    """Words and data of the picture.

    Attributes:
        bound: Values from minus to plus this go from black to white.
        masks: Masks in the order of their index in the layer, from 0.
    """

    bound: float
    masks: tuple[Mask, ...]


def image_shape(info: StudyInfo) -> DatasetShape | None:
    """The shape of a study's images: as recorded, or else that of the data set of its name."""
    return info.images or _KNOWN_IMAGES.get(info.dataset)


def get_masks_info(
    record: RunRecord,
    shape: DatasetShape | None,
    *,
    limit: int = 16,
    place: MaskPlace | None = None,
    replicate: int = 0,
) -> MasksInfo:
    """Collect what the picture shows.

    Args:
        record: Record of the trial.
        shape: Shape of its images (`image_shape`); None where it is not known.
        limit: Masks at most, the first ones of the layer.
        place: Place in the network; None for its first perturbation layer and, without any,
            its perturbation stem.
        replicate: Index of the trial's seed, from 0.
    """
    title = f"Noise masks of trial {record.number}"
    try:
        trial = _training_run(record, shape, replicate)
        draw = _find_masks(trial, place)
    except ValueError as error:
        return MasksInfo(
            title=title,
            description="Nothing is drawn.",
            bound=0.0,
            masks=(),
            instead=theme.capitalised(str(error)),
        )
    values = replay_masks(draw, limit)
    return MasksInfo(
        title=title,
        sentences=tuple(_sentences(record, trial, draw, len(values))),
        description=(
            f"Grey-scale images of {counted(len(values), 'mask')} of {draw.height}×{draw.width} "
            "pixels: noise without a pattern."
        ),
        bound=_bound(draw),
        masks=_nested(values[:, :_LONGEST_SIDE, :_LONGEST_SIDE]),
        instead="",
    )


def get_masks_figure(info: MasksInfo) -> go.Figure:
    """Draw it."""
    figure = theme.new_figure()
    return draw_mosaic(figure, np.asarray(info.masks, dtype=np.float32), bound=info.bound)


def _columns(info: MasksInfo) -> Columns:
    rows: list[tuple[int, int, int, float]] = [
        (number, row, column, value)
        for number, mask in enumerate(info.masks)
        for row, values in enumerate(mask)
        for column, value in enumerate(values)
    ]
    names = ("mask", "row", "column", "noise")
    data: dict[str, list[Cell]] = {
        name: [cells[i] for cells in rows] for i, name in enumerate(names)
    }
    return data


def _training_run(record: RunRecord, shape: DatasetShape | None, replicate: int) -> TrialConfig:
    """The training run of one seed of a trial.

    Raises:
        ValueError: Something that the masks depend on is not recorded.
    """
    seeds = max(len(record.replicates), 1)
    if not 0 <= replicate < seeds:
        raise ValueError(f"replicate (={replicate}) must be one of the trial's {seeds} from 0 on.")
    if shape is None:
        raise ValueError(
            "The study does not record the size of its images, on which the size of masks depends."
        )
    known = {name: v for name, v in record.parameters.items() if name in PARAMETER_NAMES}
    trial = TrialConfig(model=ModelConfig(dataset=shape)).with_parameters(known)
    missing = [name for name in _NEEDED if name in trial.parameters() and name not in known]
    if missing:
        raise ValueError(
            f"The trial does not record {', '.join(missing)}, on which its masks depend."
        )
    return replace(trial, seed=trial.seed + replicate)


def _find_masks(trial: TrialConfig, place: MaskPlace | None) -> MaskDraw:
    """The masks of a place.

    What the searched mask count and noise level are about comes before a stem's own noise.

    Raises:
        ValueError: There are none, or none that differ from 0.
    """
    places = mask_places(trial.model)
    if not places:
        if NETWORKS[trial.model.network].has_own_widths:
            raise ValueError(
                f"The masks of {trial.model.network} are in its weights: they are drawn again here "
                "for this project's own networks alone."
            )
        raise ValueError(f"This network has no noise masks: its layers are {trial.model.layer}.")
    draw = describe_draw(trial, place or places[-1])
    if draw.mask.noise_level == 0:
        raise ValueError("The noise level is 0, so that all masks are 0.")
    return draw


def _bound(draw: MaskDraw) -> float:
    if draw.mask.noise_distribution == "uniform" and draw.blur == 0:
        return draw.mask.noise_level
    return _NORMAL_DEVIATIONS * draw.mask.noise_level / math.sqrt(3.0)


def _sentences(record: RunRecord, trial: TrialConfig, draw: MaskDraw, drawn: int) -> list[str]:
    where = "perturbation stem" if draw.place == "stem" else "first perturbation layer"
    total = f"all {draw.count}" if drawn == draw.count else f"{drawn} of {draw.count}"
    sentences = [
        f"{theme.capitalised(total)} masks of the {where}, {draw.height}×{draw.width} pixels each, "
        f"drawn again from seed {_mask_seed(trial)}: {_describe_distribution(draw)}.",
        f"Black is −{_bound(draw):.3g}, white {_bound(draw):.3g}.",
        "In the order of their index, from left to right, then downwards.",
    ]
    if max(draw.height, draw.width) > _LONGEST_SIDE:
        sentences.append(f"Of each the upper left {_LONGEST_SIDE} pixels a side at most.")
    if draw.place == "layer" and not draw.mask.unique_masks:
        sentences.append(f"All {trial.model.width} channels share them.")
    if draw.mask.trained_masks:
        sentences.append("As they were before training, which changes them.")
    seeds = len(record.replicates)
    if seeds > 1 and trial.mask_seed is None:
        sentences.append(f"Each of the trial's {seeds} seeds has masks of its own.")
    return sentences


def _mask_seed(trial: TrialConfig) -> int:
    return trial.seed if trial.mask_seed is None else trial.mask_seed


def _describe_distribution(draw: MaskDraw) -> str:
    level = draw.mask.noise_level
    if draw.blur > 0:
        return (
            f"noise of standard deviation {level / math.sqrt(3.0):.3g}, blurred by a Gaussian of "
            f"{draw.blur:.3g} pixels at equal variance"
        )
    if draw.mask.noise_distribution == "uniform":
        return f"uniform in ±{level:.3g}"
    return (
        f"normal of standard deviation {level / math.sqrt(3.0):.3g}, of which 0.3% lie beyond "
        "black and white"
    )


def _nested(values: NDArray[np.float32]) -> tuple[Mask, ...]:
    return tuple(tuple(map(tuple, mask)) for mask in values.tolist())


def _info(scene: Scene) -> MasksInfo:
    if scene.opened is None:
        raise ValueError("masks are a trial's: open one")
    return get_masks_info(scene.opened, image_shape(scene.study.info))


MASKS = PictureEntry(
    name="trial-masks",
    needs="one trial",
    info=_info,
    figure=get_masks_figure,
    columns=_columns,
)
