"""A folder of images of one's own."""

from pnn_core.data.image_folder import ImageFolder

DATASET = ImageFolder().dataset(
    "your own images, in train/CLASS/* and test/CLASS/* of the data folder"
)
