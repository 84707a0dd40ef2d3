"""`python -m study.record`: a space trained for real, every epoch of it in one Parquet table.

A recording is a study: it trains, resumes and survives a crash as any other. What is added here is
the table made of it.
"""

if __name__ == "__main__":  # before all that takes seconds to import
    from study.program import begin

    begin("study.record")

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from pnn_core.parts.own_code import Kind
from search_spaces import SearchSpace, find_space
from study.command_line import BadInputError, Parser, blaming, refuse, whole_number
from study.exit_status import DONE
from study.planning.own_code import restored_code, stored_code
from study.planning.preflight import require_writable
from study.planning.study_file import FILE, StudyFile
from study.planning.study_folder import STUDIES, nearest_study, study_names
from study.recording.parquet import write_table
from study.recording.recording import table_of
from study.results.mlflow.loaded_study import LoadedStudy
from study.results.mlflow.store import MlflowStore
from study.results.planned_experiment import space_digest
from study.results.plural import counted
from study.results.provenance import processor_name
from study.results.setting import flag_of
from study.results.settings import LARGEST_SEED
from study.search.sampler import GRID

PROGRAM = "study.record"
DEFAULT_EPOCHS, DEFAULT_REPLICATES = 27, 3


def main(argv: Sequence[str] | None = None) -> int:
    """Record what is not recorded yet, and write the table.

    Args:
        argv: Without the program's name; None for this process's.

    Returns:
        The exit status: 0 done, 2 bad input, or that of a study that did not come to its end.
    """
    try:
        arguments = _parser().parse_args(argv)
        _require_file(arguments.output)
        name = arguments.name or f"{Path(arguments.space or '').stem}-{arguments.dataset}-table"
        if arguments.space is not None:
            from study.run import main as run

            status = run(_study_words(arguments, name))
            if status != DONE:
                return status
        elif arguments.name is None:
            raise BadInputError("--space NAME is missing, or --name of a study that is there")
        elif not (STUDIES / name / FILE).is_file():
            raise BadInputError(
                f"--name {name}: there is no study {STUDIES / name}; "
                + nearest_study(name, study_names())
            )
        return _write(name, arguments.tracking_uri, arguments.output)
    except (ValueError, OSError) as error:
        return refuse(PROGRAM, str(error))


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog=f"python -m {PROGRAM}",
        description="Train a whole grid, or a sample of a space, with several seeds, and write "
        "every epoch as one Parquet table. The same command goes on with a recording that broke "
        "off.",
        allow_abbrev=False,
    )
    _add_study(parser)
    parser.add_argument(
        "--name",
        metavar="NAME",
        help="name of the study that records (default: SPACE-DATASET-table); without --space, one "
        f"in {STUDIES} whose complete trials are to be written",
    )
    parser.add_argument("--tracking-uri", metavar="URI", help="MLflow's store; see study.run")
    parser.add_argument("--output", type=Path, required=True, metavar="FILE", help="the table")
    return parser


def _add_study(parser: argparse.ArgumentParser) -> None:
    """Add the options of the study that is recorded, which `study.run` checks."""
    parser.add_argument("--space", metavar="NAME", help="what is recorded; see study.run")
    parser.add_argument("--dataset", default="digits", metavar="NAME", help="default: digits")
    parser.add_argument("--data-dir", metavar="DIR", help="its folder (default: data)")
    parser.add_argument(
        "--network", metavar="NAME", help="in the place of the space's own; see study.run"
    )
    parser.add_argument(
        "--layer-file", metavar="FILE.py", help="a spatial layer of your own; see study.run"
    )
    parser.add_argument(
        "--augment",
        metavar="HOW",
        help="training images: none, crop or crop_flip; see study.run (default: as the space or "
        "the data set has it)",
    )
    parser.add_argument(
        "--configurations",
        type=whole_number(1),
        metavar="N",
        help="so many, drawn at random (default: the space's whole grid)",
    )
    parser.add_argument(
        "--replicates",
        type=whole_number(1),
        default=DEFAULT_REPLICATES,
        metavar="R",
        help=f"seeds of each configuration (default: {DEFAULT_REPLICATES})",
    )
    parser.add_argument(
        "--epochs",
        type=whole_number(1),
        default=DEFAULT_EPOCHS,
        metavar="N",
        help=f"epochs of each configuration (default: {DEFAULT_EPOCHS})",
    )
    parser.add_argument(
        "--seed",
        type=whole_number(0, LARGEST_SEED),
        default=0,
        metavar="N",
        help="seed of the study (default: 0)",
    )


