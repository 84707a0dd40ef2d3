"""Tasks that networks are trained for, and the figure of merit of each."""

from collections.abc import Mapping
from dataclasses import dataclass

from pnn_core.parts.task_names import CLASSIFICATION, DETECTION

__all__ = ["CLASSIFICATION", "DETECTION", "TASKS", "Task"]


@dataclass(frozen=True, kw_only=True)
class Task:
    """What a network learns from images, as records and pictures must know it.

    Attributes:
        name: Value of `DatasetShape.task`.
        validated: Name of the metric of an epoch that tells how good a network is.
        tested: Name of the metric of a confirmation that tells it on the test set.
        label: Name of both in pictures, without "validation" or "test".
        plural: The same of several.
        unit: What it is a share of, in pictures.
        size: Name of the metric by which networks count as of the same size.
        counts_images: True if the figure of merit is a share of images: it has a figure by the
            published protocol, one on moved images, and an interval over other test images.
    """

    name: str
    validated: str
    tested: str
    label: str
    plural: str
    unit: str
    size: str
    counts_images: bool


TASKS: Mapping[str, Task] = {
    task.name: task
    for task in (
        Task(
            name=CLASSIFICATION,
            validated="val_accuracy",
            tested="test_accuracy",
            label="accuracy",
            plural="accuracies",
            unit="correct / total",
            size="learnable_params",
            counts_images=True,
        ),
        Task(
            name=DETECTION,
            validated="val_map_50",
            tested="test_map_50",
            label="mAP at IoU 0.5",
            plural="mAPs",
            unit="VOC'07 11-point rule",
            # 119 of the 137 million parameters of VGG-16 are those of its fully connected layers,
            # which would hide any other.
            size="backbone_params",
            counts_images=False,
        ),
    )
}
"""Every task by its name; CONTRIBUTING says what else another one is."""
