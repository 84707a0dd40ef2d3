"""Random shifts and flips of training images: what a run is asked for, in pixels."""

from dataclasses import dataclass

from pnn_core.config import DETECTION, Augment, DatasetShape


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """Random change of each training image, drawn anew in every epoch.

    Attributes:
        shift: Largest shift in pixels, up, down, left and right; black comes in. Images that are
            larger than the network's input are cropped at a random place instead.
        flip: True if half of the images have left and right exchanged.
    """

    shift: int
    flip: bool


PUBLISHED = Augmentation(shift=4, flip=True)
"""Augmentation of the published code for CIFAR-10, 32×32."""


def chosen_augmentation(
    asked: Augment | None, shape: DatasetShape, *, published: bool
) -> Augmentation | None:
    """Return the augmentation of a training run; None leaves images as they are.

    A shift that is asked for is an eighth of the shorter side, as 4 pixels are of CIFAR-10's 32:
    rounded, and at least one pixel. In detection all of an image is seen, and nothing is shifted:
    "crop" is as "none", and "crop_flip" is the published flip.

    Args:
        asked: `TrialConfig.augment`.
        shape: Shape of the images.
        published: `TrainingData.augment`: what holds where nothing is asked for.
    """
    if shape.task == DETECTION:
        return (
            Augmentation(shift=0, flip=True)
            if asked == "crop_flip" or (asked is None and published)
            else None
        )
    if asked is None:
        return PUBLISHED if published else None
    if asked == "none":
        return None
    shift = max(1, (min(shape.height, shape.width) + 4) // 8)
    return Augmentation(shift=shift, flip=asked == "crop_flip")
