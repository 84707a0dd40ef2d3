"""Average precision is that of PASCAL's rule, and of a library where that keeps to it."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mean_average_precision import MetricBuilder

from pnn_core.data import AnnotatedImages
from pnn_core.training.average_precision import (
    DetectionScores,
    ImageDetections,
    evaluate_detections,
)

CLASSES = ("a", "b", "c")

FIRST_PIXEL = np.array([1, 1, 0, 0])
"""Difference of a box in pixels counted from 1 and one from edge to edge."""


def images(objects: list[list[tuple[list[float], int, bool]]]) -> AnnotatedImages:
    every = [each for image in objects for each in image]
    return AnnotatedImages(
        folder=Path(),
        names=np.array([b"%d.jpg" % i for i in range(len(objects))]),
        sizes=np.full((len(objects), 2), 1000, dtype=np.int64),
        starts=np.cumsum([0, *map(len, objects)]).astype(np.int64),
        boxes=np.array([box for box, _, _ in every], dtype=np.float32).reshape(-1, 4),
        labels=np.array([label for _, label, _ in every], dtype=np.int64),
        difficult=np.array([difficult for _, _, difficult in every], dtype=np.bool_),
        canvas=100,
    )


def detections(found: list[tuple[list[float], float, int]]) -> ImageDetections:
    return ImageDetections(
        boxes=np.array([box for box, _, _ in found], dtype=np.float32).reshape(-1, 4),
        scores=np.array([score for _, score, _ in found], dtype=np.float32),
        labels=np.array([label for _, _, label in found], dtype=np.int64),
    )


def scene(rng: np.random.Generator, *, whole: bool, difficult: bool, distinct: bool):
    """A few images with objects, and detections most of which lie near one."""
    count = int(rng.integers(1, 9))
    truth, found = [], []
    for _ in range(count):
        objects = []
        for _ in range(int(rng.integers(0, 6))):
            corner, sides = rng.uniform(0, 40, 2), rng.uniform(2, 20, 2)
            box = np.concatenate([corner, corner + sides])
            box = np.round(box) if whole else box
            objects.append((box.tolist(), int(rng.integers(3)), difficult and rng.random() < 0.3))
        seen = []
        for _ in range(int(rng.integers(0, 12))):
            if objects and rng.random() < 0.8:
                near, label, _ = objects[int(rng.integers(len(objects)))]
                box = np.array(near) + np.repeat(rng.normal(0, 1.5, 2)[None], 2, axis=0).ravel()
            else:
                corner = rng.uniform(0, 40, 2)
                box, label = np.concatenate([corner, corner + rng.uniform(2, 20, 2)]), 0
            if rng.random() < 0.2:
                label = int(rng.integers(3))
            score = rng.random() if distinct else rng.integers(1, 5) / 4
            seen.append(((np.round(box) if whole else box).tolist(), float(score), label))
        truth.append(objects)
        found.append(detections(seen))
    return images(truth), found


def development_kit(found: list[ImageDetections], truth: AnnotatedImages, label: int):
    """The kit's own way: pixels from 1, its +1, one detection after the other; both precisions."""
    objects = {}
    for image in range(len(truth)):
        place = truth.objects(image)
        chosen = truth.labels[place] == label
        boxes = truth.boxes[place][chosen].astype(float) + FIRST_PIXEL
        objects[image] = (boxes, truth.difficult[place][chosen], np.zeros(chosen.sum(), bool))
    positives = sum(int((~difficult).sum()) for _, difficult, _ in objects.values())
    listed = [
        (image, score, box.astype(float) + FIRST_PIXEL)
        for image, each in enumerate(found)
        for box, score, name in zip(each.boxes, each.scores, each.labels, strict=True)
        if name == label
    ]
    listed.sort(key=lambda each: -each[1])
    true, false = [], []
    for image, _, box in listed:
        boxes, difficult, taken = objects[image]
        largest, nearest = -np.inf, -1
        for index, other in enumerate(boxes):
            width = min(box[2], other[2]) - max(box[0], other[0]) + 1
            height = min(box[3], other[3]) - max(box[1], other[1]) + 1
            if width > 0 and height > 0:
                union = (box[2] - box[0] + 1) * (box[3] - box[1] + 1)
                union += (other[2] - other[0] + 1) * (other[3] - other[1] + 1) - width * height
                if width * height / union > largest:
                    largest, nearest = width * height / union, index
        is_true = is_false = False
        if largest >= 0.5:
            if not difficult[nearest]:
                is_true, is_false = not taken[nearest], bool(taken[nearest])
                taken[nearest] = True
        else:
            is_false = True
        true.append(is_true)
        false.append(is_false)
    if positives == 0:
        return math.nan, math.nan
    trues, falses = np.cumsum(true), np.cumsum(false)
    recall = trues / positives
    precision = trues / np.maximum(trues + falses, np.finfo(float).eps)
    eleven = 0.0
    for least in np.arange(0.0, 1.1, 0.1):
        eleven += max(precision[recall >= least], default=0.0) / 11
    edges, heights = np.r_[0, recall, 1], np.r_[0, precision, 0]
    for index in range(len(heights) - 2, -1, -1):
        heights[index] = max(heights[index], heights[index + 1])
    steps = np.flatnonzero(edges[1:] != edges[:-1]) + 1
    return eleven, float(((edges[steps] - edges[steps - 1]) * heights[steps]).sum())


def both(scores: DetectionScores):
    return [(each.ap_50, each.ap_50_area) for each in scores.classes]


