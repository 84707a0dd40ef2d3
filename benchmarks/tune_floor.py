"""Trials that train nothing: cost of each in a study, in Ray Tune alone and in MLflow alone.

The sides run in turn, each in a temporary folder of its own, once with a few trials and once with
many: what one trial more costs is the slope between the two.
"""

import argparse
import os
import statistics
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from machine import print_footer, say
from process_tree import Role, Usage, measure
from study_overhead import ENVIRONMENT, HERE, new_folder

from study.results.mlflow.store import MlflowStore
from study.results.provenance import library_versions
from study.results.run_record import RunState

FEW_TRIALS = 20
NAME = "noop"
TUNE, MLFLOW, PROJECT = "Tune alone", "MLflow alone", "this project"


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A short and a long run of one side.

    Attributes:
        few: Usage of a run of `FEW_TRIALS`.
        many: Usage of a longer run.
        more: Number of trials that the longer run has more.
    """

    few: Usage
    many: Usage
    more: int

    def slope(self, quantity: Callable[[Usage], float]) -> float:
        """Return the milliseconds, or CPU-milliseconds, that one more trial adds."""
        return 1000 * (quantity(self.many) - quantity(self.few)) / self.more


def cpu_of(role: Role) -> Callable[[Usage], float]:
    """Return a function that reads the CPU-seconds of processes of one role."""
    return lambda usage: usage.cpu_seconds[role]


ROWS: dict[str, Callable[[Pair], float]] = {
    "wall time of a trial, ms": lambda pair: pair.slope(lambda usage: usage.wall_seconds),
    "CPU-ms of a trial": lambda pair: pair.slope(lambda u: sum(u.cpu_seconds.values())),
    "- in the driver": lambda pair: pair.slope(cpu_of(Role.DRIVER)),
    "- in the workers": lambda pair: pair.slope(cpu_of(Role.WORKER)),
    "- in Ray's daemons": lambda pair: pair.slope(cpu_of(Role.DAEMON)),
    "CPU-s of the short run": lambda pair: sum(pair.few.cpu_seconds.values()),
    "wall time of the short run, s": lambda pair: pair.few.wall_seconds,
}
"""The table's lines."""


def main() -> int:
    """Measure both sides in turn and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--trials", type=int, default=1000, help="default: 1000")
    parser.add_argument("--repeats", type=int, default=1, help="default: 1; medians are printed")
    arguments = parser.parse_args()
    if arguments.trials <= FEW_TRIALS or arguments.repeats < 1:
        parser.error(f"accepted are --trials above {FEW_TRIALS} and --repeats from 1")
    os.environ.update(ENVIRONMENT)
    sides: dict[str, list[Pair]] = {TUNE: [], MLFLOW: [], PROJECT: []}
    for _ in range(arguments.repeats):
        for side, run in zip(sides, (run_tune, run_mlflow, run_study), strict=True):
            few, many = (measured(side, run, n) for n in (FEW_TRIALS, arguments.trials))
            sides[side].append(Pair(few=few, many=many, more=arguments.trials - FEW_TRIALS))
    print(f"| | {' | '.join(sides)} | ratio to Tune | to both |\n|---|---:|---:|---:|---:|---:|")
    for name, value in ROWS.items():
        tune, mlflow, ours = (statistics.median(map(value, pairs)) for pairs in sides.values())
        print(
            f"| {name} | {tune:.1f} | {mlflow:.1f} | {ours:.1f} | {ours / tune:.2f} "
            f"| {ours / (tune + mlflow):.2f} |"
        )
    print_footer(library_versions())
    return 0


def measured(side: str, run: Callable[[int, Path], Usage], trials: int) -> Usage:
    """Run a side in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="tune-floor-") as folder:
        usage = run(trials, new_folder(folder, "run"))
    total = sum(usage.cpu_seconds.values())
    say(f"{side}, {trials} trials: {usage.wall_seconds:.1f} s, {total:.1f} CPU-s")
    return usage


def run_tune(trials: int, folder: Path) -> Usage:
    """Run Tune's own loop, which logs and keeps nothing."""
    return measure([sys.executable, str(HERE / "noop_tune.py"), str(trials)], folder)


def run_mlflow(trials: int, folder: Path) -> Usage:
    """Run MLflow's own client, from one process."""
    return measure([sys.executable, str(HERE / "noop_mlflow.py"), str(trials)], folder)


def run_study(trials: int, folder: Path) -> Usage:
    """Run a whole study on random points; every trial must be in MLflow at the end."""
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    command = [sys.executable, str(HERE / "noop_study.py"), "--space", "noise_masks"]
    command += ["--trials", str(trials), "--epochs", "1", "--sampler", "random"]
    command += ["--name", NAME, "--tracking-uri", uri]
    usage = measure(command, folder)
    records = MlflowStore(uri).load_study(NAME).records
    if [record.state for record in records] != [RunState.COMPLETE] * trials:
        raise RuntimeError(f"of {trials} trials not all are complete in MLflow")
    return usage


if __name__ == "__main__":
    sys.exit(main())
