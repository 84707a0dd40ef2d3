"""ImageNet-100, of the paper's Section 5.2, which names no classes: the largest are used."""

from pnn_core.data.image_folder import ImageFolder

DATASET = ImageFolder(largest_classes=100).dataset(
    "the 100 largest classes of ImageNet, from a folder like imagefolder's"
)
