"""Networks that a running study will confirm, expected from its trials so far."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from study.config import StudyConfig
from study.results.confirmed_choice import (
    DEFAULT_CONTROLS,
    FRONT,
    layers_beside,
    numbered_trials,
)
from study.results.confirmed_trials import networks_of, trials_to_confirm
from study.results.run_record import RunRecord, RunState


class ExpectedNetworks(NamedTuple):
    """Networks to confirm, trials and controls alike.

    Attributes:
        number: Number of them; no whole number where it is expected.
        epoch_seconds: Mean seconds of one seed's epoch of their trials; None where none is known.
    """

    number: float
    epoch_seconds: float | None


def expected_networks(config: StudyConfig, ended: Sequence[RunRecord]) -> ExpectedNetworks:
    """Expect the networks that are confirmed.

    Args:
        config: The study.
        ended: Its trials that ended.
    """
    if not config.confirm:
        return ExpectedNetworks(0.0, None)
    controls = config.controls or DEFAULT_CONTROLS
    choice, arms = config.confirm_trials or FRONT, config.space.experiment is not None
    chosen = trials_to_confirm(ended, config.objectives, choice, limits=config.limit, arms=arms)
    if chosen:
        networks = [networks_of(record, controls) for record in chosen]
        each = sum(networks) / len(chosen)
    else:
        example = next(iter(config.space.examples(config.shape)))
        networks, each = [], 1.0 + len(layers_beside(example.model, controls))
    timed = [
        (count, seconds)
        for count, record in zip(networks, chosen, strict=True)
        if (seconds := epoch_seconds(record)) is not None
    ]
    total = sum(count for count, _ in timed)
    return ExpectedNetworks(
        number=each * _expected_trials(config, ended, len(chosen)),
        epoch_seconds=sum(n * seconds for n, seconds in timed) / total if total else None,
    )


def epoch_seconds(record: RunRecord) -> float | None:
    """Return the mean seconds of one seed's epoch of a trial; None before its first."""
    epochs = record.epochs
    if not epochs:
        return None
    return sum(epoch.train_seconds + epoch.val_seconds for epoch in epochs) / len(epochs)


def mean_front(points: float, objectives: int) -> float:
    """Return the mean size of a front of points whose values are independent of each other.

    It grows with the harmonic number as Hₙ^(k−1)/(k−1)! (Bentley, Kung, Schkolnick and Thompson,
    "On the average number of maxima in a set of vectors and applications", J. ACM 25, 1978).

    Args:
        points: Number of points.
        objectives: Number of values of each.
    """
    harmonic = sum(1 / n for n in range(1, round(points) + 1))
    return max(1.0, harmonic ** (objectives - 1) / math.factorial(objectives - 1))


def _expected_trials(config: StudyConfig, ended: Sequence[RunRecord], chosen: int) -> float:
    choice, trials = config.confirm_trials or FRONT, config.trials
    if len(ended) >= trials:
        return chosen
    if numbers := numbered_trials(choice):
        return len(numbers)
    if choice != FRONT or config.space.experiment is not None:
        return trials * chosen / len(ended) if ended else trials
    complete = sum(record.state is RunState.COMPLETE for record in ended)
    expected = trials * complete / len(ended) if ended else trials
    objectives = len(config.objectives)
    found = chosen / mean_front(complete, objectives) if chosen else 1.0
    return min(expected, found * mean_front(expected, objectives))
