"""Epochs that searches with early stopping need to 95% of a table's best hypervolume.

    .venv/bin/python benchmarks/sampler_reach.py --samplers tpe,ehvi --seeds 0-10

Simulated (`study.simulation`): nothing is trained, so epochs are the same on every machine; the CPU
time of a proposal is not.
"""

import argparse
import statistics
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from typing import NamedTuple

from known_fronts import MEMBERS
from searched_tables import OBJECTIVES, PNN_BENCH, find_table

from study.results.settings import DEFAULT_REDUCTION_FACTOR, MOASHA
from study.simulation.repeated import NEARLY_ALL, repeat
from study.simulation.simulated_search import SearchSettings
from study.stopping.rungs import Rungs, default_first_rung

TABLES = (PNN_BENCH, *(member.name for member in MEMBERS))


class Task(NamedTuple):
    """One search.

    Attributes:
        table: Name of the table.
        sampler: Name of the sampler.
        seed: Seed of the search.
        workers: Number of trials at once.
        trials: Budget, in trials of full length.
    """

    table: str
    sampler: str
    seed: int
    workers: int
    trials: int


class Outcome(NamedTuple):
    """Outcome of a search.

    Attributes:
        epochs: Epochs to 95% of the best hypervolume; infinite where the budget did not reach.
        share: Share of the best hypervolume at the end.
        cpu_seconds: CPU time of a proposal, on the mean.
    """

    epochs: float
    share: float
    cpu_seconds: float


def main() -> int:
    """Run the searches and print a line for each table and sampler."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--tables", default=",".join(TABLES), metavar="A,B")
    parser.add_argument("--samplers", default="tpe,ehvi", metavar="A,B")
    parser.add_argument("--seeds", default="0-30", metavar="FIRST-END")
    parser.add_argument("--workers", type=int, default=4, metavar="N")
    parser.add_argument("--trials", type=int, default=20, metavar="N")
    parser.add_argument("--processes", type=int, default=2, metavar="N")
    arguments = parser.parse_args()
    first, _, end = arguments.seeds.partition("-")
    seeds = range(int(first), int(end))
    with ProcessPoolExecutor(arguments.processes) as pool:
        for table in arguments.tables.split(","):
            for sampler in arguments.samplers.split(","):
                tasks = [
                    Task(table, sampler, seed, arguments.workers, arguments.trials)
                    for seed in seeds
                ]
                print(describe(tasks[0], list(pool.map(search, tasks))), flush=True)
    return 0


def search(task: Task) -> Outcome:
    """Run one search."""
    table = find_table(task.table)
    factor = DEFAULT_REDUCTION_FACTOR
    first = default_first_rung(table.epochs, factor)
    settings = SearchSettings(
        objectives=OBJECTIVES,
        sampler=task.sampler,
        workers=task.workers,
        trials=task.trials,
        replicates=1,
        rungs=Rungs(first=first, reduction_factor=factor, epochs=table.epochs),
        seed=0,
    )
    started = time.process_time()
    found = repeat(table, settings, scheduler=MOASHA, seeds=[task.seed])
    spent = time.process_time() - started
    growth = found.epochs[0]
    reached = growth.reaches(NEARLY_ALL)
    return Outcome(
        epochs=float("inf") if reached is None else reached,
        share=growth.y[-1] if growth.y else 0.0,
        cpu_seconds=spent / len(found.ends[0]),
    )


def describe(task: Task, outcomes: list[Outcome]) -> str:
    """Describe searches that differ in their seeds, in a line."""
    epochs = sorted(outcome.epochs for outcome in outcomes)
    low, high = epochs[len(epochs) // 10], epochs[-1 - len(epochs) // 10]
    reached = sum(value < float("inf") for value in epochs)
    return (
        f"{task.table:10} {task.sampler:6} {statistics.median_high(epochs):5.0f} epochs "
        f"[{low:.0f}, {high:.0f}], {reached} of {len(epochs)} within "
        f"{task.trials * find_table(task.table).epochs}; end "
        f"{statistics.median(outcome.share for outcome in outcomes):.3f}; "
        f"{1000 * statistics.mean(o.cpu_seconds for o in outcomes):.0f} CPU-ms a proposal"
    )


if __name__ == "__main__":
    sys.exit(main())
