"""`python -m study.simulate`: searches of a recorded table, in simulated time."""

if __name__ == "__main__":  # before all that takes seconds to import
    from study.program import begin, run

    begin("study.simulate")

import argparse
import itertools
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from pnn_core.config.checks import require_known
from search_spaces.buildable import require_a_network
from study.command_line import Parser, blaming, refuse, whole_number
from study.exit_status import DONE, INTERRUPTED
from study.planning.early_stopping import require_nothing_to_stop_at, require_something_to_compare
from study.planning.preflight import require_writable
from study.recording.parquet import read_table
from study.recording.shipped import DIGITS_TABLE
from study.results.objective import Objective, parse_objectives
from study.results.plural import counted
from study.results.settings import (
    DEFAULT_OBJECTIVES,
    DEFAULT_REDUCTION_FACTOR,
    FIFO,
    MOASHA,
    SCHEDULERS,
)
from study.search.sampler import DEFAULT_SAMPLER, require_sampler
from study.simulation.repeated import repeat
from study.simulation.search_growth import Simulation, write_simulation
from study.simulation.simulated_search import SearchSettings
from study.simulation.single_objective import FirstObjectiveHalving
from study.stopping.rungs import Rungs, default_first_rung

PROGRAM = "study.simulate"
ASHA = "asha"
"""Stops by the first objective alone; for comparison."""

ACCEPTED = (*SCHEDULERS, ASHA)
DEFAULT_TRIALS, DEFAULT_SEEDS, DEFAULT_WORKERS = 100, 30, 4


def main(argv: Sequence[str] | None = None) -> int:
    """Run every search that was asked for, and write what became of them.

    Args:
        argv: Without the program's name; None for this process's.

    Returns:
        The exit status: 0 done, 2 bad input, 130 interrupted.
    """
    try:
        arguments = _parser().parse_args(argv)
        _require_folder(arguments.output)
        simulation = _simulate(arguments)
        with blaming("--output", arguments.output):
            undrawn = write_simulation(simulation, arguments.output)
    except (ValueError, OSError) as error:
        return refuse(PROGRAM, str(error))
    except KeyboardInterrupt:
        print(f"{PROGRAM}: interrupted: nothing was written", file=sys.stderr)
        return INTERRUPTED
    if undrawn:
        print(f"{PROGRAM}: no pictures were drawn: {undrawn}", file=sys.stderr)
    if arguments.json:
        print(json.dumps(simulation.as_json(), indent=2))
        return DONE
    print(simulation.text())
    written = "summary (JSON), every trial (Parquet)" + ("" if undrawn else " and pictures (PNG)")
    print(f"\n{arguments.output}: {written}")
    return DONE


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog=f"python -m {PROGRAM}",
        description="Replay a recorded table under the real samplers and schedulers in simulated "
        "time, and measure how hypervolume grows with epochs and with time.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--table",
        type=Path,
        default=DIGITS_TABLE,
        metavar="FILE",
        help="as study.record wrote it (default: PNN-Bench on the digits, which comes with this)",
    )
    _add_compared(parser)
    _add_shared(parser)
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("simulation"),
        metavar="DIR",
        help="for summary, trials and pictures (default: simulation)",
    )
    parser.add_argument("--json", action="store_true", help="print the summary as JSON")
    return parser


def _add_compared(parser: argparse.ArgumentParser) -> None:
    """Add the options that tell searches apart."""
    parser.add_argument(
        "--sampler",
        default=DEFAULT_SAMPLER,
        metavar="A,B",
        help=f"samplers to compare (default: {DEFAULT_SAMPLER})",
    )
    parser.add_argument(
        "--scheduler",
        default=MOASHA,
        metavar="A,B",
        help=f"schedulers to compare: {', '.join(SCHEDULERS)}, or {ASHA}, which stops by the first "
        f"objective alone (default: {MOASHA})",
    )
    parser.add_argument(
        "--reduction-factor",
        type=whole_number(2),
        metavar="N",
        help=f"of moasha and asha: one in N trials goes on (default: {DEFAULT_REDUCTION_FACTOR})",
    )
    parser.add_argument(
        "--first-rung",
        type=whole_number(1),
        metavar="EPOCH",
        help="of moasha and asha (default: such that there are three rungs)",
    )