def _study_words(arguments: argparse.Namespace, name: str) -> list[str]:
    """Return the words with which `study.run` is asked for the recording."""
    words = ["--space", arguments.space, "--dataset", arguments.dataset, "--name", name]
    words += ["--replicates", str(arguments.replicates), "--epochs", str(arguments.epochs)]
    words += ["--seed", str(arguments.seed)]
    for option in ("data_dir", "network", "layer_file", "augment", "tracking_uri"):
        if (value := getattr(arguments, option)) is not None:
            words += [flag_of(option), value]
    if arguments.configurations is None:
        words += ["--sampler", GRID]
    else:
        words += ["--sampler", "random", "--trials", str(arguments.configurations)]
    return [*words, "--resume"] if (STUDIES / name / FILE).is_file() else words


def _require_file(output: Path) -> None:
    """Refuse a table that could not be written, before hours of training."""
    with blaming("--output", output):
        if output.is_dir():
            raise ValueError("is a folder: name a file in it, such as table.parquet")
        if not output.parent.is_dir():
            raise ValueError(f"there is no folder {output.parent}")
        require_writable(output.parent)


def _write(name: str, tracking_uri: str | None, output: Path) -> int:
    with blaming("--name", name):
        stored = StudyFile.read(STUDIES / name)
        study = MlflowStore(tracking_uri or stored.tracking_uri).load_study(name)
        table = table_of(
            study.info,
            study.records,
            _space(stored, study),
            command=_command(stored),
            processor=processor_name(),
        )
    with blaming("--output", output):
        write_table(table, output)
    left_out = len(study.records) + len(study.undecodable) - len(table.configurations)
    print(
        f"{output}: {counted(len(table.configurations), 'configuration')} of {table.space.name} on "
        f"{table.dataset}, {counted(table.replicates, 'seed')} each, "
        f"{counted(table.epochs, 'epoch')}; {counted(left_out, 'trial')} left out, not complete"
    )
    return DONE


def _space(stored: StudyFile, study: LoadedStudy) -> SearchSpace:
    """Return the space that the study searched.

    Raises:
        ValueError: The one of its name is another one by now.
    """
    if study.info.images is None:
        raise ValueError("the study does not say what its images are")
    restored_code(stored, STUDIES / stored.name)
    space = find_space(stored.space, study.info.images, stored.network)
    if stored.layer_file is not None:
        space = space.with_own_layer(stored.layer_file)
    if stored.augment is not None:
        space = space.with_augment(stored.augment)
    if space_digest(space) != stored.space_digest:
        raise ValueError(f"space {stored.space} has changed since the study was started")
    return space


def _command(stored: StudyFile) -> str:
    """Return the command that runs the study again, in any folder."""
    words = ["python", "-m", "study.run", "--space", Path(stored.space).name]
    words += ["--dataset", stored.dataset, "--sampler", stored.sampler]
    words += ["--trials", str(stored.trials), "--epochs", str(stored.epochs)]
    words += ["--replicates", str(stored.replicates), "--seed", str(stored.seed)]
    words += [] if stored.network is None else ["--network", stored.network]
    for code in stored_code(stored):
        words += ["--layer-file", code.file_name or code.name] if code.kind is Kind.LAYER else []
    words += [] if stored.augment is None else ["--augment", stored.augment]
    return shlex.join(words)


if __name__ == "__main__":
    sys.exit(main())
