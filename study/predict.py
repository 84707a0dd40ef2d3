"""`pnn-study predict`: classes of images by a saved network, as CSV or JSON."""

import argparse
import csv
import io
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from study.command_line import BadInputError, Parser, add_own_files, refuse, write_output
from study.exit_status import DONE

if TYPE_CHECKING:
    from pnn_core.models.saved_network import TrainedNetwork

_BATCH = 64
"""Images at once: enough for the arithmetic, and few in memory where they are photographs."""


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
        found = list(predictions(network, paths))
        text = _json(found) if given.json else _csv(found)
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


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="pnn-study predict",
        description="Classify images by a network of pnn-study save-network.",
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


def _csv(found: Sequence[Prediction]) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(("image", "class", "probability"))
    writer.writerows((p.image, p.label, f"{p.probability:.6f}") for p in found)
    return stream.getvalue()


def _json(found: Sequence[Prediction]) -> str:
    rows = [{"image": p.image, "class": p.label, "probability": p.probability} for p in found]
    return json.dumps(rows, indent=2) + "\n"
