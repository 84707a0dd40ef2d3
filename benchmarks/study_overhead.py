"""Overhead of a study and of the recipe of the Ray and MLflow documentation.

Both sides train the same trials: the study proposes them, the recipe is given the same points.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from machine import print_footer, say
from process_tree import Role, measure

from study.results.mlflow.store import MlflowStore
from study.results.provenance import library_versions
from study.results.run_record import RunState

HERE = Path(__file__).parent
FEW_TRIALS = 4
"""Trials of the short runs; the slope from there is the cost of one more trial."""

NAME = "noise_masks"
AXES = ("mask_count", "noise_level", "fan_out", "batch_size", "seed")
ENVIRONMENT = {
    "RAY_ADDRESS": "local",
    "RAY_USAGE_STATS_ENABLED": "0",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}
"""Environment of both sides: no Ray cluster that runs already, nothing sent over the network."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """One side, measured once.

    Attributes:
        trials: Number of trials trained.
        wall_seconds: Wall time of the whole command.
        cpu_seconds: Processor time of all its processes, by role.
        training_seconds: Wall time inside the training and evaluation loops, summed over trials.
        training_cpu_seconds: Processor time inside them.
        val_accuracy: Mean over trials of the last epoch's.
    """

    trials: int
    wall_seconds: float
    cpu_seconds: dict[Role, float]
    training_seconds: float
    training_cpu_seconds: float
    val_accuracy: float

    @property
    def total_cpu_seconds(self) -> float:
        """CPU-seconds of all processes."""
        return sum(self.cpu_seconds.values())

    @property
    def overhead(self) -> float:
        """CPU-seconds outside the training and evaluation loops."""
        return self.total_cpu_seconds - self.training_cpu_seconds


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A short and a long run of one side."""

    few: Run
    many: Run

    def slope(self, quantity: Callable[[Run], float]) -> float:
        """Return what one more trial adds to a quantity."""
        return (quantity(self.many) - quantity(self.few)) / (self.many.trials - self.few.trials)


@dataclass(frozen=True, kw_only=True)
class Row:
    """A line of the table: a quantity and its value for a side."""

    name: str
    value: Callable[[Pair], float]


def rows(cores: int) -> tuple[Row, ...]:
    """Return the table's lines.

    Args:
        cores: Number of trials that could train at once.
    """

    def slope_of(role: Role) -> Callable[[Pair], float]:
        return lambda pair: pair.slope(lambda run: run.cpu_seconds[role])

    def overhead_slope(pair: Pair) -> float:
        return pair.slope(lambda run: run.overhead)

    def worker_slope(pair: Pair) -> float:
        return pair.slope(lambda run: run.cpu_seconds[Role.WORKER] - run.training_cpu_seconds)

    return (
        Row(name="wall time, s", value=lambda p: p.many.wall_seconds),
        Row(name="training, s, summed over trials", value=lambda p: p.many.training_seconds),
        Row(name="ideal wall time, s", value=lambda p: p.many.training_seconds / cores),
        Row(name="CPU-s, all processes", value=lambda p: p.many.total_cpu_seconds),
        Row(name="training CPU-s", value=lambda p: p.many.training_cpu_seconds),
        Row(name="overhead CPU-s per trial, all", value=lambda p: p.many.overhead / p.many.trials),
        Row(name="overhead CPU-s per trial, start-up left out", value=overhead_slope),
        Row(name="- in the driver", value=slope_of(Role.DRIVER)),
        Row(name="- in the workers, beside training", value=worker_slope),
        Row(name="- in Ray's daemons", value=slope_of(Role.DAEMON)),
        Row(
            name="start-up, CPU-s",
            value=lambda p: p.many.overhead - p.many.trials * overhead_slope(p),
        ),
        Row(name="mean val_accuracy", value=lambda p: p.many.val_accuracy),
    )


