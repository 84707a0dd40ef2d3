"""Time until a front is reached, by the stock recipe and by this project.

In turn, on the same machine:

- recipe: `stock_recipe.py`, what the Ray and MLflow documentation shows, on random points
- same trials: `python -m study.run --sampler random`, on the same points
- all it has: `--sampler tpe --scheduler moasha`, with twice as many trials

The images are the embedded digits, or some of Fashion-MNIST's. The front's quality is the
hypervolume of validation accuracy against the decades of parameters below the largest network
tried. A side has reached a front when it has 95% of its hypervolume: of what the recipe comes to in
the end of that repeat, and of the best that any side does.
"""

import argparse
import math
import os
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import plotly.graph_objects as go
from fashion_subset import write_fashion_subset
from front_sides import ALL_IT_HAS, RECIPE, SAME_TRIALS, SIDES, Search, Side
from machine import print_footer, say
from study_overhead import ENVIRONMENT, Points

from study.results.provenance import library_versions

SHARE = 0.95
"""Fraction of the best hypervolume seen, at which the front counts as reached."""

DIGITS, FASHION = "digits", "fashion_mnist"
FASHION_IMAGES = 2000
FASHION_TEST_IMAGES = 500

Repeat = dict[str, Side]
"""Sides by name."""


def run_sides(search: Search) -> Repeat:
    """Run all sides once, each in an empty folder."""
    points: Points = []
    sides: Repeat = {}
    for name, run in SIDES.items():
        with tempfile.TemporaryDirectory(prefix="time-to-front-") as folder:
            sides[name] = run(search, Path(folder), points)
        say(f"seed {search.seed}: {name}: {sides[name].usage.wall_seconds:.1f} s")
    sizes = [
        sorted(trial.learnable_params for trial in sides[name].trials)
        for name in (RECIPE, SAME_TRIALS)
    ]
    if sizes[0] != sizes[1]:
        raise RuntimeError(f"not the same networks, but of {sizes} parameters")
    return sides


def largest_of(sides: Repeat) -> int:
    """Return the parameters of the largest network that any side tried."""
    return max(trial.learnable_params for side in sides.values() for trial in side.trials)


def seconds_to(sides: Repeat, side: Side, goals: Sequence[str]) -> float:
    """Return the seconds until a side reached the best front of some sides; NaN if it did not."""
    largest = largest_of(sides)
    best = max(float(sides[name].hypervolumes(largest)[-1]) for name in goals)
    return side.seconds_to(SHARE * best, largest)


def format_table(repeats: Sequence[Repeat], cores: int) -> str:
    """Format medians and ranges over the repeats as a Markdown table."""
    rows: dict[str, Callable[[Repeat, Side], float]] = {
        "time to the recipe's front, s": lambda sides, side: seconds_to(sides, side, [RECIPE]),
        "time to the best front, s": lambda sides, side: seconds_to(sides, side, [*SIDES]),
        "wall time, s": lambda _, side: side.usage.wall_seconds,
        "trials begun": lambda _, side: side.started,
        "- trained to the end": lambda _, side: len(side.trials),
        "trials per hour": lambda _, side: 3600 * side.started / side.usage.wall_seconds,
        "idle share": lambda _, side: 1 - side.training_seconds / (cores * side.usage.wall_seconds),
        "- between start and end": lambda _, side: (
            1 - side.training_seconds / (cores * side.span_seconds)
        ),
        "training, s, summed over trials": lambda _, side: side.training_seconds,
        "CPU-s, all processes": lambda _, side: sum(side.usage.cpu_seconds.values()),
        "peak memory, MiB": lambda _, side: side.usage.peak_bytes / 2**20,
        "final hypervolume": lambda sides, side: float(side.hypervolumes(largest_of(sides))[-1]),
    }
    ours = (SAME_TRIALS, ALL_IT_HAS)
    header = [RECIPE, *ours, *(f"{RECIPE} / {name}" for name in ours)]
    lines = [f"| | {' | '.join(header)} |", "|---" * (len(header) + 1) + "|"]
    for row, value in rows.items():
        found = {name: [value(sides, sides[name]) for sides in repeats] for name in SIDES}
        cells = [spread(found[name]) for name in (RECIPE, *ours)]
        for name in ours:
            pairs = zip(found[RECIPE], found[name], strict=True)
            cells.append(spread([theirs / our for theirs, our in pairs]))
        lines.append(f"| {row} | {' | '.join(cells)} |")
    return "\n".join(lines)


def spread(values: Sequence[float]) -> str:
    """Format the median, and the range of several; NaN means not reached."""
    missing = sum(map(math.isnan, values))
    if missing:
        return "not reached" if missing == len(values) else f"not in {missing} of {len(values)}"
    digits = 0 if max(values) >= 100 else 2
    middle = f"{statistics.median(values):.{digits}f}"
    if len(values) == 1:
        return middle
    return f"{middle} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def draw(repeats: Sequence[Repeat], path: Path) -> None:
    """Draw hypervolume against wall time, a line for each side and repeat."""
    dashes = {RECIPE: "dot", SAME_TRIALS: "dash", ALL_IT_HAS: "solid"}
    colours = {RECIPE: "#d55e00", SAME_TRIALS: "#0072b2", ALL_IT_HAS: "#009e73"}
    figure = go.Figure()
    for index, sides in enumerate(repeats):
        for name, side in sides.items():
            figure.add_scatter(
                x=[trial.seconds for trial in side.trials],
                y=side.hypervolumes(largest_of(sides)),
                mode="lines",
                line={"shape": "hv", "dash": dashes[name], "color": colours[name]},
                name=name,
                legendgroup=name,
                showlegend=index == 0,
            )
    figure.update_layout(
        template="plotly_white",
        width=900,
        height=440,
        margin={"t": 20},
        xaxis={
            "title": "wall time from the command's start (s, log)",
            "type": "log",
            "tickvals": [factor * 10**power for power in range(5) for factor in (1, 2, 5)],
        },
        yaxis={"title": "hypervolume (accuracy × decades of parameters)", "rangemode": "tozero"},
    )
    figure.write_image(path)


def main() -> int:
    """Measure all sides in turn, print the table and draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--dataset", choices=(DIGITS, FASHION), default=DIGITS)
    parser.add_argument(
        "--data-dir", type=Path, default=Path("data"), help="folder of Fashion-MNIST"
    )
    parser.add_argument("--trials", type=int, default=32, help="default: 32")
    parser.add_argument("--epochs", type=int, default=4, help="default: 4")
    parser.add_argument("--repeats", type=int, default=3, help="default: 3, each with a seed")
    parser.add_argument("--picture", type=Path, help="file to draw to, such as front.svg")
    arguments = parser.parse_args()
    os.environ.update(ENVIRONMENT)
    with tempfile.TemporaryDirectory(prefix="time-to-front-data-") as folder:
        if arguments.dataset == FASHION:
            write_fashion_subset(
                arguments.data_dir, Path(folder), train=FASHION_IMAGES, test=FASHION_TEST_IMAGES
            )
        repeats = [
            run_sides(
                Search(
                    dataset=arguments.dataset,
                    data_dir=Path(folder),
                    trials=arguments.trials,
                    epochs=arguments.epochs,
                    seed=seed,
                )
            )
            for seed in range(arguments.repeats)
        ]
    cores = os.cpu_count() or 1
    print(format_table(repeats, cores))
    if arguments.picture:
        draw(repeats, arguments.picture)
    print_footer(library_versions())
    return 0


if __name__ == "__main__":
    sys.exit(main())
