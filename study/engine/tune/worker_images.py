"""Images that workers train and evaluate on: training and validation, or all of them and a test."""

from dataclasses import dataclass

from pnn_core.data import Images, ImageTraits, TrainingData


@dataclass(frozen=True, kw_only=True)
class ConfirmationImages:
    """Images of a confirmation, which is tested after its last epoch.

    Attributes:
        traits: Traits of the images.
        classes: Class names; a label is an index into them.
        images: Images to learn from: training and validation images joined.
        test: Test images.
    """

    traits: ImageTraits
    classes: tuple[str, ...]
    images: Images
    test: Images


WorkerImages = TrainingData | ConfirmationImages
"""Images of a search, whose runs are validated after each epoch, or of a confirmation."""
