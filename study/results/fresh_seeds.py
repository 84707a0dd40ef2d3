"""Fresh seeds of a confirmation and of the tuning before it, which nothing else uses."""

FIRST_FRESH_SEED = 10_000_000_000
"""Beyond every seed that a search can use: no confirmation repeats a run that was selected."""

MOST_FRESH_SEEDS = 1_000_000
"""Largest number of fresh seeds of one study, and the distance between those of two studies."""

FIRST_TUNING_SEED = 4_400_000_000_000_000
"""Beyond every fresh seed: no network is confirmed with a seed that its settings were chosen by."""


def first_fresh_seed(study_seed: int) -> int:
    """Return the first fresh seed of a study; the others follow it, however many there are.

    Args:
        study_seed: Seed of the study: another one gives other fresh seeds.
    """
    return FIRST_FRESH_SEED + study_seed * MOST_FRESH_SEEDS


def first_tuning_seed(study_seed: int) -> int:
    """Return the first seed by which the networks of a confirmation are tuned.

    Args:
        study_seed: Seed of the study: another one gives other seeds.
    """
    return FIRST_TUNING_SEED + study_seed * MOST_FRESH_SEEDS


def earlier_first_fresh_seed(study_seed: int, seeds: int) -> int:
    """Return the first fresh seed of a study that began before they had a distance of their own.

    Args:
        study_seed: Seed of the study.
        seeds: Number of fresh seeds that it was started with.
    """
    return FIRST_FRESH_SEED + study_seed * seeds
