"""`pnn-study save-network`: a trained network of a study as a file."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dashboards.study_arguments import add_tracking_uri
from pnn_core.config import DETECTION
from pnn_core.config.checks import did_you_mean, require_known
from pnn_core.parts.layers import SPATIAL_LAYERS
from pnn_core.parts.networks import NETWORKS
from pnn_core.parts.own_code import OwnCode
from study.command_line import (
    BadInputError,
    Parser,
    add_own_files,
    blaming,
    refuse,
    typed_by,
    whole_number,
    write_output,
)
from study.exit_status import DONE
from study.opened_study import open_study
from study.planning.own_code import parts_again
from study.results.trial_key import TrialKey

if TYPE_CHECKING:
    from pnn_core.models.saved_network import TrainedNetwork


def _safetensors(network: "TrainedNetwork") -> bytes:
    from pnn_core.models.saved_network import encode_network

    return encode_network(network.network, network.card)


def _pt2(network: "TrainedNetwork") -> bytes:
    from pnn_core.models.exported_network import export_pt2

    return export_pt2(network)


def _onnx(network: "TrainedNetwork") -> bytes:
    from pnn_core.models.exported_network import export_onnx

    return export_onnx(network)


FORMATS: dict[str, Callable[["TrainedNetwork"], bytes]] = {
    "safetensors": _safetensors,
    "pt2": _pt2,
    "onnx": _onnx,
}
"""Writers by the name of the format, which is the ending of its files, too."""


def main(argv: Sequence[str]) -> int:
    """Write the file.

    Args:
        argv: Words behind the command's name.

    Returns:
        The exit status: 0 done, 2 bad input.
    """
    parser = _parser()
    try:
        given = parser.parse_args(argv)
        kind = _format(given)
        key: TrialKey = given.trial
        study = open_study(key.study, given.tracking_uri)
        named = {*NETWORKS.added, *SPATIAL_LAYERS.added}
        network = study.network(key.number, seed=given.seed, layer=given.layer)
        model = network.card.trial.model
        parts = parts_again(study.info, {model.network, model.layer} - named)
        if model.dataset.task == DETECTION and kind != "safetensors":
            raise BadInputError(
                f"--format {kind}: a detector's steps depend on what it sees, which the format "
                "cannot hold: accepted is safetensors"
            )
        with blaming("--format", kind):
            content = FORMATS[kind](network)
        beside = _files_beside(given.output, parts) if kind == "safetensors" else {}
        write_output(given.output, content)
        for path, source in beside.items():
            write_output(path, source)
    except (ValueError, OSError) as error:
        return refuse(parser.prog, str(error))
    for path in (given.output, *beside):
        print(path)
    return DONE


def _files_beside(output: Path, parts: Sequence[OwnCode]) -> dict[Path, bytes]:
    """Return the files of one's own without which the weights cannot be loaded, by their paths.

    Raises:
        BadInputError: Another file has the name of one.
    """
    files = {output.parent / code.file_name: code.source for code in parts if code.path}
    for path, source in files.items():
        if path.exists() and path.read_bytes() != source:
            raise BadInputError(
                f"--output {output}: the network needs {path.name} beside it, and there is another "
                "file of that name: choose another folder"
            )
    return files


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="pnn-study save-network",
        description="Write a trained network as a file: with its settings, normalisation and "
        "classes, for pnn_core.load_network (safetensors), for torch alone (pt2), or for other "
        "programs (onnx).",
        allow_abbrev=False,
    )
    parser.add_argument(
        "trial", metavar="NAME:TRIAL", type=typed_by(TrialKey.parse), help="a trial of a study"
    )
    parser.add_argument(
        "--seed",
        type=whole_number(0),
        metavar="S",
        help="one of the trial's seeds, or a fresh seed that confirmed it (default: the first)",
    )
    parser.add_argument(
        "--layer",
        metavar="NAME",
        help="the confirmed network with this layer, the trial's own or a control's (default: the "
        "trial's network of the search)",
    )
    parser.add_argument(
        "--format",
        type=typed_by(_known_format),
        metavar="NAME",
        help=f"{', '.join(FORMATS)} (default: as the ending of --output says)",
    )
    parser.add_argument("--output", type=Path, required=True, metavar="FILE", help="the file")
    add_own_files(parser)
    add_tracking_uri(parser)
    return parser


def _known_format(text: str) -> str:
    require_known("a format", text, FORMATS)
    return text


def _format(given: argparse.Namespace) -> str:
    if given.format is not None:
        return str(given.format)
    ending = given.output.suffix.removeprefix(".")
    if ending in FORMATS:
        return str(ending)
    hint = did_you_mean(ending, FORMATS)
    raise BadInputError(
        f"--output {given.output}: accepted are the endings "
        f"{', '.join('.' + kind for kind in FORMATS)}, or a --format; {hint}".removesuffix("; ")
    )
