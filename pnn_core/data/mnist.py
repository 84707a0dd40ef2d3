"""MNIST and Fashion-MNIST, from idx files."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pnn_core.data.dataset import DatasetError, Part
from pnn_core.data.download import download
from pnn_core.data.idx import read_idx
from pnn_core.data.images import LabelledImages

_SIDE = 28


@dataclass(frozen=True, kw_only=True)
class _Variant:
    name: str
    torchvision_class: str  # also the name of the folder that torchvision keeps it in
    classes: tuple[str, ...]


_MNIST = _Variant(
    name="mnist", torchvision_class="MNIST", classes=tuple(str(digit) for digit in range(10))
)
_FASHION_MNIST = _Variant(
    name="fashion_mnist",
    torchvision_class="FashionMNIST",
    classes=(
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ),
)


def read_mnist(data_dir: Path, part: Part) -> tuple[LabelledImages, tuple[str, ...]]:
    """Read MNIST: 60,000 images to learn from, 10,000 to test.

    The idx files, plain or `.gz`, are looked for in `data_dir`, then where torchvision keeps them,
    in `data_dir/MNIST/raw`; failing that, they are downloaded to the latter. Only the files of the
    part asked for are opened.

    Source: Y. LeCun et al., "Gradient-based learning applied to document recognition", 1998.

    Args:
        data_dir: Folder of the files.
        part: Which images.

    Returns:
        The images, [N, 1, 28, 28], and the class names.

    Raises:
        DatasetError: There are no files and the download failed, or a file is damaged.
    """
    return _read(_MNIST, data_dir, part)


def read_fashion_mnist(data_dir: Path, part: Part) -> tuple[LabelledImages, tuple[str, ...]]:
    """Read Fashion-MNIST, in every other respect as `read_mnist`; its folder is `FashionMNIST/raw`.

    Source: H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST", 2017, arXiv:1708.07747.

    Args:
        data_dir: Folder of the files.
        part: Which images.

    Returns:
        The images, [N, 1, 28, 28], and the class names.

    Raises:
        DatasetError: There are no files and the download failed, or a file is damaged.
    """
    return _read(_FASHION_MNIST, data_dir, part)


def require_mnist_test(data_dir: Path) -> None:
    """Check that MNIST's test files are there if those to learn from are; opens none of them.

    Where neither are, a download brings both.

    Args:
        data_dir: Folder of the files, as for `read_mnist`.

    Raises:
        DatasetError: Names the files that are missing, and the folder.
    """
    _require_test(_MNIST, data_dir)


def require_fashion_mnist_test(data_dir: Path) -> None:
    """Check Fashion-MNIST's test files, in every other respect as `require_mnist_test`.

    Args:
        data_dir: Folder of the files, as for `read_fashion_mnist`.

    Raises:
        DatasetError: Names the files that are missing, and the folder.
    """
    _require_test(_FASHION_MNIST, data_dir)


def _require_test(variant: _Variant, data_dir: Path) -> None:
    train = _find_files(variant, data_dir, "train")
    if train is None or _find_files(variant, data_dir, "test") is not None:
        return
    folder = train[0].parent
    missing = [name for name in _file_names("test") if _find_file(folder, name) is None]
    raise DatasetError(
        f"{variant.name}: {folder} holds the files to learn from, but no {' and '.join(missing)} "
        "(plain or .gz): put them there too"
    )


def _read(variant: _Variant, data_dir: Path, part: Part) -> tuple[LabelledImages, tuple[str, ...]]:
    files = _find_files(variant, data_dir, part) or _download_files(variant, data_dir, part)
    images_file, labels_file = files
    images, labels = read_idx(images_file, 3), read_idx(labels_file, 1)
    if images.shape[1:] != (_SIDE, _SIDE):
        raise DatasetError(
            f"{images_file} holds images of {images.shape[1]} x {images.shape[2]} pixels: "
            f"{variant.name} has {_SIDE} x {_SIDE}"
        )
    if len(images) != len(labels) or len(images) == 0:
        raise DatasetError(
            f"{images_file} holds {len(images)} images and {labels_file} {len(labels)} labels: "
            "they must be as many, at least one"
        )
    if labels.max() >= len(variant.classes):
        raise DatasetError(
            f"{labels_file} holds the label {labels.max()}: {variant.name} has 0 to "
            f"{len(variant.classes) - 1}"
        )
    labelled = LabelledImages(images=images[:, None], labels=labels.astype(np.int64))
    return labelled, variant.classes


def _file_names(part: Part) -> tuple[str, str]:
    prefix = "train" if part == "train" else "t10k"
    return f"{prefix}-images-idx3-ubyte", f"{prefix}-labels-idx1-ubyte"


def _find_files(variant: _Variant, data_dir: Path, part: Part) -> tuple[Path, Path] | None:
    for folder in (data_dir, data_dir / variant.torchvision_class / "raw"):
        images, labels = (_find_file(folder, name) for name in _file_names(part))
        if images is not None and labels is not None:
            return images, labels
    return None


def _find_file(folder: Path, name: str) -> Path | None:
    candidates = (folder / name, folder / f"{name}.gz")
    return next((path for path in candidates if path.is_file()), None)


def _download_files(variant: _Variant, data_dir: Path, part: Part) -> tuple[Path, Path]:
    def fetch(folder: Path) -> None:
        # Here and not at the top: it costs seconds, and GPU machines and workers may lack it.
        from torchvision import datasets

        getattr(datasets, variant.torchvision_class)(folder, download=True)

    raw = data_dir / variant.torchvision_class / "raw"
    images, labels = _file_names(part)
    others = "t10k" if part == "train" else "train"
    download(
        fetch,
        data_dir,
        missing=f"{variant.name}: no {images} and {labels} (plain or .gz) in {data_dir} or {raw}",
        advice=f"put these two and the {others}-... files into {data_dir}",
    )
    return raw / images, raw / labels
