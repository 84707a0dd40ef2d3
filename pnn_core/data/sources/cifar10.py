"""CIFAR-10, from the batches that torchvision keeps."""

import warnings
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pnn_core.config import DatasetShape
from pnn_core.data.dataset import DatasetError, Part
from pnn_core.data.download import download
from pnn_core.data.images import LabelledImages
from pnn_core.data.spec import DatasetSpec

_FOLDER = "cifar-10-batches-py"


def read_cifar10(data_dir: Path, part: Part) -> tuple[LabelledImages, tuple[str, ...]]:
    """Read CIFAR-10: 50,000 images to learn from, 10,000 to test.

    The batches are looked for in `data_dir/cifar-10-batches-py`, then in `data_dir` itself; failing
    that, they are downloaded to the former. Only the files of the part asked for are opened, and
    each is loaded only once it has its published MD5, since loading a pickle runs what it holds.

    Source: A. Krizhevsky, "Learning multiple layers of features from tiny images", 2009.

    Args:
        data_dir: Folder of the batches, or the one above.
        part: Part to read.

    Returns:
        The images, [N, 3, 32, 32], and the class names.

    Raises:
        DatasetError: There are no files and the download failed, or a file is damaged.
    """
    source = _source_without_other_part(part)
    folders = _folders(data_dir)
    folder = _find_folder(source, data_dir)
    if folder is None:
        names = _file_names(source)
        download(
            lambda folder: _open(source, folder, part, download=True),
            data_dir,
            missing=f"cifar10: no {', '.join(names)} in {' or '.join(map(str, folders))}",
            advice=f"put the files of cifar-10-python.tar.gz into {folders[0]}",
        )
    batches = _open_verified(source, folder or folders[0], part)
    images = np.ascontiguousarray(batches.data.transpose(0, 3, 1, 2))
    labels = np.asarray(batches.targets, dtype=np.int64)
    return LabelledImages(images=images, labels=labels), tuple(batches.classes)


def require_cifar10_test(data_dir: Path) -> None:
    """Check that CIFAR-10's test batch is there if those to learn from are; opens none of them.

    Where neither are, a download brings both.

    Args:
        data_dir: Folder of the batches, or the one above.

    Raises:
        DatasetError: Names the file that is missing, and the folder.
    """
    test = _source_without_other_part("test")
    folder = _find_folder(_source_without_other_part("train"), data_dir)
    if folder is None or _find_folder(test, data_dir) is not None:
        return
    missing = [name for name in _file_names(test) if not (folder / name).is_file()]
    raise DatasetError(
        f"cifar10: {folder} holds the files to learn from, but no {', '.join(missing)}: "
        "put there what cifar-10-python.tar.gz holds"
    )


class _Batches(Protocol):
    """Attributes of an instance of torchvision's class; `data` is [N, H, W, C]."""

    data: NDArray[np.uint8]
    targets: list[int]
    classes: list[str]


def _source_without_other_part(part: Part) -> type[Any]:
    """Make a class that knows one part only: torchvision's opens all files for their MD5."""
    # Here and not at the top: it costs seconds, and GPU machines and workers may lack it.
    from torchvision.datasets import CIFAR10

    other = "test_list" if part == "train" else "train_list"
    return type("CIFAR10", (CIFAR10,), {other: []})


def _checksums(source: type[Any]) -> list[tuple[str, str]]:
    """List file names, each with its published MD5."""
    listed = [*source.train_list, *source.test_list]
    return [*map(tuple, listed), (source.meta["filename"], source.meta["md5"])]


def _file_names(source: type[Any]) -> list[str]:
    return [name for name, _ in _checksums(source)]


def _folders(data_dir: Path) -> tuple[Path, Path]:
    """List where the batches are looked for; a download goes to the first."""
    return data_dir / _FOLDER, data_dir


def _find_folder(source: type[Any], data_dir: Path) -> Path | None:
    """Find the first folder that holds all files."""
    names = _file_names(source)
    holding = (f for f in _folders(data_dir) if all((f / name).is_file() for name in names))
    return next(holding, None)


def _open(source: type[Any], root: Path, part: Part, *, download: bool) -> _Batches:
    with warnings.catch_warnings():
        # The pickles spell a dtype in an old way, which NumPy 2.4.0 to 2.4.4 warn about.
        warnings.filterwarnings("ignore", message=r"dtype\(\): align should be passed")
        batches: _Batches = source(root, train=part == "train", download=download)
    return batches


def _open_verified(source: type[Any], folder: Path, part: Part) -> _Batches:
    from torchvision.datasets.utils import check_integrity  # here for the same reasons

    here = type("CIFAR10", (source,), {"base_folder": folder.name})
    try:
        return _open(here, folder.parent, part, download=False)
    except RuntimeError as error:
        damaged = [n for n, md5 in _checksums(source) if not check_integrity(folder / n, md5)]
        raise DatasetError(
            f"{folder} holds {', '.join(damaged)} with another MD5 than the published one: "
            "replace by what cifar-10-python.tar.gz holds"
        ) from error


DATASET = DatasetSpec(
    description="60,000 colour photographs of 32x32, downloaded when absent",
    shape=DatasetShape(channels=3, height=32, width=32, classes=10),
    augment=True,
    read=read_cifar10,
    require_test=require_cifar10_test,
)
