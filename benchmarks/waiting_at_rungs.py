"""Early stopping at once, and with trials that wait at rungs for others.

    .venv/bin/python benchmarks/waiting_at_rungs.py

`moasha` judges a trial the moment it reaches a rung, so the first one has no other to be compared
with and goes on. Trials could wait there, with a checkpoint, until others have come, or
until they are among the best 1/η of all that came (promotion; Li et al. 2018, arXiv 1810.05934).
This compares the three in random searches of the recorded table and of those with known fronts, by
one worker, in epochs, and writes `waiting.json` into `docs/results/early_stopping/`. Waiting and
promotion are modelled here alone: what they would cost in checkpoints is not counted.
"""

import argparse
import json
import statistics
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple, Protocol

import moocore
import numpy as np
from known_fronts import MEMBERS
from searched_tables import OBJECTIVES, PNN_BENCH, SEEDS, find_table

from dashboards.measures.steps import Steps
from study.recording.table import Configuration, RecordedTable
from study.results.front_table import TextTable
from study.results.run_record import RunState
from study.results.settings import DEFAULT_REDUCTION_FACTOR
from study.simulation.growth import HypervolumeShare
from study.simulation.repeated import NEARLY_ALL, median_reach
from study.simulation.simulated_search import TrialEnd
from study.stopping.decision import admitted_places, decide
from study.stopping.entry import RungEntry
from study.stopping.ranking import standing
from study.stopping.rungs import Rungs, default_first_rung

RESULTS = Path(__file__).resolve().parents[1] / "docs/results/early_stopping/waiting.json"
TRIALS = 60
"""Budget, in trials of full length."""

TABLES = (PNN_BENCH, *(member.name for member in MEMBERS))
ETA = DEFAULT_REDUCTION_FACTOR


class Trial(NamedTuple):
    """A configuration with one of its recorded seeds."""

    configuration: Configuration
    seed: int

    def entry(self, epoch: int) -> RungEntry:
        """Make its rung entry after an epoch."""
        accuracy = self.configuration.curves[self.seed][epoch - 1].val_accuracy
        size = float(self.configuration.costs.learnable_params)
        return RungEntry(trial=self.configuration.number, losses=(-accuracy, size))


class Policy(Protocol):
    """Rule that decides which trials at one rung are trained further, and when."""

    def arrive(self, entry: RungEntry) -> None:
        """Add a trial that reached the rung."""

    def next(self) -> int | None:
        """Return a trial that may go on and was not returned before; None if there is none now."""


class Waiting:
    """Policy that judges by the product's rule, once some trials are at the rung.

    Args:
        epoch: Epoch of the rung.
        company: Number of trials that must be there; 1 to judge every trial as it comes, as the
            product does.
    """

    def __init__(self, epoch: int, company: int) -> None:
        self._epoch = epoch
        self._company = company
        self._entries: list[RungEntry] = []
        self._waiting: list[RungEntry] = []
        self._may_go_on: list[int] = []

    def arrive(self, entry: RungEntry) -> None:
        """Add a trial; see `Policy`."""
        self._entries.append(entry)
        self._waiting.append(entry)
        if len(self._entries) < self._company:
            return
        for judged in self._waiting:
            others = [other for other in self._entries if other is not judged]
            if decide(others, judged, epoch=self._epoch, reduction_factor=ETA).go_on:
                self._may_go_on.append(judged.trial)
        self._waiting.clear()

    def next(self) -> int | None:
        """Return a trial that may go on; see `Policy`."""
        return self._may_go_on.pop() if self._may_go_on else None


class Promotion:
    """Policy that promotes the best 1/η of all trials so far, however long ago they came.

    Args:
        places: Function from the number of entries and η to the number that go on.
    """

    def __init__(self, places: Callable[[int, int], int]) -> None:
        self._places = places
        self._entries: list[RungEntry] = []
        self._promoted: set[int] = set()
        self._may_go_on: list[int] = []

    def arrive(self, entry: RungEntry) -> None:
        """Add a trial; see `Policy`."""
        self._entries.append(entry)
        losses = np.array([entry.losses for entry in self._entries])
        places = self._places(len(losses), ETA)
        fronts = np.asarray(moocore.pareto_rank(losses))
        best = []
        for place, front in enumerate(fronts):
            # Entries of earlier fronts come first: only the last front that goes on is divided.
            if np.count_nonzero(fronts < front) < places:
                best.append((standing(losses, place).rank, self._entries[place].trial))
        best = [(rank, trial) for rank, trial in sorted(best) if rank <= places]
        self._may_go_on = [trial for _, trial in best if trial not in self._promoted]

    def next(self) -> int | None:
        """Return a trial that may go on; see `Policy`."""
        if not self._may_go_on:
            return None
        trial = self._may_go_on.pop(0)
        self._promoted.add(trial)
        return trial


