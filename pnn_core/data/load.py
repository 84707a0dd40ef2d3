"""The table of data sets, and how a study gets at them."""

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from pnn_core.config import DatasetShape
from pnn_core.data.cifar10 import read_cifar10
from pnn_core.data.dataset import DatasetError, LabelledImages, Part, TrainingData
from pnn_core.data.digits import read_digits
from pnn_core.data.imagefolder import imagefolder_shape, read_imagefolder
from pnn_core.data.mnist import read_fashion_mnist, read_mnist
from pnn_core.data.normalisation import channel_statistics
from pnn_core.data.split import stratified_split


@dataclass(frozen=True, kw_only=True)
class DatasetSpec:
    """A data set that can be asked for by name.

    Attributes:
        description: One line for a reader who chooses.
        shape: Shape of its images; None when only the data can tell.
        validation_fraction: Share of the training images, of each class, held out for validation.
        augment: Whether batches in training get a random crop and flip.
        read: Reads one part from a folder: the images and the class names.
    """

    description: str
    shape: DatasetShape | None
    validation_fraction: float
    augment: bool
    read: Callable[[Path, Part], tuple[LabelledImages, tuple[str, ...]]]


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
        ),
        "fashion_mnist": DatasetSpec(
            description="70,000 pieces of clothing of 28x28, downloaded when absent",
            shape=_MNIST_SHAPE,
            validation_fraction=0.1,
            augment=False,
            read=read_fashion_mnist,
        ),
        "cifar10": DatasetSpec(
            description="60,000 colour photographs of 32x32, downloaded when absent",
            shape=DatasetShape(channels=3, height=32, width=32, classes=10),
            validation_fraction=0.1,
            augment=True,
            read=read_cifar10,
        ),
        "imagefolder": DatasetSpec(
            description="your own images, in train/CLASS/* and test/CLASS/* of the data folder",
            shape=None,
            validation_fraction=0.1,
            augment=True,
            read=read_imagefolder,
        ),
    }
)
"""Every data set, by the name that a study is given. The fraction held out is 0.2 for the small
digits, where 0.1 would leave 14 images a class, and 0.1 elsewhere."""


def dataset_shape(name: str, data_dir: Path) -> DatasetShape:
    """What a network must know of a data set, without reading it.

    Args:
        name: One of `DATASETS`.
        data_dir: Folder of the data; looked at for `imagefolder` alone, and then for the names of
            its classes and the size of its first image only.

    Raises:
        DatasetError: The name is unknown, or the folder of an `imagefolder` is not as it must be.
    """
    shape = _spec(name).shape
    return imagefolder_shape(data_dir) if shape is None else shape


def load_training_data(name: str, data_dir: Path) -> TrainingData:
    """Load what training and model selection may see; the test set is not read.

    Args:
        name: One of `DATASETS`.
        data_dir: Folder of the data; missing files of `mnist`, `fashion_mnist` and `cifar10` are
            downloaded into it.

    Raises:
        DatasetError: The name is unknown, or the data is missing or damaged.
    """
    spec = _spec(name)
    images, classes = spec.read(data_dir, "train")
    learn, held_out = stratified_split(images.labels, spec.validation_fraction)
    train = images.take(learn)
    mean, std = channel_statistics(train.images)
    return TrainingData(
        name=name,
        train=train,
        validation=images.take(held_out),
        classes=classes,
        mean=mean,
        std=std,
        augment=spec.augment,
    )


def load_test_data(name: str, data_dir: Path) -> LabelledImages:
    """Load the test set: only the confirm step may call this, once, after the front is chosen.

    Args:
        name: One of `DATASETS`.
        data_dir: Folder of the data.

    Raises:
        DatasetError: The name is unknown, or the data is missing or damaged.
    """
    images, _ = _spec(name).read(data_dir, "test")
    return images


def _spec(name: str) -> DatasetSpec:
    if name in DATASETS:
        return DATASETS[name]
    nearest = difflib.get_close_matches(name, DATASETS, n=1)
    hint = f", did you mean {nearest[0]!r}?" if nearest else ":"
    raise DatasetError(f"no data set is named {name!r}{hint} accepted are {', '.join(DATASETS)}")
