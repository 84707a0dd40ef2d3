"""Average precision of detections at an IoU of 0.5, by the rules of PASCAL VOC."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pnn_core.data import AnnotatedImages

LEAST_OVERLAP = 0.5
"""Intersection over union from which a detection has found an object."""

_RECALLS = np.arange(0.0, 1.1, 0.1)
"""Recalls of the 11-point rule, rounded as in the published base code: 0.3 is above 3/10."""

_PAIRS = 2**20
"""Pairs of a detection and an object that are compared at once: bounds the memory."""


# Arrays have no single truth value, so a generated `==` would raise: equality is identity.
@dataclass(frozen=True, kw_only=True, eq=False)
class ImageDetections:
    """Objects that a network has found in one image.

    Attributes:
        boxes: Left, top, right and bottom edge in the image's own pixels, float32, [K, 4].
        scores: Score of each: the higher, the surer, [K].
        labels: Index of each one's class, int64, [K].
    """

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    labels: NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class ClassScores:
    """Scores of one class.

    Attributes:
        name: Name of the class.
        objects: Number of its objects that are not difficult.
        ap_50: Average precision by the 11-point rule of VOC 2007; NaN where there is no object.
        ap_50_area: Area under the precision-recall curve, as VOC has it since 2010; NaN likewise.
        scores: Score of each detection that counts, falling, [D].
        recall: Share of the objects found by the detections up to each, [D].
        precision: Share of these detections that found one, [D].
    """

    name: str
    objects: int
    ap_50: float
    ap_50_area: float
    scores: NDArray[np.float32]
    recall: NDArray[np.float64]
    precision: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class DetectionScores:
    """Scores of all classes.

    Attributes:
        classes: Scores of each class, in the order of the data set.
    """

    classes: tuple[ClassScores, ...]

    @property
    def map_50(self) -> float:
        """Mean of the classes' `ap_50`, of those that have objects; NaN where none has."""
        return _mean([each.ap_50 for each in self.classes if each.objects])

    @property
    def map_50_area(self) -> float:
        """Mean of the classes' `ap_50_area`, likewise."""
        return _mean([each.ap_50_area for each in self.classes if each.objects])


