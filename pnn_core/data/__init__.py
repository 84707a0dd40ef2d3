"""Data sets as in-memory arrays, with a fixed train/validation split.

Files, in the order in which a reader needs them:

- `dataset`: what is handed out, `LabelledImages` and `TrainingData`, and `DatasetError`
- `load`: the table of data sets and the three functions that a study calls
- `split`, `normalisation`: which images validate; mean and standard deviation of the others
- `digits`, `mnist`, `cifar10`, `imagefolder`: one reader each; `idx` and `download` serve them

Importing this package costs numpy and Pillow alone: no torch, torchvision or scikit-learn.
"""

from pnn_core.data.dataset import DatasetError, LabelledImages, TrainingData
from pnn_core.data.load import (
    DATASETS,
    DatasetSpec,
    dataset_shape,
    load_test_data,
    load_training_data,
)

__all__ = [
    "DATASETS",
    "DatasetError",
    "DatasetSpec",
    "LabelledImages",
    "TrainingData",
    "dataset_shape",
    "load_test_data",
    "load_training_data",
]
