"""`pnn-study predict`: classes of images, or of objects in them, by a saved network."""

import argparse
import csv
import io
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pnn_core.config import DETECTION
from study.command_line import BadInputError, Parser, add_own_files, refuse, write_output
from study.exit_status import DONE

if TYPE_CHECKING:
    from pnn_core.models.saved_network import TrainedNetwork

_BATCH = 64
"""Images at once: enough for the arithmetic, and few in memory where they are photographs."""


LEAST_PROBABILITY = 0.5
"""Probability from which an object counts as found."""


class Prediction(NamedTuple):
    """Class of an image.

    Attributes:
        image: Path of the image, as it was given or found.
        label: Name of the class of the largest probability.
        probability: Probability of that class, by the softmax of the logits.
    """

    image: str
    label: str
    probability: float

    def row(self) -> dict[str, str | float]:
        """Return the columns by name."""
        return {"image": self.image, "class": self.label, "probability": self.probability}


class FoundObject(NamedTuple):
    """Object that a detector has found in an image.

    Attributes:
        prediction: Image, and class of the object.
        box: Left, top, right and bottom edge in pixels of the image.
    """

    prediction: Prediction
    box: tuple[float, float, float, float]

    def row(self) -> dict[str, str | float]:
        """Return the columns by name."""
        edges = zip(("left", "top", "right", "bottom"), self.box, strict=True)
        return {**self.prediction.row(), **{name: round(edge, 1) for name, edge in edges}}


def main(argv: Sequence[str]) -> int:
    """Print the classes, or write them to a file.

    Args:
        argv: Words behind the command's name.

    Returns:
        The exit status: 0 done, 2 bad input.
    """
    parser = _parser()
    try:
        given = parser.parse_args(argv)
        paths = _images(given.images)
        from pnn_core.models.saved_network import load_network  # seconds, for torch

        network = load_network(given.model)
        is_detector = network.card.trial.model.dataset.task == DETECTION
        found = (found_objects if is_detector else predictions)(network, paths)
        rows = [each.row() for each in found]
        text = json.dumps(rows, indent=2) + "\n" if given.json else _csv(rows, boxes=is_detector)
        if given.output is None:
            # Names of files may hold bytes that no encoding has.
            sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace"))
            sys.stdout.flush()
        else:
            write_output(given.output, text)
            print(given.output)
    except (ValueError, OSError) as error:
        return refuse(parser.prog, str(error))
    return DONE


def predictions(network: "TrainedNetwork", paths: Sequence[Path]) -> Iterator[Prediction]:
    """Classify images, read as the data sets' are.

    Args:
        network: Network as `load_network` gives it.
        paths: Paths of the images.

    Raises:
        DatasetError: Names an image that is damaged or of another size than the network's.
    """
    import torch

    from pnn_core.data.any_image import read_image

    shape, edge = network.card.trial.model.dataset, network.card.shorter_edge
    for start in range(0, len(paths), _BATCH):
        part = paths[start : start + _BATCH]
        images = [torch.from_numpy(read_image(path, shape, edge)) for path in part]
        with torch.inference_mode():
            chances, labels = network(torch.stack(images)).softmax(dim=1).max(dim=1)
        for path, chance, label in zip(part, chances.tolist(), labels.tolist(), strict=True):
            yield Prediction(str(path), network.classes[label], round(chance, 6))


def found_objects(network: "TrainedNetwork", paths: Sequence[Path]) -> Iterator[FoundObject]:
    """Find objects in images of any size, the surest of each image first.

    Args:
        network: Detector as `load_network` gives it.
        paths: Paths of the images.

    Raises:
        DatasetError: Names an image that is damaged.
    """
    from pnn_core.training.tasks.detection import detect_in_files

    for path, found in zip(paths, detect_in_files(network, paths), strict=True):
        for box, score, label in zip(found.boxes, found.scores, found.labels, strict=True):
            if score >= LEAST_PROBABILITY:
                name = network.classes[int(label)]
                prediction = Prediction(str(path), name, round(float(score), 6))
                left, top, right, bottom = box.tolist()
                yield FoundObject(prediction, (left, top, right, bottom))


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="pnn-study predict",
        description="Classify images by a network of pnn-study save-network, or find the objects "
        f"in them by a detector: those of a probability of at least {LEAST_PROBABILITY:g}.",
        allow_abbrev=False,
    )
    parser.add_argument("model", metavar="MODEL", type=Path, help="a .safetensors file")
    parser.add_argument(
        "images",
        metavar="IMAGES",
        type=Path,
        nargs="+",
        help="image files, or folders of them, at any depth",
    )
    add_own_files(parser)
    parser.add_argument("--json", action="store_true", help="JSON instead of CSV")
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="the file (default: standard output)"
    )
    return parser


def _images(given: Sequence[Path]) -> list[Path]:
    """Return files as they are given, and those of folders by name.

    Raises:
        BadInputError: One is not there, or a folder holds no image.
    """
    from pnn_core.data.class_folders import SUFFIXES

    found: list[Path] = []
    for path in given:
        if not path.is_dir():
            if not path.exists():
                raise BadInputError(f"IMAGES {path}: there is no such file or folder")
            found.append(path)
            continue
        inside = sorted(p for p in path.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
        inside = [p for p in inside if not p.name.startswith(".")]
        if not inside:
            raise BadInputError(f"IMAGES {path}: holds no file that ends in {', '.join(SUFFIXES)}")
        found += inside
    return found


def _csv(rows: Sequence[dict[str, str | float]], *, boxes: bool) -> str:
    stream = io.StringIO()
    edges = ("left", "top", "right", "bottom") if boxes else ()
    names = ("image", "class", "probability", *edges)
    writer = csv.DictWriter(stream, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows({**row, "probability": f"{row['probability']:.6f}"} for row in rows)
    return stream.getvalue()
