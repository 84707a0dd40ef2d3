"""Images of a data set, by its name."""

from pathlib import Path

import numpy as np

from pnn_core.config import DatasetShape
from pnn_core.data.dataset import TrainingData
from pnn_core.data.normalisation import channel_statistics
from pnn_core.data.registry import find_dataset
from pnn_core.data.split import stratified_split


def dataset_shape(name: str, data_dir: Path) -> DatasetShape:
    """Return what a network must know of a data set, without reading it.

    Args:
        name: Name in `DATASETS`.
        data_dir: Folder of the data; looked at where it alone can tell, and then for the names of
            its classes and the size of its first image only.

    Raises:
        DatasetError: The name is unknown, or a folder of images is not as it must be.
    """
    shape = find_dataset(name).shape
    return shape if isinstance(shape, DatasetShape) else shape(data_dir)


def load_training_data(name: str, data_dir: Path) -> TrainingData:
    """Load all that training and model selection may see; the test set is not read.

    Args:
        name: Name in `DATASETS`.
        data_dir: Folder of the data; missing files are downloaded into it where they can be.

    Raises:
        DatasetError: The name is unknown, or the data is missing or damaged.
    """
    spec = find_dataset(name)
    images, classes = spec.read(data_dir, "train")
    if spec.held_out is None:
        learn, held_out = stratified_split(images.labels, spec.validation_fraction)
    else:
        held_out = spec.held_out(data_dir)
        learn = np.delete(np.arange(len(images)), held_out)
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
