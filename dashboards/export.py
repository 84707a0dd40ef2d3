"""`python -m dashboards.export`: a study as one page, or one of its pictures as a file."""

if __name__ == "__main__":  # before all that takes seconds to import
    from study.program import begin, run

    begin("dashboards.export")

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dashboards.page.study_page import write_study_page
from dashboards.picture_entry import PictureEntry
from dashboards.picture_file import FORMATS, UndrawnError
from dashboards.scene import Scene
from dashboards.study_arguments import add_studies
from dashboards.view_options import ViewOptions
from dashboards.views import PICTURES, picture_of
from pnn_core.config import Task
from pnn_core.config.checks import nearest
from study.command_line import Parser, refuse
from study.exit_status import DONE
from study.results.mlflow.store import MlflowStore
from study.results.whole_file import write_whole

PROGRAM = "dashboards.export"


def main(argv: Sequence[str] | None = None) -> int:
    """Write the file.

    Args:
        argv: Words without the program's name; None for this process's.

    Returns:
        The exit status: 0 done, 2 bad input.
    """
    try:
        arguments = _parser().parse_args(argv)
        path = _path(arguments.output, arguments.study[0], arguments.picture)
        scene = _load(arguments.tracking_uri, arguments.study)
        entry = _entry(arguments.picture, scene.study.info.task)
    except (ValueError, OSError) as error:
        return refuse(PROGRAM, str(error))
    try:
        if entry is None:
            write_study_page(path, scene)
        else:
            picture = entry.draw(scene)
            write_whole(path, FORMATS[path.suffix.removeprefix(".")](picture))
    except UndrawnError as error:
        return refuse(PROGRAM, f"--output {path}: {error}")
    except OSError as error:
        return refuse(PROGRAM, f"--output {path}: {error.strerror or error}")
    print(path)
    return DONE


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog=f"python -m {PROGRAM}",
        description="Write every view of a study as one self-contained HTML page, or one of its "
        "pictures as an image or as data.",
        allow_abbrev=False,
    )
    add_studies(parser, "a study; repeat it for others to compare with the first")
    parser.add_argument(
        "--picture", type=_picture, metavar="NAME", help=f"one of {', '.join(PICTURES)}"
    )
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help=f"the file; of a picture its ending is one of {', '.join(FORMATS)} "
        "(default: STUDY.html, STUDY-PICTURE.png)",
    )
    return parser


def _picture(name: str) -> str:
    if name not in PICTURES:
        raise argparse.ArgumentTypeError(
            f"{name!r} is no picture: accepted are {', '.join(PICTURES)}; did you mean "
            f"{nearest(name, PICTURES)!r}?"
        )
    return name


def _path(output: Path | None, study: str, picture: str | None) -> Path:
    """Return the path to write to.

    Raises:
        ValueError: The ending does not fit what is written.
    """
    if output is None:
        return Path(f"{study}.html" if picture is None else f"{study}-{picture}.png")
    endings = ("html",) if picture is None else tuple(FORMATS)
    if output.suffix.removeprefix(".") not in endings:
        what = "a page" if picture is None else "a picture"
        raise ValueError(
            f"--output {output}: {what} ends in {', '.join('.' + ending for ending in endings)}"
            + (", or name a --picture" if picture is None else "")
        )
    return output


def _entry(name: str | None, task: Task) -> PictureEntry[Any] | None:
    """Return the picture that was asked for; None for the whole page."""
    if name is None:
        return None
    try:
        return picture_of(name, task)
    except ValueError as error:
        raise ValueError(f"--picture {name}: {error}") from error


def _load(tracking_uri: str | None, names: Sequence[str]) -> Scene:
    store = MlflowStore(tracking_uri)
    return Scene(
        studies=tuple(store.load_study(name) for name in dict.fromkeys(names)),
        options=ViewOptions(),
        selected=None,
        now_ms=round(1000 * time.time()),
    )


if __name__ == "__main__":
    run("dashboards.export", main)
