"""Names of the data sets, for who needs no images."""

DATASET_NAMES = (
    "digits",
    "mnist",
    "fashion_mnist",
    "cifar10",
    "imagefolder",
    "imagenet100",
    "cifar100",
    "kmnist",
    "emnist",
    "vocfolder",
    "voc2007",
    "shards",
)
"""Values of `--dataset`; each has an entry in the module of its name in `pnn_core.data.sources`."""
