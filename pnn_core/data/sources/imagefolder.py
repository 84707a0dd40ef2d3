"""A folder of images of one's own."""

from dataclasses import replace

from pnn_core.data.image_folder import ImageFolder

DATASET = replace(
    ImageFolder().dataset("your own images, in train/CLASS/* and test/CLASS/* of the data folder"),
    # Only who made the folder knows if a mirror image is of the same class: a digit is not.
    default_augment="crop",
)
