"""The table of data sets, and how a study gets at them."""

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from pnn_core.config import DatasetShape
from pnn_core.data.cifar10 import read_cifar10, require_cifar10_test
from pnn_core.data.dataset import DatasetError, Part, TrainingData
from pnn_core.data.digits import read_digits
from pnn_core.data.imagefolder import ImageFolder
from pnn_core.data.images import Images
from pnn_core.data.mnist import (
    read_fashion_mnist,
    read_mnist,
    require_fashion_mnist_test,
    require_mnist_test,
)
from pnn_core.data.normalisation import channel_statistics
from pnn_core.data.split import stratified_split


@dataclass(frozen=True, kw_only=True)
class DatasetSpec:
    """A data set that can be asked for by name.

    Attributes:
        description: One line for a reader who chooses.
        shape: Shape of its images, or how a folder tells it.
        validation_fraction: Share of the training images, of each class, held out for validation.
        augment: Whether batches in training get a random crop and flip.
        read: Reads one part from a folder: the images and the class names.
        require_test: Raises where a folder has images to learn from and none to test; None when
            there always are some.
    """

    description: str
    shape: DatasetShape | Callable[[Path], DatasetShape]
    validation_fraction: float
    augment: bool
    read: Callable[[Path, Part], tuple[Images, tuple[str, ...]]]
    require_test: Callable[[Path], None] | None = None


_IMAGE_FOLDER = ImageFolder()
_IMAGENET_100 = ImageFolder(largest_classes=100)
_MNIST_SHAPE = DatasetShape(channels=1, height=28, width=28, classes=10)

DATASETS: Mapping[str, DatasetSpec] = MappingProxyType(
    {
        "digits": DatasetSpec(
            description="1,797 handwritten digits of 8x8, embedded in scikit-learn: no download",
            shape=DatasetShape(channels=1, height=8, width=8, classes=10),
            validation_fraction=0.2,
            augment=False,
            read=read_digits,
        ),
        "mnist": DatasetSpec(
            description="70,000 handwritten digits of 28x28, downloaded when absent",
            shape=_MNIST_SHAPE,
            validation_fraction=0.1,
            augment=False,
            read=read_mnist,
            require_test=require_mnist_test,
        ),
        "fashion_mnist": DatasetSpec(
            description="70,000 pieces of clothing of 28x28, downloaded when absent",
            shape=_MNIST_SHAPE,
            validation_fraction=0.1,
            augment=False,
            read=read_fashion_mnist,
            require_test=require_fashion_mnist_test,
        ),
        "cifar10": DatasetSpec(
            description="60,000 colour photographs of 32x32, downloaded when absent",
            shape=DatasetShape(channels=3, height=32, width=32, classes=10),
            validation_fraction=0.1,
            augment=True,
            read=read_cifar10,
            require_test=require_cifar10_test,
        ),
        "imagefolder": DatasetSpec(
            description="your own images, in train/CLASS/* and test/CLASS/* of the data folder",
            shape=_IMAGE_FOLDER.shape,
            validation_fraction=0.1,
            augment=True,
            read=_IMAGE_FOLDER.read,
            require_test=_IMAGE_FOLDER.require_test,
        ),
        "imagenet100": DatasetSpec(
            description="the 100 largest classes of ImageNet, from a folder like imagefolder's",
            shape=_IMAGENET_100.shape,
            validation_fraction=0.1,
            augment=True,
            read=_IMAGENET_100.read,
            require_test=_IMAGENET_100.require_test,
        ),
    }
)
"""Every data set, by the name that a study is given. The fraction held out is 0.2 for the small
digits, where 0.1 would leave 14 images a class, and 0.1 elsewhere. ImageNet-100 is that of the
paper's Section 5.2, which names no classes."""


def dataset_shape(name: str, data_dir: Path) -> DatasetShape:
    """What a network must know of a data set, without reading it.

    Args:
        name: One of `DATASETS`.
        data_dir: Folder of the data; looked at where it alone can tell, and then for the names of
            its classes and the size of its first image only.

    Raises:
        DatasetError: The name is unknown, or a folder of images is not as it must be.
    """
    shape = find_dataset(name).shape
    return shape if isinstance(shape, DatasetShape) else shape(data_dir)


def load_training_data(name: str, data_dir: Path) -> TrainingData:
    """Load what training and model selection may see; the test set is not read.

    Args:
        name: One of `DATASETS`.
        data_dir: Folder of the data; missing files of `mnist`, `fashion_mnist` and `cifar10` are
            downloaded into it.

    Raises:
        DatasetError: The name is unknown, or the data is missing or damaged.
    """
    spec = find_dataset(name)
    images, classes = spec.read(data_dir, "train")
    learn, held_out = stratified_split(images.labels, spec.validation_fraction)
    train = images.take(learn)
    mean, std = channel_statistics(train)
    return TrainingData(
        name=name,
        train=train,
        validation=images.take(held_out),
        held_out=held_out,
        classes=classes,
        mean=mean,
        std=std,
        augment=spec.augment,
    )


def find_dataset(name: str) -> DatasetSpec:
    """The data set of that name.

    Raises:
        DatasetError: There is none; tells the nearest.
    """
    if name in DATASETS:
        return DATASETS[name]
    nearest = difflib.get_close_matches(name, DATASETS, n=1)
    hint = f", did you mean {nearest[0]!r}?" if nearest else ":"
    raise DatasetError(f"no data set is named {name!r}{hint} accepted are {', '.join(DATASETS)}")
