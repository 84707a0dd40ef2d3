"""UCI optical recognition of handwritten digits, as embedded in scikit-learn."""

from pathlib import Path

import numpy as np

from pnn_core.config import DatasetShape
from pnn_core.data.dataset import Part
from pnn_core.data.images import LabelledImages
from pnn_core.data.spec import DatasetSpec
from pnn_core.data.split import stratified_split

TEST_FRACTION = 0.2
"""The embedded copy has no test set of its own: this share of each class is set aside."""


def read_digits(_data_dir: Path, part: Part) -> tuple[LabelledImages, tuple[str, ...]]:
    """Read the 1797 images of 8×8 pixels: 80% of each class to learn from, 20% to test.

    Pixel values 0 to 16 become `round(value * 255 / 16)`: `round(pixel * 16 / 255)` inverts it.
    Source: E. Alpaydin, C. Kaynak, UCI Machine Learning Repository, 1998, doi:10.24432/C50P49.

    Args:
        _data_dir: Ignored, as there are no files: readers share one signature.
        part: Part to read.

    Returns:
        The images, [N, 1, 8, 8], and the class names.
    """
    # Here and not at the top: it costs seconds, and GPU machines may lack it.
    from sklearn.datasets import load_digits

    digits = load_digits()
    # Whole numbers, and no half to round: 255 * value / 16 is never midway between two of them.
    pixels = np.rint(digits.images * 255 / 16).astype(np.uint8)
    every = LabelledImages(images=pixels[:, None], labels=digits.target.astype(np.int64))
    learn, test = stratified_split(every.labels, TEST_FRACTION)
    names = tuple(str(name) for name in digits.target_names)
    return every.take(learn if part == "train" else test), names


DATASET = DatasetSpec(
    description="1,797 handwritten digits of 8x8, embedded in scikit-learn: no download",
    shape=DatasetShape(channels=1, height=8, width=8, classes=10),
    validation_fraction=0.2,  # 0.1 would leave 14 images a class
    augment=False,
    read=read_digits,
    require_test=None,
)
