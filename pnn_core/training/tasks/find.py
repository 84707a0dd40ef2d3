"""Training task of a network, by its name."""

from pnn_core.config import DETECTION, DatasetShape
from pnn_core.training.tasks.classification import Classification
from pnn_core.training.tasks.task import TrainingTask


def training_task(shape: DatasetShape) -> TrainingTask:
    """Return what trains networks for such images.

    Args:
        shape: Shape of the images, and their task.
    """
    if shape.task == DETECTION:  # which imports torchvision
        from pnn_core.training.tasks.detection import Detection

        return Detection()
    return Classification()