@given(
    seed=st.integers(0, 2**32 - 1),
    whole=st.booleans(),
    difficult=st.booleans(),
    distinct=st.booleans(),
)
def test_every_class_has_the_precision_of_the_kits_rule(seed, whole, difficult, distinct):
    rng = np.random.default_rng(seed)
    truth, found = scene(rng, whole=whole, difficult=difficult, distinct=distinct)
    scores = evaluate_detections(found, truth, CLASSES)
    expected = [development_kit(found, truth, label) for label in range(3)]
    assert np.allclose(both(scores), expected, rtol=0, atol=1e-12, equal_nan=True)
    present = [ap for ap, _ in expected if not math.isnan(ap)]
    mean = np.mean(present) if present else math.nan
    assert np.isclose(scores.map_50, mean, rtol=0, atol=1e-12, equal_nan=True)


@given(seed=st.integers(0, 2**32 - 1))
def test_without_difficult_objects_a_library_gives_the_same(seed):
    truth, found = scene(np.random.default_rng(seed), whole=False, difficult=False, distinct=True)
    scores = evaluate_detections(found, truth, CLASSES)
    eleven, area = library(found, truth, np.arange(0, 1.1, 0.1)), library(found, truth, None)
    expected = [
        (eleven[label], area[label]) if each.objects else (math.nan, math.nan)
        for label, each in enumerate(scores.classes)
    ]
    # The library's are of 32 bits.
    assert np.allclose(both(scores), expected, rtol=0, atol=1e-6, equal_nan=True)


def library(found: list[ImageDetections], truth: AnnotatedImages, recalls) -> list[float]:
    metric = MetricBuilder.build_evaluation_metric("map_2d", async_mode=False, num_classes=3)
    for image, each in enumerate(found):
        place = truth.objects(image)
        pixels = truth.boxes[place] + FIRST_PIXEL, each.boxes + FIRST_PIXEL
        crowd = np.zeros(len(pixels[0]))
        metric.add(
            np.column_stack([pixels[1], each.labels, each.scores]),
            np.column_stack([pixels[0], truth.labels[place], truth.difficult[place], crowd]),
        )
    # It asks for more than the threshold, the kit for as much.
    least = float(np.nextafter(0.5, 0))
    found_values = metric.value(iou_thresholds=least, recall_thresholds=recalls)[least]
    return [float(found_values[label]["ap"]) for label in range(3)]


def test_the_library_counts_difficult_objects_as_missed_and_the_kit_does_not():
    box = [0.0, 0.0, 10.0, 10.0]
    truth = images([[(box, 0, False), ([20.0, 20.0, 30.0, 30.0], 0, True)]])
    found = [detections([(box, 0.9, 0)])]
    assert evaluate_detections(found, truth, CLASSES).classes[0].ap_50_area == 1
    assert library(found, truth, None)[0] == 0.5


def test_a_second_detection_of_an_object_is_false_and_those_of_difficult_ones_are_ignored():
    box, other = [0.0, 0.0, 10.0, 10.0], [20.0, 20.0, 30.0, 30.0]
    truth = images([[(box, 0, False), (other, 0, True)]])
    seen = [(other, 0.95, 0), (box, 0.9, 0), (box, 0.8, 0), (other, 0.7, 0)]
    (scores, *_) = evaluate_detections([detections(seen)], truth, CLASSES).classes
    assert scores.objects == 1
    assert scores.scores.tolist() == pytest.approx([0.9, 0.8])
    assert scores.recall.tolist() == [1, 1]
    assert scores.precision.tolist() == [1, 0.5]


def test_half_an_overlap_is_enough():
    truth = images([[([0.0, 0.0, 10.0, 10.0], 0, False)]])
    half, less = [0.0, 0.0, 10.0, 20.0], [0.0, 0.0, 10.0, 20.1]
    assert evaluate_detections([detections([(half, 1, 0)])], truth, CLASSES).map_50 == 1
    assert evaluate_detections([detections([(less, 1, 0)])], truth, CLASSES).map_50 == 0


def test_a_class_without_objects_has_no_precision_and_is_left_out_of_the_mean():
    truth = images([[([0.0, 0.0, 10.0, 10.0], 1, False), ([0.0, 0.0, 5.0, 5.0], 2, True)]])
    scores = evaluate_detections([detections([([0.0, 0.0, 9.0, 9.0], 1, 0)])], truth, CLASSES)
    assert np.isnan([each.ap_50 for each in scores.classes]).tolist() == [True, False, True]
    assert scores.map_50 == scores.map_50_area == 0
    nothing = evaluate_detections([detections([])], images([[]]), CLASSES)
    assert math.isnan(nothing.map_50)
    assert math.isnan(nothing.map_50_area)


def test_the_memory_of_many_pairs_is_bounded_and_changes_no_figure(monkeypatch):
    rng = np.random.default_rng(5)
    truth, found = scene(rng, whole=True, difficult=True, distinct=False)
    whole = both(evaluate_detections(found, truth, CLASSES))
    monkeypatch.setattr("pnn_core.training.average_precision._PAIRS", 2)
    parts = both(evaluate_detections(found, truth, CLASSES))
    assert np.array_equal(whole, parts, equal_nan=True)


def test_as_many_images_as_detections_are_asked_for():
    with pytest.raises(ValueError, match=r"detections \(of 2 images\) must be of 1 images"):
        evaluate_detections([detections([])] * 2, images([[]]), CLASSES)
