"""Data sets with a fixed train/validation split, and a test set that only confirming opens.

Files, in the order in which a reader needs them:

- `images`: labelled images, in memory (`LabelledImages`) or in files (`ImageFiles`)
- `annotated_images`: images of any size and the objects in each, for detection
- `dataset`: all that training and model selection may see, `TrainingData`; `DatasetError`
- `augmentation`: random shifts and flips of training images
- `spec`, `registry`: all that the platform must know of a data set; `DATASETS`
- `sources`: one module for each entry of the registry; `image_folder`, `idx_images` and
  `cifar_batches` are read by several of them
- `load`: the functions that a study calls
- `test_set`: the functions that a confirmation calls
- `image_shards`: reader of Parquet shards, from `shard_place`, `shard_table` and `shard_cache`
- `voc_folder`: reader of PASCAL VOC's layout, from `voc_lists`, `voc_files`, `voc_annotation` and
  `voc_images`; `voc_survey` tells what it leaves out
- `split`, `normalisation`: which images validate; mean and standard deviation of the others
- `idx`, `download`, `class_folders`, `image_file`, `decode`, `canvas`, `memory`: files, folders and
  pixels
- `summary`: images, classes and what is left out, in a line; `folder_survey` and `typical_size`
  look at folders, `doubts` at images that teach nothing

Importing this package costs numpy and Pillow alone: no torch, torchvision or scikit-learn.
"""

from pnn_core.data.annotated_images import AnnotatedImages
from pnn_core.data.dataset import DatasetError, ImageTraits, TrainingData
from pnn_core.data.images import ImageFiles, Images, LabelledImages
from pnn_core.data.load import dataset_shape, load_training_data
from pnn_core.data.registry import DATASETS
from pnn_core.data.spec import DatasetSpec
from pnn_core.data.summary import summarise_images
from pnn_core.data.test_set import (
    TestSetClosedError,
    confirm_step,
    load_test_data,
    require_test_split,
)

__all__ = [
    "DATASETS",
    "AnnotatedImages",
    "DatasetError",
    "DatasetSpec",
    "ImageFiles",
    "ImageTraits",
    "Images",
    "LabelledImages",
    "TestSetClosedError",
    "TrainingData",
    "confirm_step",
    "dataset_shape",
    "load_test_data",
    "load_training_data",
    "require_test_split",
    "summarise_images",
]