def _a_third(entries: int, eta: int) -> int:
    return entries // eta


POLICIES: dict[str, Callable[[int], Policy]] = {
    "judged as they come": partial(Waiting, company=1),
    "waiting for 3 at a rung": partial(Waiting, company=ETA),
    "waiting for 6 at a rung": partial(Waiting, company=2 * ETA),
    "waiting for 9 at a rung": partial(Waiting, company=3 * ETA),
    "promotion of one in three": lambda _: Promotion(_a_third),
    "promotion, as many as are judged to go on": lambda _: Promotion(admitted_places),
}
ALONE = "random search alone"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One search.

    Attributes:
        growth: Hypervolume over epochs, as a fraction of the table's best.
        tenths: Hypervolume after each tenth of the budget, as the same fraction.
        complete: Number of trials of full length.
    """

    growth: Steps
    tenths: tuple[float, ...]
    complete: int

    def as_json(self) -> dict[str, object]:
        """Return the numbers to write."""
        return {
            "epochs_to_share": self.growth.reaches(NEARLY_ALL),
            "at": self.tenths,
            "complete": self.complete,
        }


def search(table: RecordedTable, policy: str, seed: int) -> Iterator[TrialEnd]:
    """Yield the complete trials of one random search by one worker, in the order of their ends.

    The worker takes a trial that may go on, from the last rung to the first, and else a new trial.
    """
    epochs = table.epochs
    rungs = Rungs(first=default_first_rung(epochs, ETA), reduction_factor=ETA, epochs=epochs)
    at = () if policy == ALONE else rungs.at
    policies = [POLICIES[policy](epoch) for epoch in at]
    trials, new = {}, []
    draw = np.random.default_rng(seed)
    for place in draw.permutation(len(table.configurations)):
        trial = Trial(table.configurations[place], int(draw.integers(table.replicates)))
        trials[trial.configuration.number] = trial
        new.append(trial)
    levels = (0, *at, epochs)
    spent = 0
    while spent < TRIALS * epochs:
        for level in reversed(range(len(policies))):
            number = policies[level].next()
            if number is not None:
                trial, level = trials[number], level + 1
                break
        else:
            if not new:
                return
            trial, level = new.pop(), 0
        spent += levels[level + 1] - levels[level]
        if level < len(policies):
            policies[level].arrive(trial.entry(levels[level + 1]))
        else:
            yield TrialEnd(
                number=trial.configuration.number,
                configuration=trial.configuration,
                state=RunState.COMPLETE,
                epochs=epochs,
                reason="",
                seconds=float(spent),
                epochs_spent=spent,
            )


@cache
def _share(name: str) -> HypervolumeShare:
    return HypervolumeShare(find_table(name), OBJECTIVES)


def _measure(name: str, policy: str, seed: int) -> Outcome:
    table = find_table(name)
    ends = tuple(search(table, policy, seed))
    growth = _share(name).growth(ends).by_epochs
    places = TRIALS * table.epochs * np.arange(1, 11) / 10
    return Outcome(
        growth=growth,
        tenths=tuple(growth.at(places).round(4).tolist()),
        complete=len(ends),
    )


def main() -> int:
    """Run all searches, and write and print their results."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--seeds", type=int, default=SEEDS, metavar="N")
    parser.add_argument("--processes", type=int, default=2, metavar="N")
    parser.add_argument("--output", type=Path, default=RESULTS, metavar="FILE")
    arguments = parser.parse_args()
    seeds = range(arguments.seeds)
    document = []
    with ProcessPoolExecutor(arguments.processes) as pool:
        for table in TABLES:
            rows = []
            for policy in (ALONE, *POLICIES):
                found = [*pool.map(partial(_measure, table, policy), seeds)]
                document.append(
                    {"table": table, "policy": policy, "searches": [o.as_json() for o in found]}
                )
                rows.append(_row(policy, found))
            print(f"\n{table}")
            print(TextTable(header=HEADER, rows=tuple(rows)), flush=True)
    lines = ",\n".join(map(json.dumps, document))
    arguments.output.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    return 0


HEADER = (
    "random search",
    "epochs to 95%",
    "seeds",
    "hypervolume at 10%",
    "at 30%",
    "at 100%",
    "complete",
)


def _row(policy: str, found: list[Outcome]) -> tuple[str, ...]:
    """Medians over seeds."""
    middle = median_reach((o.growth for o in found), NEARLY_ALL)
    reached = sum(o.growth.reaches(NEARLY_ALL) is not None for o in found)
    tenths = [statistics.median(o.tenths[tenth] for o in found) for tenth in (0, 2, 9)]
    return (
        policy,
        "-" if middle is None else f"{middle:,.0f}",
        f"{reached} of {len(found)}",
        *(f"{share:.3f}" for share in tenths),
        f"{statistics.median(o.complete for o in found):.0f}",
    )


if __name__ == "__main__":
    sys.exit(main())
