"""Files that show what a detector finds on validation images."""

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from pnn_core.data import AnnotatedImages, TrainingData
from pnn_core.training.average_precision import ClassScores
from pnn_core.training.drawn_detections import draw_detections
from pnn_core.training.tasks.detection import DetectionEvaluation
from pnn_core.training.validated_run import ValidatedRun
from study.results.precision_recall import (
    MOST_POINTS,
    PrecisionRecall,
    encode_precision_recall,
)
from study.results.run_record import RunKey
from study.results.weight_files import detections_file, precision_recall_file


def detection_files(key: RunKey, run: ValidatedRun, data: TrainingData) -> Mapping[str, bytes]:
    """Draw a trial's detections, and write down its precision-recall curves.

    Args:
        key: Key of the trial.
        run: Run of its first seed, done.
        data: Images that it was trained and validated on.

    Returns:
        Content of each file by its name; none of a classifier.
    """
    images, evaluation = data.validation, run.last_evaluation()
    if not isinstance(images, AnnotatedImages) or not isinstance(evaluation, DetectionEvaluation):
        return {}
    curves = map(_curve, evaluation.scores.classes, data.classes)
    return {
        detections_file(key): draw_detections(images, evaluation.found, data.classes),
        precision_recall_file(key): encode_precision_recall(curves),
    }


def _curve(scores: ClassScores, name: str) -> PrecisionRecall:
    chosen = _turning_points(scores)
    return PrecisionRecall(
        name=name,
        objects=scores.objects,
        ap_50=_known(scores.ap_50),
        ap_50_area=_known(scores.ap_50_area),
        recall=tuple(scores.recall[chosen].tolist()),
        precision=tuple(scores.precision[chosen].tolist()),
    )


def _turning_points(scores: ClassScores) -> NDArray[np.int64]:
    """Return the places at which an object is found, where precision is at its local height."""
    found = np.flatnonzero(np.diff(scores.recall, prepend=0.0) > 0)
    if len(found) <= MOST_POINTS:
        return found
    return found[np.linspace(0, len(found) - 1, MOST_POINTS).astype(np.int64)]


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value