def evaluate_detections(
    detections: Sequence[ImageDetections], truth: AnnotatedImages, classes: Sequence[str]
) -> DetectionScores:
    """Score detections as PASCAL's development kit does.

    In the order of their scores (of equal ones, that of the images, then that within an image),
    each detection is compared with the object of its class and image that it overlaps most (of
    equal ones the first). It has found that object if the IoU is at least 0.5 and no earlier
    detection has; one that comes later is false, and so is one without such an object. A detection
    whose object is difficult is ignored. Boxes are from edge to edge (`AnnotatedImages`): their
    IoU is that of the kit, which adds 1 to differences of pixels.

    Source: M. Everingham et al., "The PASCAL visual object classes (VOC) challenge", 2010, Section
    4.2, and VOCevaldet.m of the development kits of 2007 and 2010.

    Args:
        detections: Detections in each image of `truth`.
        truth: Images and their objects.
        classes: Names of the classes.

    Raises:
        ValueError: Images and their detections are not as many.
    """
    if len(detections) != len(truth):
        raise ValueError(f"detections (of {len(detections)} images) must be of {len(truth)} images")
    found = _Found.joined(detections)
    objects = _Objects.of(truth)
    return DetectionScores(
        classes=tuple(
            _class_scores(name, found.take(found.labels == label), objects.take(label))
            for label, name in enumerate(classes)
        )
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class _Found:
    """Detections of all images, and the image of each."""

    images: NDArray[np.int64]
    boxes: NDArray[np.float64]
    scores: NDArray[np.float32]
    labels: NDArray[np.int64]

    @classmethod
    def joined(cls, detections: Sequence[ImageDetections]) -> "_Found":
        counts = [len(each.scores) for each in detections]
        return cls(
            images=np.repeat(np.arange(len(detections)), counts),
            boxes=np.concatenate([each.boxes for each in detections]).astype(np.float64),
            scores=np.concatenate([each.scores for each in detections]),
            labels=np.concatenate([each.labels for each in detections]),
        )

    def take(self, chosen: NDArray[np.bool_] | NDArray[np.int64] | slice) -> "_Found":
        return _Found(
            images=self.images[chosen],
            boxes=self.boxes[chosen],
            scores=self.scores[chosen],
            labels=self.labels[chosen],
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class _Objects:
    """Objects in the order of the images; those of image i are `starts[i]` to `starts[i + 1]`."""

    starts: NDArray[np.int64]
    boxes: NDArray[np.float64]
    labels: NDArray[np.int64]
    difficult: NDArray[np.bool_]

    @classmethod
    def of(cls, truth: AnnotatedImages) -> "_Objects":
        return cls(
            starts=truth.starts,
            boxes=truth.boxes.astype(np.float64),
            labels=truth.labels,
            difficult=truth.difficult,
        )

    def take(self, label: int) -> "_Objects":
        """Return those of one class."""
        kept = self.labels == label
        before = np.concatenate([[0], np.cumsum(kept)])
        return _Objects(
            starts=before[self.starts],
            boxes=self.boxes[kept],
            labels=self.labels[kept],
            difficult=self.difficult[kept],
        )


def _class_scores(name: str, found: _Found, objects: _Objects) -> ClassScores:
    # Stable, as the kit's: of equal scores the first comes first.
    found = found.take(np.argsort(-found.scores, kind="stable"))
    nearest, overlap = _nearest_objects(found, objects)
    hits = overlap >= LEAST_OVERLAP
    ignored = np.zeros(len(hits), dtype=np.bool_)
    ignored[hits] = objects.difficult[nearest[hits]]
    true = np.zeros(len(hits), dtype=np.bool_)
    candidates = np.flatnonzero(hits & ~ignored)
    _, first = np.unique(nearest[candidates], return_index=True)
    true[candidates[first]] = True
    counted = ~ignored
    true_so_far = np.cumsum(true[counted])
    count = int((~objects.difficult).sum())
    recall = true_so_far / max(count, 1)
    precision = true_so_far / np.arange(1, len(true_so_far) + 1)
    return ClassScores(
        name=name,
        objects=count,
        ap_50=_eleven_points(recall, precision) if count else float("nan"),
        ap_50_area=_area(recall, precision) if count else float("nan"),
        scores=found.scores[counted],
        recall=recall,
        precision=precision,
    )


def _nearest_objects(
    found: _Found, objects: _Objects
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return for each detection the object that it overlaps most, and their IoU; 0 without one."""
    nearest = np.zeros(len(found.images), dtype=np.int64)
    overlap = np.zeros(len(found.images))
    counts = np.diff(objects.starts)[found.images]
    compared = np.flatnonzero(counts)
    for part in _parts(compared, counts):
        pairs = counts[part]
        begins = np.cumsum(pairs) - pairs
        # Object of each pair: the first of the detection's image, and on from there.
        firsts = objects.starts[found.images[part]] - begins
        candidates = np.repeat(firsts, pairs) + np.arange(pairs.sum())
        ious = _iou(np.repeat(found.boxes[part], pairs, axis=0), objects.boxes[candidates])
        overlap[part] = np.maximum.reduceat(ious, begins)
        is_largest = ious == np.repeat(overlap[part], pairs)
        none = len(objects.labels)
        nearest[part] = np.minimum.reduceat(np.where(is_largest, candidates, none), begins)
    return nearest, overlap


def _parts(compared: NDArray[np.int64], counts: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Split detections so that those of each part have about as many pairs as fit."""
    if len(compared):
        totals = np.cumsum(counts[compared]) // _PAIRS
        yield from np.split(compared, np.flatnonzero(np.diff(totals)) + 1)


def _iou(boxes: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """Intersection over union of each pair, [P, 4] and [P, 4]."""
    upper_left = np.maximum(boxes[:, :2], others[:, :2])
    sides = np.clip(np.minimum(boxes[:, 2:], others[:, 2:]) - upper_left, 0, None)
    shared = sides[:, 0] * sides[:, 1]
    own, theirs = ((b[:, 2] - b[:, 0]) * (b[:, 3] - b[:, 1]) for b in (boxes, others))
    iou: NDArray[np.float64] = shared / (own + theirs - shared)
    return iou


def _eleven_points(recall: NDArray[np.float64], precision: NDArray[np.float64]) -> float:
    """Mean of the highest precision at a recall of at least 0, 0.1, ... and 1."""
    highest = np.append(np.maximum.accumulate(precision[::-1])[::-1], 0.0)
    return float(highest[np.searchsorted(recall, _RECALLS)].mean())


def _area(recall: NDArray[np.float64], precision: NDArray[np.float64]) -> float:
    """Area under the precision-recall curve, made to fall."""
    highest = np.maximum.accumulate(precision[::-1])[::-1]
    return float((np.diff(recall, prepend=0.0) * highest).sum())


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else float("nan")
