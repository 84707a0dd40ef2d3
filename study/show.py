"""`pnn-study list`, `show` and `best`: studies in a terminal, as tables or as JSON."""

import argparse
import json
import math
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence

from dashboards.elements.caption import seal_sentences
from dashboards.elements.quantity import searched_settings
from dashboards.study_arguments import add_tracking_uri
from pnn_core.config import ParameterValue
from study.command_line import Parser, blaming, refuse
from study.exit_status import DONE
from study.results.comparison_words import cautions, describe_trials
from study.results.confirmed_table import confirmed_table
from study.results.front_table import TextTable, format_metric, format_parameter
from study.results.limit import beyond, no_trial_meets
from study.results.mlflow.loaded_study import LoadedStudy
from study.results.mlflow.store import MlflowStore
from study.results.paired_comparison import compare
from study.results.pareto import front
from study.results.plural import counted
from study.results.printable import printable
from study.results.run_record import RunRecord
from study.results.trial_query import TrialQuery, values_of


def list_studies(argv: Sequence[str]) -> int:
    """Print the names of all studies, the latest first.

    Args:
        argv: Words behind the command's name.

    Returns:
        The exit status: 0 done, 2 bad input.
    """
    return _run(_parser("list", "Print the names of all studies, the latest first."), argv, _list)


def show_trials(argv: Sequence[str]) -> int:
    """Print the trials of a study that meet a query; see `list_studies`."""
    parser = _study_parser("show", "Print the trials of a study.")
    parser.add_argument(
        "--where",
        default="",
        metavar="QUERY",
        help="those alone that meet it, such as 'val_accuracy > 0.95 and fan_out == 2'",
    )
    parser.add_argument(
        "--confirmed",
        action="store_true",
        help="its confirmed networks instead, seed by seed compared with their controls",
    )
    return _run(parser, argv, _show)


def show_front(argv: Sequence[str]) -> int:
    """Print the trials of a study that no other beats on every objective; see `list_studies`."""
    return _run(_study_parser("best", "Print the front of a study."), argv, _best)


def _parser(command: str, description: str) -> argparse.ArgumentParser:
    parser = Parser(prog=f"pnn-study {command}", description=description, allow_abbrev=False)
    add_tracking_uri(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    return parser


def _study_parser(command: str, description: str) -> argparse.ArgumentParser:
    parser = _parser(command, description)
    parser.add_argument("name", metavar="NAME", help="of the study")
    return parser


def _run(
    parser: argparse.ArgumentParser,
    argv: Sequence[str],
    work: Callable[[argparse.Namespace], str],
) -> int:
    try:
        text = work(parser.parse_args(argv))
    except (ValueError, OSError) as error:
        return refuse(parser.prog, str(error))
    print(text)
    return DONE


def _list(given: argparse.Namespace) -> str:
    names = MlflowStore(given.tracking_uri).study_names()
    if given.json:
        return json.dumps(names, indent=2)
    return "\n".join(map(printable, names)) or "no study yet"


def _show(given: argparse.Namespace) -> str:
    with blaming("--where", repr(given.where)):
        query = TrialQuery(given.where)
    study = MlflowStore(given.tracking_uri).load_study(given.name)
    if given.confirmed:
        return _confirmed(study)
    with blaming("--where", repr(given.where)):
        chosen = query.select(study.records)
    if given.json:
        return _document(chosen)
    table = _laid_out(_table(study, chosen))
    return f"{table}\n{len(chosen)} of {counted(len(study.records), 'trial')}"


def _confirmed(study: LoadedStudy) -> str:
    """Lay out confirmed networks, and say below what their differences are, and what weakens them.

    Raises:
        ValueError: There is none to show.
    """
    if not study.confirmed:
        said = " ".join(seal_sentences([study])) or f"study {study.info.name!r} confirmed nothing"
        raise ValueError(said)
    comparisons = compare(study)
    table = confirmed_table(study, comparisons)
    return "\n".join((_laid_out(table), "", *describe_trials(comparisons), *cautions(comparisons)))


def _best(given: argparse.Namespace) -> str:
    study = MlflowStore(given.tracking_uri).load_study(given.name)
    chosen = front(study.records, study.info.objectives, study.info.limit)
    if given.json:
        return _document(chosen)
    if not chosen:
        left_out = beyond(study.records, study.info.limit)
        return no_trial_meets(study.info.limit) if left_out else "no trial is complete yet"
    return _laid_out(_table(study, chosen))


def _laid_out(table: TextTable) -> str:
    """Lay a table out for a terminal's width; for a pipe as wide as it is."""
    if not sys.stdout.isatty():
        return str(table)
    return "\n".join(table.fitted(shutil.get_terminal_size().columns))


def _table(study: LoadedStudy, records: Iterable[RunRecord]) -> TextTable:
    """Lay out trials: state, searched settings, then the objectives, the first one last."""
    settings = [setting.name for setting in searched_settings(study.records)]
    metrics = [objective.name for objective in reversed(study.info.objectives)]

    def row(record: RunRecord) -> tuple[str, ...]:
        values = values_of(record)
        return (
            str(record.number),
            record.state.words,
            *(printable(format_parameter(values.get(name))) for name in settings),
            *(_metric(name, values.get(name)) for name in metrics),
        )

    return TextTable(header=("trial", "state", *settings, *metrics), rows=tuple(map(row, records)))


def _metric(name: str, value: ParameterValue | None) -> str:
    return "–" if value is None or isinstance(value, str) else format_metric(name, value)


def _document(records: Iterable[RunRecord]) -> str:
    """Write trials as JSON; numbers that JSON has no word for are null."""
    rows = [
        {
            name: None if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in values_of(record).items()
        }
        for record in records
    ]
    return json.dumps(rows, indent=2)
