"""Answers, before anything is trained, to what a number of fresh seeds can decide."""

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
    """Say of each planned comparison which spread of seeds its number of seeds can bear.

    Args:
        config: Study.

    Returns:
        Sentences; empty where nothing was planned, or too few seeds detect nothing.
    """
    plan = config.space.experiment
    if plan is None:
        return ()
    found = []
    for comparison in plan.comparisons:
        spread = largest_spread(comparison.matters, plan.seeds)
        if spread is not None:
            found.append(
                f"{comparison.first} against {comparison.second}: {plan.seeds} seeds find "
                f"{100 * comparison.matters:g} points, which would matter, with a chance of "
                f"{POWER:.0%} if the difference spreads from seed to seed by {100 * spread:.2g} "
                "points (standard deviation) or less"
            )
    return tuple(found)


def _seeds(config: StudyConfig) -> int:
    plan = config.space.experiment
    return config.confirm if plan is None else plan.seeds
