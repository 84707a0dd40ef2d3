"""Data sets in the idx files of MNIST and its relatives: grey images of 28×28 pixels."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pnn_core.config import DatasetShape
from pnn_core.data.dataset import DatasetError, Part
from pnn_core.data.download import download
from pnn_core.data.idx import read_idx
from pnn_core.data.images import LabelledImages
from pnn_core.data.spec import DatasetSpec

_SIDE = 28


@dataclass(frozen=True, kw_only=True)
class IdxImages:
    """Reader of images to learn from and others to test.

    The idx files, plain or `.gz`, are looked for in the data folder, then where torchvision keeps
    them, as in `MNIST/raw`; failing that, they are downloaded to the latter. Only the files of the
    part asked for are opened.

    Attributes:
        name: Name of the data set in messages.
        torchvision_class: Name of torchvision's class, and of the folder of its files.
        classes: Names of the classes.
        prefixes: Starts of the files' names: those to learn from, those to test.
        split: Split that torchvision's class asks for; empty if it has but one.
        is_transposed: True if the files hold each image by its columns.
    """

    name: str
    torchvision_class: str
    classes: tuple[str, ...]
    prefixes: tuple[str, str] = ("train", "t10k")
    split: str = ""
    is_transposed: bool = False

    def dataset(self, description: str) -> DatasetSpec:
        """Return the registry's entry."""
        return DatasetSpec(
            description=description,
            shape=DatasetShape(channels=1, height=_SIDE, width=_SIDE, classes=len(self.classes)),
            augment=False,
            read=self.read,
            require_test=self.require_test,
        )

    def read(self, data_dir: Path, part: Part) -> tuple[LabelledImages, tuple[str, ...]]:
        """Read one part.

        Args:
            data_dir: Folder of the files.
            part: Part to read.

        Returns:
            The images, [N, 1, 28, 28], and the class names.

        Raises:
            DatasetError: There are no files and the download failed, or a file is damaged.
        """
        images_file, labels_file = self._find_files(data_dir, part) or self._download_files(
            data_dir, part
        )
        images, labels = read_idx(images_file, 3), read_idx(labels_file, 1)
        if images.shape[1:] != (_SIDE, _SIDE):
            raise DatasetError(
                f"{images_file} holds images of {images.shape[1]} x {images.shape[2]} pixels: "
                f"{self.name} has {_SIDE} x {_SIDE}"
            )
        if len(images) != len(labels) or len(images) == 0:
            raise DatasetError(
                f"{images_file} holds {len(images)} images and {labels_file} {len(labels)} labels: "
                "they must be as many, at least one"
            )
        if labels.max() >= len(self.classes):
            raise DatasetError(
                f"{labels_file} holds the label {labels.max()}: {self.name} has 0 to "
                f"{len(self.classes) - 1}"
            )
        if self.is_transposed:
            images = np.ascontiguousarray(images.transpose(0, 2, 1))
        labelled = LabelledImages(images=images[:, None], labels=labels.astype(np.int64))
        return labelled, self.classes

    def require_test(self, data_dir: Path) -> None:
        """Check that the test files are there if those to learn from are; opens none of them.

        Where neither are, a download brings both.

        Args:
            data_dir: Folder of the files.

        Raises:
            DatasetError: Names the files that are missing, and the folder.
        """
        train = self._find_files(data_dir, "train")
        if train is None or self._find_files(data_dir, "test") is not None:
            return
        folder = train[0].parent
        missing = [name for name in self._file_names("test") if _find_file(folder, name) is None]
        raise DatasetError(
            f"{self.name}: {folder} holds the files to learn from, but no "
            f"{' and '.join(missing)} (plain or .gz): put them there too"
        )

    def _find_files(self, data_dir: Path, part: Part) -> tuple[Path, Path] | None:
        for folder in (data_dir, data_dir / self.torchvision_class / "raw"):
            images, labels = (_find_file(folder, name) for name in self._file_names(part))
            if images is not None and labels is not None:
                return images, labels
        return None

    def _download_files(self, data_dir: Path, part: Part) -> tuple[Path, Path]:
        def fetch(folder: Path) -> None:
            # Here and not at the top: it costs seconds, and GPU machines and workers may lack it.
            from torchvision import datasets

            split = {"split": self.split} if self.split else {}
            getattr(datasets, self.torchvision_class)(folder, download=True, **split)

        raw = data_dir / self.torchvision_class / "raw"
        images, labels = self._file_names(part)
        others = self.prefixes[part == "train"]
        download(
            fetch,
            data_dir,
            missing=f"{self.name}: no {images} and {labels} (plain or .gz) in {data_dir} or {raw}",
            advice=f"put these two and the {others}-... files into {data_dir}",
        )
        return raw / images, raw / labels

    def _file_names(self, part: Part) -> tuple[str, str]:
        prefix = self.prefixes[part == "test"]
        return f"{prefix}-images-idx3-ubyte", f"{prefix}-labels-idx1-ubyte"


def _find_file(folder: Path, name: str) -> Path | None:
    candidates = (folder / name, folder / f"{name}.gz")
    return next((path for path in candidates if path.is_file()), None)