def _add_shared(parser: argparse.ArgumentParser) -> None:
    """Add the options that all searches share."""
    parser.add_argument(
        "--workers",
        type=whole_number(1),
        default=DEFAULT_WORKERS,
        metavar="N",
        help=f"trials at once (default: {DEFAULT_WORKERS})",
    )
    parser.add_argument(
        "--seeds",
        type=whole_number(1),
        default=DEFAULT_SEEDS,
        metavar="M",
        help=f"searches of each kind, with the seeds from 0 on (default: {DEFAULT_SEEDS})",
    )
    parser.add_argument(
        "--trials",
        type=whole_number(1),
        default=DEFAULT_TRIALS,
        metavar="N",
        help="budget: the epochs that N trials of full length take; what stops trials early gets "
        f"more of them (default: {DEFAULT_TRIALS})",
    )
    parser.add_argument(
        "--replicates",
        type=whole_number(1),
        default=1,
        metavar="R",
        help="seeds of each trial (default: 1)",
    )
    parser.add_argument(
        "--objectives",
        default=DEFAULT_OBJECTIVES,
        metavar="A,B",
        help=f"metrics to optimise (default: {DEFAULT_OBJECTIVES})",
    )


def _require_folder(output: Path) -> None:
    """Refuse a folder that could not be written, before all searches."""
    with blaming("--output", output):
        require_writable(output)


def _require_distinct(names: Sequence[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"{name!r} is named twice")


def _schedulers(
    arguments: argparse.Namespace, objectives: tuple[Objective, ...]
) -> tuple[str, ...]:
    """Return the schedulers that were asked for, which can stop trials by these objectives."""
    schedulers = tuple(arguments.scheduler.split(","))
    for scheduler in schedulers:
        with blaming("--scheduler", scheduler):
            require_known("a scheduler", scheduler, ACCEPTED)
            if scheduler != FIFO:
                require_something_to_compare(objectives[:1] if scheduler == ASHA else objectives)
    with blaming("--scheduler", arguments.scheduler):
        _require_distinct(schedulers)
    if schedulers == (FIFO,):
        require_nothing_to_stop_at(arguments.reduction_factor, arguments.first_rung)
    return schedulers


def _simulate(arguments: argparse.Namespace) -> Simulation:
    with blaming("--sampler", arguments.sampler):
        samplers = arguments.sampler.split(",")
        for sampler in samplers:
            require_sampler(sampler)
        _require_distinct(samplers)
    with blaming("--objectives", arguments.objectives):
        objectives = parse_objectives(arguments.objectives)
        if late := [objective.name for objective in objectives if objective.measured]:
            raise ValueError(f"{late[0]} is measured on trained networks, which no table holds")
    schedulers = _schedulers(arguments, objectives)
    with blaming("--table", arguments.table):
        if not arguments.table.is_file():
            raise ValueError("there is no file of that name")
        table = read_table(arguments.table)
        require_a_network(table.space, table.shape)  # its network or layer may be one's own
    if arguments.replicates > table.replicates:
        raise ValueError(
            f"--replicates {arguments.replicates}: the table has {table.replicates} of each "
            f"configuration: accepted are 1 to {table.replicates}"
        )
    factor = arguments.reduction_factor or DEFAULT_REDUCTION_FACTOR
    first = arguments.first_rung or default_first_rung(table.epochs, factor)
    with blaming("--first-rung", first):
        rungs = Rungs(first=first, reduction_factor=factor, epochs=table.epochs)
    settings = SearchSettings(
        objectives=objectives,
        sampler=samplers[0],
        workers=arguments.workers,
        trials=arguments.trials,
        replicates=arguments.replicates,
        rungs=None,
        seed=0,
    )
    searches = []
    for sampler, scheduler in itertools.product(samplers, schedulers):
        search = repeat(
            table,
            replace(settings, sampler=sampler, rungs=rungs if scheduler == MOASHA else None),
            scheduler=scheduler,
            seeds=range(arguments.seeds),
            make_stopper=partial(FirstObjectiveHalving, rungs) if scheduler == ASHA else None,
        )
        print(f"{search.name}: {counted(len(search.seeds), 'seed')} done", file=sys.stderr)
        searches.append(search)
    return Simulation(table=table, settings=settings, searches=tuple(searches))


if __name__ == "__main__":
    run("study.simulate", main)
