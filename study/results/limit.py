"""Limits of a study: conditions on the figures of a trial, without which it is on no front."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pnn_core.config.checks import require_known
from study.results.objective import MEASURED_OBJECTIVES, OBJECTIVES, Objective
from study.results.run_record import RunRecord, RunState
from study.results.trial_query import read_comparison

_LEAST_EXCESS = 1e-12
"""Excess of a figure that stands on a bound which it must not reach."""


@dataclass(frozen=True, kw_only=True)
class Limit:
    """Condition on one figure of a trial, such as `learnable_params<=50000`.

    Attributes:
        name: Name of the metric, as recorded (`RunRecord.metrics`).
        relation: `<=`, `>=`, `<` or `>`.
        bound: Number that the figure is compared with.
    """

    name: str
    relation: str
    bound: float

    def __str__(self) -> str:
        return f"{self.name}{self.relation}{self.bound}"

    @property
    def is_known_before_training(self) -> bool:
        """True if the figure follows from the network alone."""
        return self.name in OBJECTIVES and OBJECTIVES[self.name].known_before_training

    @property
    def is_ceiling(self) -> bool:
        """True if smaller figures are within it."""
        return self.relation.startswith("<")

    def excess(self, metrics: Mapping[str, float]) -> float:
        """Measure how far a trial is beyond the limit; within it, a number of at most 0.

        Optuna's constraints are such numbers, and its samplers add those of several up, so that it
        is a share of the bound. A figure that is missing or no number is beyond by the whole bound.

        Args:
            metrics: Figures of the trial by name.
        """
        value = metrics.get(self.name, math.nan)
        if math.isnan(value):
            return 1.0
        beyond = (value - self.bound) * (1 if self.is_ceiling else -1) / (abs(self.bound) or 1.0)
        if beyond == 0 and "=" not in self.relation:
            return _LEAST_EXCESS
        return max(-1e9, min(1e9, beyond))

    def is_met(self, metrics: Mapping[str, float]) -> bool:
        """Return True if a trial with these figures is within the limit."""
        return self.excess(metrics) <= 0


Limits = tuple[Limit, ...]


def parse_limits(text: str) -> Limits:
    """Read limits as the command line gives them, separated by commas; none from an empty text.

    Raises:
        ValueError: One is no comparison of a metric with a number.
    """
    parts = [part.strip() for part in text.split(",")] if text.strip() else []
    return tuple(dict.fromkeys(_parse_limit(part) for part in parts))


def require_known_metrics(limits: Limits, objectives: tuple[Objective, ...]) -> None:
    """Check that trials of a study have what its limits ask for.

    Args:
        limits: Limits of the study.
        objectives: Objectives of the study, with those that are measured for it alone.

    Raises:
        ValueError: A metric is unknown, the nearest is suggested, or is not measured.
    """
    known = dict.fromkeys((*OBJECTIVES, *(objective.name for objective in objectives)))
    for limit in limits:
        if limit.name in MEASURED_OBJECTIVES and limit.name not in known:
            raise ValueError(
                f"{limit.name} is measured where it is an objective: add it to --objectives"
            )
        require_known("a metric of a trial", limit.name, known)


def meets(record: RunRecord, limits: Limits) -> bool:
    """Return True if a trial is within all limits."""
    if not limits:
        return True
    metrics = record.metrics()
    return all(limit.is_met(metrics) for limit in limits)


def beyond(records: Iterable[RunRecord], limits: Limits) -> tuple[RunRecord, ...]:
    """Return the trials that ran their full budget and are on no front for their limits."""
    return tuple(r for r in records if r.state is RunState.COMPLETE and not meets(r, limits))


def describe_limits(limits: Limits) -> str:
    """Name limits in a sentence."""
    return " and ".join(map(str, limits))


def no_trial_meets(limits: Limits) -> str:
    """Say why a study whose trials are complete has no front."""
    return f"no trial meets {describe_limits(limits)}"


def _parse_limit(text: str) -> Limit:
    name, relation, bound = read_comparison(text)
    if relation not in ("<=", ">=", "<", ">") or not math.isfinite(bound):
        raise ValueError(
            f"{text!r} must compare one metric with one number by <=, >=, < or >, such as "
            "learnable_params<=50000"
        )
    return Limit(name=name, relation=relation, bound=bound)
