"""Boxes lie on the picture where the objects lie in the image."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pnn_core.data import AnnotatedImages
from pnn_core.training.average_precision import ImageDetections
from pnn_core.training.drawn_detections import draw_detections

BLUE, VERMILION = (0x00, 0x72, 0xB2), (0xD5, 0x5E, 0x00)


def images(folder: Path, count: int) -> AnnotatedImages:
    """Grey images of 200 x 100 pixels with an object at the lower right."""
    names = [f"{index}.png" for index in range(count)]
    for name in names:
        Image.new("RGB", (200, 100), (90, 90, 90)).save(folder / name)
    return AnnotatedImages(
        folder=folder,
        names=np.array([name.encode() for name in names]),
        sizes=np.array([[200, 100]] * count),
        starts=np.arange(count + 1),
        boxes=np.array([[150, 50, 190, 90]] * count, dtype=np.float32),
        labels=np.zeros(count, dtype=np.int64),
        difficult=np.zeros(count, dtype=np.bool_),
        canvas=64,
    )


def found(*boxes: tuple[int, int, int, int], scores: tuple[float, ...]) -> ImageDetections:
    return ImageDetections(
        boxes=np.array(boxes, dtype=np.float32).reshape(-1, 4),
        scores=np.array(scores, dtype=np.float32),
        labels=np.arange(len(boxes), dtype=np.int64),
    )


def drawn(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))


def test_found_boxes_have_their_classes_colours_and_annotated_ones_are_dashed(tmp_path) -> None:
    one = found((20, 30, 60, 80), (80, 30, 120, 80), scores=(0.9, 0.6))
    picture = drawn(draw_detections(images(tmp_path, 1), [one], ["cell", "plate"]))
    # Twice as large: its longer side has 400 pixels.
    assert tuple(picture[120, 40]) == BLUE and tuple(picture[120, 120]) == BLUE
    assert tuple(picture[120, 160]) == VERMILION
    assert tuple(picture[120, 80]) == (90, 90, 90)
    edge = {tuple(pixel) for pixel in picture[110:170, 300]}
    assert {(0, 0, 0), (255, 255, 255)} <= edge


def test_what_the_network_is_not_sure_of_is_left_out(tmp_path) -> None:
    unsure = found((20, 30, 60, 80), scores=(0.4,))
    picture = drawn(draw_detections(images(tmp_path, 1), [unsure], ["cell"]))
    assert not (picture == BLUE).all(axis=2).any()


@pytest.mark.parametrize(("count", "rows"), [(1, 1), (2, 1), (3, 2), (6, 3), (50, 3)])
def test_at_most_six_images_are_drawn_in_two_columns(tmp_path, count: int, rows: int) -> None:
    nothing = [found(scores=())] * count
    picture = drawn(draw_detections(images(tmp_path, count), nothing, ["cell"]))
    grey = (picture[:, 10] == 90).all(axis=1)
    assert grey.sum() == rows * 200 or count == 0
