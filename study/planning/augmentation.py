"""Augmentation of a study's training images: the default of a new study, and its description."""

from dataclasses import replace
from typing import get_args

from pnn_core.config import DETECTION, Augment, DatasetShape
from pnn_core.data import DATASETS
from pnn_core.data.augmentation import chosen_augmentation
from pnn_core.data.typical_size import SMALL_EDGE
from search_spaces import SearchSpace
from study.command_line import blaming
from study.config import StudyConfig
from study.planning.arguments import Arguments

AUGMENT = "augment"


def with_default_augmentation(
    arguments: Arguments, space: SearchSpace
) -> tuple[Arguments, SearchSpace]:
    """Complete a new study by the data set's default, where neither option nor space has one.

    Args:
        arguments: Options as typed.
        space: Space that was asked for.
    """
    default = DATASETS[arguments.dataset].default_augment
    if default is None or arguments.augment is not None or space.sets(AUGMENT):
        return arguments, space
    return replace(arguments, augment=default), space.with_augment(default)


def with_asked_augmentation(arguments: Arguments, space: SearchSpace) -> SearchSpace:
    """Return the space with the augmentation that `--augment` asks for.

    Raises:
        BadInputError: The space chooses it itself.
    """
    if arguments.augment is None:
        return space
    with blaming("--augment", arguments.augment):
        return space.with_augment(arguments.augment)


def describe_augmentation(config: StudyConfig) -> str:
    """Say what is done to training images and how to leave it; empty where nothing is."""
    space = config.space
    if space.sets(AUGMENT) and AUGMENT not in space.fixed:
        return "training images are shifted or mirrored as each trial's augment says"
    published = DATASETS[config.dataset].augment
    found = chosen_augmentation(_fixed(space), config.shape, published=published)
    if found is None:
        return ""
    moved = f"shifted at random by up to {found.shift} pixel{'s' if found.shift > 1 else ''}"
    if _are_cropped(config.shape):
        moved = f"cropped to {config.shape.height}x{config.shape.width} at a random place"
    if config.shape.task == DETECTION:
        mirrored = "half of them are mirrored (--augment none: as they are)"
        return f"training images keep their place on the canvas; {mirrored}" if found.flip else ""
    mirrored = "half of them mirrored" if found.flip else "none mirrored"
    other = "crop: none mirrored" if found.flip else "crop_flip: half of them mirrored"
    return (
        f"training images are {moved}, {mirrored} (--augment none: as they are; --augment {other})"
    )


def _fixed(space: SearchSpace) -> Augment | None:
    return next((known for known in get_args(Augment) if space.fixed.get(AUGMENT) == known), None)


def _are_cropped(shape: DatasetShape) -> bool:
    """Return True for images that are cropped from larger ones as they are decoded."""
    return min(shape.height, shape.width) > SMALL_EDGE
