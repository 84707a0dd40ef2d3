"""Objects that a detector has found, drawn on images beside those that were annotated."""

import io
import itertools
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from pnn_core.data import AnnotatedImages
from pnn_core.data.image_file import opened
from pnn_core.parts.palette import SERIES_COLOURS
from pnn_core.training.average_precision import ImageDetections

LEAST_SCORE = 0.5
"""Score from which a found object is drawn; average precision counts surer and less sure ones."""

_IMAGES = 6
_COLUMNS = 2
_SIDE = 400
"""Pixels of each image's longer side."""

_GAP = 8
_LEGEND_HEIGHT = 28
_LETTERS = 13
_DASH = 6

_PAPER, _INK = "#ffffff", "#222222"


def draw_detections(
    images: AnnotatedImages, found: Sequence[ImageDetections], classes: Sequence[str]
) -> bytes:
    """Draw up to six images, evenly spread, as one PNG picture.

    A found object has a solid box in its class's colour, with its name and score; an annotated one
    a dashed box in black and white, which no photograph swallows.

    Args:
        images: Images and their annotated objects.
        found: Objects found in each of them.
        classes: Class names; a label is an index into them.

    Raises:
        DatasetError: Names an image that is damaged.
    """
    chosen = np.unique(np.linspace(0, len(images) - 1, min(len(images), _IMAGES)).astype(int))
    drawn = [_draw(images, index, found[index], classes) for index in chosen.tolist()]
    rows = [drawn[start : start + _COLUMNS] for start in range(0, len(drawn), _COLUMNS)]
    heights = [max(image.height for image in row) + _GAP for row in rows]
    width = max(sum(image.width + _GAP for image in row) for row in rows)
    sheet = Image.new("RGB", (max(width, _SIDE), sum(heights) + _LEGEND_HEIGHT), _PAPER)
    top = 0
    for row, height in zip(rows, heights, strict=True):
        left = 0
        for image in row:
            sheet.paste(image, (left, top))
            left += image.width + _GAP
        top += height
    legend = f"solid: found, with score ({LEAST_SCORE:g} and above)   dashed: annotated"
    ImageDraw.Draw(sheet).text((2, top + 4), legend, _INK, font=_font())
    content = io.BytesIO()
    sheet.save(content, "PNG", optimize=True)
    return content.getvalue()


def _draw(
    images: AnnotatedImages, index: int, found: ImageDetections, classes: Sequence[str]
) -> Image.Image:
    with opened(images.path(index)) as file:
        image = file.rgb()
    scale = _SIDE / max(image.size)
    image = image.resize([max(1, round(side * scale)) for side in image.size])
    pen = ImageDraw.Draw(image)
    for box in images.boxes[images.objects(index)].tolist():
        _dashed(pen, [edge * scale for edge in box])
    # The surest is drawn last, on top.
    for place in np.argsort(found.scores, kind="stable").tolist():
        if found.scores[place] >= LEAST_SCORE:
            label = int(found.labels[place])
            colour = SERIES_COLOURS[label % len(SERIES_COLOURS)]
            box = [edge * scale for edge in found.boxes[place].tolist()]
            pen.rectangle(box, outline=colour, width=2)
            _write(pen, box[0], box[1], f"{classes[label]} {found.scores[place]:.2f}", colour)
    return image


def _write(pen: ImageDraw.ImageDraw, left: float, top: float, text: str, colour: str) -> None:
    place = (left, max(0.0, top - _LETTERS - 3))
    pen.rectangle(pen.textbbox(place, text, font=_font()), fill=colour)
    pen.text(place, text, "#ffffff", font=_font())


def _dashed(pen: ImageDraw.ImageDraw, box: Sequence[float]) -> None:
    left, top, right, bottom = box
    corners = ((left, top), (right, top), (right, bottom), (left, bottom), (left, top))
    for (x, y), (to_x, to_y) in itertools.pairwise(corners):
        length = abs(to_x - x) + abs(to_y - y)
        count = max(1, round(length / _DASH))
        for part in range(count):
            ends = [
                (x + (to_x - x) * share, y + (to_y - y) * share)
                for share in (part / count, (part + 1) / count)
            ]
            pen.line(ends, fill="#ffffff" if part % 2 else "#000000", width=2)


def _font() -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    return ImageFont.load_default(_LETTERS)
