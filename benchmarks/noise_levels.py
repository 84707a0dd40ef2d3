"""Noise levels of the recorded perturbation networks against the lowest, as a table of Markdown.

A cell is a mask count and a learning rate, of which every noise level was recorded; its accuracy is
the mean of its seeds on the validation images after the last epoch.

Usage: noise_levels.py [TABLE]
"""

import sys
from pathlib import Path

from study.recording.parquet import read_table
from study.recording.shipped import DIGITS_TABLE
from study.results.objective import parse_objectives
from study.results.statistics.confidence_intervals import format_points, paired_difference

ACCURACY = parse_objectives("val_accuracy")


def main() -> None:
    """Print the table."""
    print(noise_levels(Path(sys.argv[1]) if len(sys.argv) > 1 else DIGITS_TABLE))


def noise_levels(path: Path) -> str:
    """Compare every noise level with the lowest, for each fan-out.

    Args:
        path: Recorded table.

    Returns:
        Points of accuracy with intervals over the cells, as Markdown.
    """
    found: dict[tuple[int, float], dict[int, float]] = {}
    cells: dict[tuple[object, ...], int] = {}
    for configuration in read_table(path).configurations:
        settings = configuration.parameters
        if settings["layer"] != "perturbation":
            continue
        key = (int(settings["fan_out"]), float(settings["noise_level"]))
        cell = cells.setdefault((settings["mask_count"], settings["learning_rate"]), len(cells))
        found.setdefault(key, {})[cell] = configuration.values(ACCURACY)[0]
    fan_outs = sorted({fan_out for fan_out, _ in found})
    lowest, *levels = sorted({level for _, level in found})
    lines = [
        f"| level, over {lowest:g} | " + " | ".join(f"fan-out {f}" for f in fan_outs) + " |",
        "|---:|" + "---:|" * len(fan_outs),
    ]
    for level in levels:
        differences = [
            format_points(paired_difference(found[f, level], found[f, lowest])) for f in fan_outs
        ]
        lines.append(f"| {level:g} | " + " | ".join(differences) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
