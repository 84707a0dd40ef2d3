"""Answers, before anything is trained, to what a number of fresh seeds can decide."""

from collections import Counter

from study.config import StudyConfig
from study.results.confirming_command import SEEDS
from study.results.statistics.confidence_intervals import FEWEST_SEEDS
from study.results.statistics.power import POWER, largest_spread


def few_seeds_warning(config: StudyConfig) -> tuple[str, ...]:
    """Warn of a confirmation that decides nothing; empty for any other.

    Args:
        config: Study.
    """
    if not 0 < _seeds(config) < FEWEST_SEEDS:
        return ()
    return (
        f"--confirm {config.confirm}: fewer than {FEWEST_SEEDS} seeds have no interval and no "
        f"verdict, points alone; --confirm {SEEDS} can decide something",
    )


def detectable_differences(config: StudyConfig) -> tuple[str, ...]:
    """Say of the planned comparisons which spread of seeds their number of seeds can bear.

    Args:
        config: Study.

    Returns:
        A sentence for the comparison named first, whose verdict stands by itself, and one for all
        others with the same smallest difference, which are adjusted for their number; empty where
        nothing was planned, or too few seeds detect nothing.
    """
    plan = config.space.experiment
    if plan is None or plan.seeds < FEWEST_SEEDS:
        return ()
    first, *others = plan.comparisons
    said = [
        f"{first.first} against {first.second}, named first: {plan.seeds} seeds"
        + _finds(first.matters, plan.seeds, 1)
    ]
    for matters, alike in Counter(comparison.matters for comparison in others).items():
        which = f"{alike} further comparison{'s' * (alike > 1)}"
        adjusted = f", adjusted for {len(others)}" if len(others) > 1 else ""
        said.append(
            f"{which}{adjusted}: {plan.seeds} seeds" + _finds(matters, plan.seeds, len(others))
        )
    return tuple(said)


def _finds(matters: float, seeds: int, comparisons: int) -> str:
    points = f"{100 * matters:g} point{'s' * (matters != 0.01)}"
    spread = largest_spread(matters, seeds, comparisons)
    return (
        f" find the {points} that would matter with a chance of {POWER:.0%} if the difference "
        f"spreads from seed to seed by {100 * spread:.2g} points (standard deviation) or less"
    )


def _seeds(config: StudyConfig) -> int:
    plan = config.space.experiment
    return config.confirm if plan is None else plan.seeds
