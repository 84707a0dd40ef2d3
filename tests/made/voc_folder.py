"""Folders in the layout of PASCAL VOC, drawn for tests: images of many sizes, shapes to find."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

COLOURS = {"disc": (200, 60, 50), "square": (50, 80, 200)}
"""Classes that `write_voc_folder` draws, and the colour of each."""


@dataclass(frozen=True, kw_only=True)
class VocObject:
    """An object of an annotation; its box is in VOC's pixels: from 1, the last one included."""

    name: str
    box: tuple[float, float, float, float]
    difficult: bool = False


def write_voc_folder(
    folder: Path,
    *,
    train: int = 8,
    val: int = 4,
    test: int = 4,
    edges: tuple[int, int] = (40, 100),
    seed: int = 0,
    classes: Mapping[str, tuple[int, int, int]] = COLOURS,
) -> Path:
    """Write images with one to four objects each, every eighth object difficult.

    Image `t000` trains, `v000` validates, `x000` tests; all sizes are drawn anew. The images of
    `trainval.txt` are in the order of their names, as PASCAL's are.

    Args:
        folder: Folder to write to.
        train: Number of images that train; likewise `val` and `test`, where 0 writes no list.
        edges: Least and largest edge of an image in pixels.
        seed: Seed of all that is drawn.
        classes: Colour of the objects of each class; a disc of `disc`, a rectangle of the others.
    """
    rng = np.random.default_rng(seed)
    parts = {"train": ("t", train), "val": ("v", val), "test": ("x", test)}
    names = {part: [f"{mark}{i:03}" for i in range(n)] for part, (mark, n) in parts.items()}
    number = 0
    for name in (name for part in names.values() for name in part):
        width, height = (int(edge) for edge in rng.integers(edges[0], edges[1] + 1, 2))
        noise = rng.integers(110, 150, (height, width, 3), dtype=np.uint8)
        image = Image.fromarray(noise)
        objects = []
        for _ in range(int(rng.integers(1, 5))):
            kind = list(classes)[int(rng.integers(len(classes)))]
            number += 1
            objects.append(_draw(image, kind, classes[kind], rng, difficult=number % 8 == 0))
        write_image(folder, name, image)
        write_annotation(folder, name, (width, height), objects)
    for part, listed in names.items():
        if listed:
            write_list(folder, part, listed)
    if train and val:
        write_list(folder, "trainval", sorted(names["train"] + names["val"]))
    return folder


def write_image(folder: Path, name: str, image: Image.Image) -> Path:
    """Write an image as `JPEGImages/NAME.jpg`."""
    path = folder / "JPEGImages" / f"{name}.jpg"
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, quality=92)
    return path


def write_annotation(
    folder: Path, name: str, size: tuple[int, int] | None, objects: Sequence[VocObject]
) -> Path:
    """Write `Annotations/NAME.xml`; without a size, none is said."""
    lines = ["<annotation>", f"<filename>{name}.jpg</filename>"]
    if size is not None:
        lines.append(f"<size><width>{size[0]}</width><height>{size[1]}</height></size>")
    for each in objects:
        corners = zip(("xmin", "ymin", "xmax", "ymax"), each.box, strict=True)
        box = "".join(f"<{tag}>{value}</{tag}>" for tag, value in corners)
        lines.append(
            f"<object><name>{each.name}</name><difficult>{int(each.difficult)}</difficult>"
            f"<bndbox>{box}</bndbox></object>"
        )
    path = folder / "Annotations" / f"{name}.xml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([*lines, "</annotation>"]), encoding="utf-8")
    return path


def write_list(folder: Path, part: str, names: Sequence[str]) -> Path:
    """Write `ImageSets/Main/PART.txt`."""
    path = folder / "ImageSets" / "Main" / f"{part}.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{name}\n" for name in names), encoding="utf-8")
    return path


def _draw(
    image: Image.Image,
    kind: str,
    colour: tuple[int, int, int],
    rng: np.random.Generator,
    *,
    difficult: bool,
) -> VocObject:
    """Draw an object somewhere and return it."""
    side = int(rng.integers(12, min(image.size) // 2 + 1))
    left = int(rng.integers(0, image.width - side + 1))
    top = int(rng.integers(0, image.height - side + 1))
    last = left + side - 1, top + side - 1
    draw = ImageDraw.Draw(image)
    shape = draw.ellipse if kind == "disc" else draw.rectangle
    shape((left, top, *last), fill=colour)
    return VocObject(
        name=kind, box=(left + 1, top + 1, last[0] + 1, last[1] + 1), difficult=difficult
    )
