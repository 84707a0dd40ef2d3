"""The registry of data sets."""

from pnn_core.config.checks import nearest
from pnn_core.data.dataset import DatasetError
from pnn_core.data.spec import DatasetSpec
from pnn_core.parts.dataset_names import DATASET_NAMES
from pnn_core.parts.entries import Registry, load_entries

DATASETS: Registry[DatasetSpec] = load_entries("pnn_core.data.sources", "DATASET", *DATASET_NAMES)
"""Every data set by its name, the value of `--dataset`; `own_dataset` adds one's own."""


def find_dataset(name: str) -> DatasetSpec:
    """Return the data set of that name.

    Raises:
        DatasetError: There is none; names the nearest.
    """
    if name in DATASETS:
        return DATASETS[name]
    near = nearest(name, DATASETS, cutoff=0.6)
    hint = f", did you mean {near!r}?" if near else ":"
    raise DatasetError(
        f"no data set is named {name!r}{hint} accepted are {', '.join(DATASETS)} "
        "and the path of a .py file with CLASSES, SHAPE, train and test"
    )
