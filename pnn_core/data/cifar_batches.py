"""CIFAR-10 and CIFAR-100, from the batches that torchvision keeps."""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pnn_core.config import DatasetShape
from pnn_core.data.dataset import DatasetError, Part
from pnn_core.data.download import download
from pnn_core.data.images import LabelledImages
from pnn_core.data.spec import DatasetSpec


class _Batches(Protocol):
    """Attributes of an instance of torchvision's class; `data` is [N, H, W, C]."""

    data: NDArray[np.uint8]
    targets: list[int]
    classes: list[str]


@dataclass(frozen=True, kw_only=True)
class CifarBatches:
    """Reader of 50,000 images to learn from and 10,000 to test.

    The batches are looked for in `folder` of the data folder, then in the data folder itself;
    failing that, they are downloaded to the former. Only the files of the part asked for are
    opened, and each is loaded only once it has its published MD5, since loading a pickle runs what
    it holds.

    Source: A. Krizhevsky, "Learning multiple layers of features from tiny images", 2009.

    Attributes:
        name: Name of the data set in messages.
        torchvision_class: Name of torchvision's class.
        folder: Folder of the batches in the archive.
        archive: Name of the published archive.
        classes: Number of classes.
    """

    name: str
    torchvision_class: str
    folder: str
    archive: str
    classes: int

    def dataset(self, description: str) -> DatasetSpec:
        """Return the registry's entry."""
        return DatasetSpec(
            description=description,
            shape=DatasetShape(channels=3, height=32, width=32, classes=self.classes),
            augment=True,
            read=self.read,
            require_test=self.require_test,
        )

    def read(self, data_dir: Path, part: Part) -> tuple[LabelledImages, tuple[str, ...]]:
        """Read one part.

        Args:
            data_dir: Folder of the batches, or the one above.
            part: Part to read.

        Returns:
            The images, [N, 3, 32, 32], and the class names.

        Raises:
            DatasetError: There are no files and the download failed, or a file is damaged.
        """
        source = self._source_without_other_part(part)
        folders = self._folders(data_dir)
        folder = self._find_folder(source, data_dir)
        if folder is None:
            names = _file_names(source)
            download(
                lambda folder: _open(source, folder, part, download=True),
                data_dir,
                missing=f"{self.name}: no {', '.join(names)} in {' or '.join(map(str, folders))}",
                advice=f"put the files of {self.archive} into {folders[0]}",
            )
        batches = self._open_verified(source, folder or folders[0], part)
        images = np.ascontiguousarray(batches.data.transpose(0, 3, 1, 2))
        labels = np.asarray(batches.targets, dtype=np.int64)
        return LabelledImages(images=images, labels=labels), tuple(batches.classes)

    def require_test(self, data_dir: Path) -> None:
        """Check that the test batch is there if those to learn from are; opens none of them.

        Where neither are, a download brings both.

        Args:
            data_dir: Folder of the batches, or the one above.

        Raises:
            DatasetError: Names the file that is missing, and the folder.
        """
        test = self._source_without_other_part("test")
        folder = self._find_folder(self._source_without_other_part("train"), data_dir)
        if folder is None or self._find_folder(test, data_dir) is not None:
            return
        missing = [name for name in _file_names(test) if not (folder / name).is_file()]
        raise DatasetError(
            f"{self.name}: {folder} holds the files to learn from, but no {', '.join(missing)}: "
            f"put there what {self.archive} holds"
        )

    def _source_without_other_part(self, part: Part) -> type[Any]:
        """Make a class that knows one part only: torchvision's opens all files for their MD5."""
        # Here and not at the top: it costs seconds, and GPU machines and workers may lack it.
        from torchvision import datasets

        other = "test_list" if part == "train" else "train_list"
        original = getattr(datasets, self.torchvision_class)
        return type(self.torchvision_class, (original,), {other: []})

    def _folders(self, data_dir: Path) -> tuple[Path, Path]:
        """List where the batches are looked for; a download goes to the first."""
        return data_dir / self.folder, data_dir

    def _find_folder(self, source: type[Any], data_dir: Path) -> Path | None:
        """Find the first folder that holds all files."""
        names = _file_names(source)
        folders = self._folders(data_dir)
        holding = (f for f in folders if all((f / name).is_file() for name in names))
        return next(holding, None)

    def _open_verified(self, source: type[Any], folder: Path, part: Part) -> _Batches:
        from torchvision.datasets.utils import check_integrity  # here for the same reasons

        here = type(self.torchvision_class, (source,), {"base_folder": folder.name})
        try:
            return _open(here, folder.parent, part, download=False)
        except RuntimeError as error:
            damaged = [n for n, md5 in _checksums(source) if not check_integrity(folder / n, md5)]
            raise DatasetError(
                f"{folder} holds {', '.join(damaged)} with another MD5 than the published one: "
                f"replace by what {self.archive} holds"
            ) from error


def _checksums(source: type[Any]) -> list[tuple[str, str]]:
    """List file names, each with its published MD5."""
    listed = [*source.train_list, *source.test_list]
    return [*map(tuple, listed), (source.meta["filename"], source.meta["md5"])]


def _file_names(source: type[Any]) -> list[str]:
    return [name for name, _ in _checksums(source)]


def _open(source: type[Any], root: Path, part: Part, *, download: bool) -> _Batches:
    with warnings.catch_warnings():
        # The pickles spell a dtype in an old way, which NumPy 2.4.0 to 2.4.4 warn about.
        warnings.filterwarnings("ignore", message=r"dtype\(\): align should be passed")
        batches: _Batches = source(root, train=part == "train", download=download)
    return batches
