"""Early stopping by two objectives, by one, by another library and not at all, simulated.

    .venv/bin/pip install -c constraints.txt -e '.[benchmarks]'
    .venv/bin/python benchmarks/early_stopping.py

runs every comparison of `COMPARISONS` with the real samplers and the real rules in simulated time
(`study.simulation`), on the recorded table and on tables whose fronts are known, and writes a
summary of each (JSON) and pictures into `docs/results/early_stopping/`. `--only NAME,NAME` runs
some of them, `--seeds N` fewer searches of each kind. Nothing is trained, so figures of budgets are
the same on every machine.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from known_fronts import MEMBERS
from other_stoppers import RayAsha, SyneTuneMoasha
from searched_tables import OBJECTIVES, PNN_BENCH, SEEDS, find_table

from dashboards.picture_file import to_png
from study.recording.table import RecordedTable
from study.results.settings import DEFAULT_REDUCTION_FACTOR, FIFO, MOASHA
from study.simulation.repeated import RepeatedSearch, repeat
from study.simulation.search_growth import Simulation
from study.simulation.simulated_search import SearchSettings, Stopper
from study.stopping.rungs import Rungs, default_first_rung

RESULTS = Path(__file__).resolve().parents[1] / "docs/results/early_stopping"
RAY, SYNE_TUNE = "ASHA of Ray", "MO-ASHA of Syne Tune"
OTHERS: dict[str, Callable[[Rungs], Stopper]] = {RAY: RayAsha, SYNE_TUNE: SyneTuneMoasha}
LADDERS = {"moasha, two rungs": (3, 3), "moasha, one in two": (1, 2), "moasha, one in four": (1, 4)}
"""First rung and reduction factor of rules with other than the default ones."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Searches of one table under the same settings.

    Attributes:
        name: Name of its files.
        table: `PNN_BENCH` or a member of the family of known fronts.
        searches: Sampler and scheduler of each search.
        workers: Number of trials at once.
        trials: Budget, in trials of full length.
    """

    name: str
    table: str
    searches: tuple[tuple[str, str], ...]
    workers: int = 4
    trials: int = 100


BOTH = tuple((sampler, rule) for sampler in ("random", "tpe", "nsga2") for rule in (FIFO, MOASHA))
OTHERS_AT_RANDOM = (("random", RAY), ("random", SYNE_TUNE))
GP = (("gp", FIFO), ("gp", MOASHA))


def _comparisons() -> Iterator[Comparison]:
    yield Comparison(
        name=PNN_BENCH, table=PNN_BENCH, searches=(*BOTH, *OTHERS_AT_RANDOM, ("tpe", RAY))
    )
    yield Comparison(
        name="ladders",
        table=PNN_BENCH,
        searches=tuple((s, rule) for s in ("random", "tpe") for rule in (MOASHA, *LADDERS)),
    )
    for member in MEMBERS:
        yield Comparison(
            name=member.name, table=member.name, searches=(*BOTH, *OTHERS_AT_RANDOM), trials=60
        )
    # A Gaussian process takes half a second for a proposal, so it has a smaller budget.
    yield Comparison(name="gp", table=PNN_BENCH, searches=GP, trials=20)
    # TPE is left out: after thousands of trials its proposal takes a quarter of a second.
    for workers in (1, 32, 256, 4096):
        yield Comparison(
            name=f"{workers}-workers",
            table="noisy",
            searches=(("random", FIFO), ("random", MOASHA)),
            workers=workers,
            trials=max(60, workers),
        )


COMPARISONS = {comparison.name: comparison for comparison in _comparisons()}


def main() -> int:
    """Run the comparisons asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--only", default=",".join(COMPARISONS), metavar="A,B")
    parser.add_argument("--seeds", type=int, default=SEEDS, metavar="N")
    parser.add_argument("--processes", type=int, default=2, metavar="N")
    parser.add_argument("--output", type=Path, default=RESULTS, metavar="DIR")
    arguments = parser.parse_args()
    names = arguments.only.split(",")
    if unknown := [name for name in names if name not in COMPARISONS]:
        parser.error(f"--only {unknown[0]}: accepted are {', '.join(COMPARISONS)}")
    arguments.output.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(arguments.processes) as pool:
        for name in names:
            started = time.perf_counter()
            comparison = COMPARISONS[name]
            simulation = _run(comparison, range(arguments.seeds), pool)
            _write(simulation, name, arguments.output)
            print(f"\n{name}: {comparison.workers} workers, {time.perf_counter() - started:.0f} s")
            print(simulation.text(), flush=True)
    return 0


def _run(comparison: Comparison, seeds: range, pool: ProcessPoolExecutor) -> Simulation:
    """Run all searches, each seed as a task of its own."""
    table = find_table(comparison.table)
    tasks = [
        [pool.submit(_search, comparison, sampler, rule, seed) for seed in seeds]
        for sampler, rule in comparison.searches
    ]
    settings = _settings(comparison, comparison.searches[0][0])
    return Simulation(
        table=table, settings=settings, searches=tuple(_together(task) for task in tasks)
    )


def _search(comparison: Comparison, sampler: str, rule: str, seed: int) -> RepeatedSearch:
    table = find_table(comparison.table)
    rungs = _rungs(table, *LADDERS.get(rule, ()))
    settings = _settings(comparison, sampler)
    return repeat(
        table,
        replace(settings, rungs=rungs if rule == MOASHA or rule in LADDERS else None),
        scheduler=rule,
        seeds=[seed],
        make_stopper=partial(OTHERS[rule], rungs) if rule in OTHERS else None,
    )


def _together(tasks: list[Future[RepeatedSearch]]) -> RepeatedSearch:
    """Join searches of one seed each into one of all seeds."""
    searches = [task.result() for task in tasks]
    return replace(
        searches[0],
        seeds=tuple(seed for search in searches for seed in search.seeds),
        ends=tuple(ends for search in searches for ends in search.ends),
        growths=tuple(growth for search in searches for growth in search.growths),
    )


def _settings(comparison: Comparison, sampler: str) -> SearchSettings:
    return SearchSettings(
        objectives=OBJECTIVES,
        sampler=sampler,
        workers=comparison.workers,
        trials=comparison.trials,
        replicates=1,
        rungs=None,
        seed=0,
    )


def _rungs(
    table: RecordedTable, first: int | None = None, factor: int = DEFAULT_REDUCTION_FACTOR
) -> Rungs:
    """Make the default rungs, with other numbers where they are given."""
    first = first or default_first_rung(table.epochs, factor)
    return Rungs(first=first, reduction_factor=factor, epochs=table.epochs)


def _write(simulation: Simulation, name: str, folder: Path) -> None:
    """Write the result of each seed, and pictures, which have the bands."""
    document = simulation.as_json()
    for search in document["searches"]:
        del search["hypervolume"]
    words = json.dumps(document, indent=1)
    (folder / f"{name}.json").write_text(words + "\n", encoding="utf-8")
    for picture in simulation.pictures():
        over = picture.name.rsplit("-", maxsplit=1)[-1]
        (folder / f"{name}-{over}.png").write_bytes(to_png(picture))


if __name__ == "__main__":
    sys.exit(main())
