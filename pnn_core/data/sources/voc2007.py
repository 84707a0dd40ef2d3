"""PASCAL VOC 2007: 20 classes of objects in 9,963 photographs.

Source: M. Everingham et al., "The PASCAL visual object classes (VOC) challenge", 2010,
doi:10.1007/s11263-009-0275-4.
"""

import warnings
from pathlib import Path

from pnn_core.data.download import download
from pnn_core.data.voc_folder import VocFolder

CANVAS = 608
"""Multiple of 32 nearest to the published scale of 600, which is that of the shorter edge."""

CLASSES = (
    "aeroplane",
    "bicycle",
    "bird",
    "boat",
    "bottle",
    "bus",
    "car",
    "cat",
    "chair",
    "cow",
    "diningtable",
    "dog",
    "horse",
    "motorbike",
    "person",
    "pottedplant",
    "sheep",
    "sofa",
    "train",
    "tvmonitor",
)

_FOLDER = "VOC2007"
_ARCHIVE_FOLDER = "VOCdevkit"
_ARCHIVES = "VOCtrainval_06-Nov-2007.tar and VOCtest_06-Nov-2007.tar"


def find_folder(data_dir: Path) -> Path:
    """Return the folder of the images: in `data_dir`, in its `VOCdevkit`, or `data_dir` itself.

    Where there is none, it is the one that a download makes.
    """
    made = data_dir / _ARCHIVE_FOLDER / _FOLDER
    if data_dir.name == _FOLDER and data_dir.is_dir():
        return data_dir
    return next((path for path in (data_dir / _FOLDER, made) if path.is_dir()), made)


def fetch(data_dir: Path) -> None:
    """Download both archives where there is no folder of the images; the MD5 of each is checked.

    Raises:
        DatasetError: The download failed.
    """
    if find_folder(data_dir).is_dir():
        return
    looked_in = f"{data_dir / _FOLDER} or {data_dir / _ARCHIVE_FOLDER / _FOLDER}"
    download(
        _download_and_unpack,
        data_dir,
        missing=f"voc2007: there is no {looked_in}",
        advice=f"unpack {_ARCHIVES} in {data_dir}",
    )


def _download_and_unpack(folder: Path) -> None:
    # Here and not at the top: it costs seconds, and GPU machines and workers may lack it.
    from torchvision.datasets import VOCDetection

    with warnings.catch_warnings():
        # Of tarfile's filters, of which torchvision chooses none: a known MD5 does without.
        warnings.simplefilter("ignore", DeprecationWarning)
        for part in ("trainval", "test"):
            VOCDetection(folder, year="2007", image_set=part, download=True)


DATASET = VocFolder(canvas=CANVAS, classes=CLASSES, find=find_folder, fetch=fetch).dataset(
    "PASCAL VOC 2007: 20 classes of objects in 9,963 photographs, downloaded when absent"
)