def main() -> int:
    """Measure both sides in turn and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=16, help="default: 16")
    parser.add_argument("--epochs", type=int, default=4, help="default: 4")
    parser.add_argument("--repeats", type=int, default=1, help="default: 1; medians are printed")
    arguments = parser.parse_args()
    if arguments.trials <= FEW_TRIALS or arguments.epochs < 1 or arguments.repeats < 1:
        parser.error(f"accepted are --trials above {FEW_TRIALS}, --epochs and --repeats from 1")
    os.environ.update(ENVIRONMENT)
    recipes, studies = [], []
    for repeat in range(1, arguments.repeats + 1):
        few_study, few_recipe = measure_both(FEW_TRIALS, arguments.epochs, repeat)
        many_study, many_recipe = measure_both(arguments.trials, arguments.epochs, repeat)
        studies.append(Pair(few=few_study, many=many_study))
        recipes.append(Pair(few=few_recipe, many=many_recipe))
    cores = os.cpu_count() or 1
    print(format_table(rows(cores), recipes, studies))
    print(f"{arguments.trials} trials of {arguments.epochs} epochs, repeats: {arguments.repeats}")
    print_footer(library_versions())
    return 0


def measure_both(trials: int, epochs: int, repeat: int) -> tuple[Run, Run]:
    """Run a study, then the recipe on the points that the study proposed.

    Each runs in a temporary folder of its own, with an MLflow database that it creates itself.
    """
    with tempfile.TemporaryDirectory(prefix="study-overhead-") as folder:
        say(f"repeat {repeat}: {trials} trials by the study")
        study, points = measure_study(trials, epochs, new_folder(folder, "study"))
        say(f"  {study.wall_seconds:.1f} s, {study.total_cpu_seconds:.1f} CPU-s")
        say(f"repeat {repeat}: {trials} trials by the recipe")
        recipe = measure_recipe(points, epochs, new_folder(folder, "recipe"))
        say(f"  {recipe.wall_seconds:.1f} s, {recipe.total_cpu_seconds:.1f} CPU-s")
    return study, recipe


Points = list[dict[str, object]]


def measure_study(trials: int, epochs: int, folder: Path) -> tuple[Run, Points]:
    """Run `study.run` with its defaults; return its run and the points that it tried."""
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    clock = folder / "clock.txt"
    command = [sys.executable, str(HERE / "timed_study.py"), str(clock)]
    command += ["--space", NAME, "--trials", str(trials), "--epochs", str(epochs)]
    command += ["--name", NAME, "--tracking-uri", uri]
    usage = measure(command, folder)
    records = MlflowStore(uri).load_study(NAME).records
    if [record.state for record in records] != [RunState.COMPLETE] * trials:
        raise RuntimeError(f"of {trials} trials not all are complete: {records}")
    epoch_times = [line.split() for line in clock.read_text(encoding="utf-8").splitlines()]
    run = Run(
        trials=trials,
        wall_seconds=usage.wall_seconds,
        cpu_seconds=usage.cpu_seconds,
        training_seconds=sum(float(wall) for wall, _ in epoch_times),
        training_cpu_seconds=sum(float(cpu) for _, cpu in epoch_times),
        val_accuracy=statistics.mean(record.metrics()["val_accuracy"] for record in records),
    )
    return run, [{axis: record.parameters[axis] for axis in AXES} for record in records]


def measure_recipe(points: Points, epochs: int, folder: Path) -> Run:
    """Run the recipe on the same points."""
    points_file, results_file = folder / "points.json", folder / "results.json"
    points_file.write_text(json.dumps(points), encoding="utf-8")
    command = [sys.executable, str(HERE / "stock_recipe.py")]
    usage = measure([*command, str(points_file), str(epochs), str(results_file)], folder)
    results = json.loads(results_file.read_text(encoding="utf-8"))
    if [result.get("training_iteration") for result in results] != [epochs] * len(points):
        raise RuntimeError(f"of {len(points)} trials not all ran {epochs} epochs: {results}")
    trained = [{axis: result["config"][axis] for axis in AXES} for result in results]
    if sorted(trained, key=str) != sorted(points, key=str):
        raise RuntimeError("the recipe trained other points than it was given")
    return Run(
        trials=len(points),
        wall_seconds=usage.wall_seconds,
        cpu_seconds=usage.cpu_seconds,
        training_seconds=sum(result["training_seconds"] for result in results),
        training_cpu_seconds=sum(result["training_cpu_seconds"] for result in results),
        val_accuracy=statistics.mean(result["val_accuracy"] for result in results),
    )


def new_folder(parent: str, name: str) -> Path:
    """Create a folder."""
    folder = Path(parent) / name
    folder.mkdir()
    return folder


def format_table(rows: Sequence[Row], recipes: Sequence[Pair], studies: Sequence[Pair]) -> str:
    """Format medians over the repeats as a Markdown table."""
    lines = ["| | recipe | this project | ratio |", "|---|---:|---:|---:|"]
    for row in rows:
        recipe = statistics.median(map(row.value, recipes))
        study = statistics.median(map(row.value, studies))
        ratio = f"{study / recipe:.2f}" if recipe > 0 else ""
        lines.append(f"| {row.name} | {recipe:.2f} | {study:.2f} | {ratio} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
