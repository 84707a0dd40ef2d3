"""Line that says which images a study has, and what was left out."""

from pathlib import Path

from pnn_core.data.annotated_images import AnnotatedImages
from pnn_core.data.dataset import TrainingData
from pnn_core.data.doubts import require_differences
from pnn_core.data.registry import find_dataset


def summarise_images(data: TrainingData, data_dir: Path) -> tuple[str, tuple[str, ...]]:
    """Describe a data set before it is trained on; the test set's files are counted, not opened.

    Args:
        data: Images to learn from and to validate on.
        data_dir: Folder of the data.

    Returns:
        One line with numbers of images and classes, parts, and what is left out; and warnings, a
        sentence each.

    Raises:
        DatasetError: All images are the same, or one of those that are looked at is damaged.
    """
    doubts = require_differences(data)
    survey_of = find_dataset(data.name).survey
    found = None if survey_of is None else survey_of(data_dir)
    train, validation = len(data.train), len(data.validation)
    test = ", no test images"
    if found is None:
        test = ""
    elif found.test_images is not None:
        test = f", {found.test_images:,} to test"
    line = (
        f"images: {train + validation:,}{_objects(data)} in {len(data.classes)} "
        f"class{'es' if len(data.classes) > 1 else ''}: {train:,} to train, "
        f"{validation:,} to validate{test}"
    )
    if found is None:
        return line, doubts
    if found.left_out:
        line += f"; left out: {', '.join(found.left_out)}"
    return line, (*found.warnings, *doubts)


def _objects(data: TrainingData) -> str:
    """Count the objects of annotated images."""
    parts = [part for part in (data.train, data.validation) if isinstance(part, AnnotatedImages)]
    if not parts:
        return ""
    every = sum(len(part.labels) for part in parts)
    difficult = sum(int(part.difficult.sum()) for part in parts)
    return f" with {every:,} objects ({difficult:,} difficult)"
