"""`python -m dashboards.report`: the replication report of confirmed studies."""

if __name__ == "__main__":  # before all that takes seconds to import
    from study.program import begin, run

    begin("dashboards.report")

import argparse
from collections.abc import Sequence
from pathlib import Path

from dashboards.replication.report_page import get_report_info, write_report
from dashboards.study_arguments import add_studies
from study.command_line import Parser, refuse
from study.exit_status import DONE
from study.results.confirming_command import confirming_command
from study.results.experiment_blocks import grouped_blocks
from study.results.mlflow.loaded_study import LoadedStudy
from study.results.mlflow.store import MlflowStore
from study.results.seal import describe_sealed, seal_of
from study.results.sealed_table import read_sealed_table

TABLE = ".parquet"
"""Ending of a block's table."""


def main(argv: Sequence[str] | None = None) -> int:
    """Write the report.

    Args:
        argv: Words without the program's name; None for this process's.

    Returns:
        The exit status: 0 done, 2 bad input.
    """
    try:
        arguments = _parser().parse_args(argv)
    except ValueError as error:
        return refuse("dashboards.report", str(error))
    stem = arguments.study[0].removesuffix(TABLE)
    path = arguments.output or Path(f"{stem}-report.html")
    try:
        store = MlflowStore(arguments.tracking_uri)
        names = dict.fromkeys(arguments.study)
        studies = grouped_blocks([_load(store, name) for name in names])
        info = get_report_info([_require_confirmed(study) for study in studies])
    except (ValueError, OSError) as error:
        return refuse("dashboards.report", str(error))
    try:
        write_report(path, info)
    except OSError as error:
        return refuse("dashboards.report", f"--output {path}: {error.strerror or error}")
    print(path)
    for section in info.sections:
        print(f"{section.budget.name}: {section.comparisons.tally}")
    return DONE


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="python -m dashboards.report",
        description="Write what was reported of perturbative neural networks beside what studies "
        "confirmed, as one self-contained HTML page.",
        allow_abbrev=False,
    )
    add_studies(
        parser,
        "a study with confirmed runs, or the table (a .parquet file) of one block of a planned "
        "experiment; repeat it for several",
    )
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help="the page (default: NAME-report.html, of the first study)",
    )
    return parser


def _load(store: MlflowStore, name: str) -> LoadedStudy:
    """Load a study from the tracker, or a block of an experiment from its table.

    Raises:
        ValueError: There is no such study, or it cannot be read.
        TrackerUnreachableError: The tracker fails.
    """
    return read_sealed_table(Path(name)) if name.endswith(TABLE) else store.load_study(name)


def _require_confirmed(study: LoadedStudy) -> LoadedStudy:
    """Return a study that has something to report, and may.

    Raises:
        ValueError: No confirmed run is complete, or the experiment is sealed.
    """
    name, seal = study.info.name, seal_of(study.info, study.records, study.confirmed)
    if seal is not None and not seal.is_open:
        said = (
            seal.describe()
            if study.confirmed
            else f"{describe_sealed(study.info)} Its runs are in its table."
        )
        raise ValueError(f"{name}: {said} Name the tables of all blocks, each by --study")
    if any(run.result is not None for run in study.confirmed):
        return study
    if not study.confirmed:
        raise ValueError(
            f"study {name!r} has no confirmed runs: run it under another name with --confirm "
            f"beside what it was started with, such as `{confirming_command(study.info)}`"
        )
    failed = next((run.reason for run in study.confirmed if run.reason), "none has ended")
    raise ValueError(
        f"none of the {len(study.confirmed)} confirmed runs of study {name!r} is complete: {failed}"
    )


if __name__ == "__main__":
    run("dashboards.report", main)
