"""History of a search as series of the study's own run, for MLflow's charts."""

import math
from collections.abc import Sequence

from pnn_core.config import TASKS
from study.results.growing_hypervolume import GrowingHypervolume
from study.results.limit import Limits, meets
from study.results.mlflow.run_diff import Point
from study.results.objective import Objective
from study.results.run_record import RunRecord, RunState
from study.results.timestamps import now_ms

HYPERVOLUME = "hypervolume"
BEST_MERITS = tuple(f"best_{task.validated}" for task in TASKS.values())
"""Names of the series; their step is the number of trials that have ended. Of the second kind a
study has the one of its task."""

_WORST = 10.0
"""Reference of an objective that is minimised, in values of the first complete trial."""


class SearchHistory:
    """Hypervolume and best accuracy after each trial that ended.

    A series in MLflow cannot be changed later, so the reference must be known with the first
    complete trial: 0 for what is maximised; for what is minimised ten times that trial's value, by
    decades. For accuracy and parameters the hypervolume is thus accuracy times decades of size.

    Args:
        objectives: Objectives of the study.
        limits: Limits of the study, beyond which a trial counts nothing.
    """

    def __init__(self, objectives: Sequence[Objective], limits: Limits = ()) -> None:
        self._objectives = objectives
        self._limits = limits
        self._volume = GrowingHypervolume(len(objectives))
        self._first: tuple[float, ...] | None = None
        self._best = -math.inf
        self._restored: list[RunRecord] = []
        self._points: list[Point] = []
        self._ended = 0

    def restore(self, record: RunRecord) -> None:
        """Add a trial that ended in an earlier life of the study: all of them before others."""
        self._restored.append(record)

    def add(self, record: RunRecord) -> None:
        """Add a trial that has just ended."""
        restored = sorted(self._restored, key=lambda one: (one.ended_ms or 0, one.number))
        self._restored = []
        for one in (*restored, record):
            self._add(one)

    def __len__(self) -> int:
        """Return the number of points so far."""
        return len(self._points)

    def points(self) -> tuple[Point, ...]:
        """Return the series so far, once a trial has ended in this life of the study."""
        return tuple(self._points.copy())

    def _add(self, record: RunRecord) -> None:
        self._ended += 1
        if record.state is RunState.COMPLETE and meets(record, self._limits):
            self._take(record)
        at = record.ended_ms or now_ms()
        best = f"best_{record.task.validated}"
        values = {HYPERVOLUME: self._volume.volume, best: self._best}
        self._points += [
            Point(name, value, at, self._ended)
            for name, value in values.items()
            if math.isfinite(value)
        ]

    def _take(self, record: RunRecord) -> None:
        metrics = record.metrics()
        self._best = max(self._best, metrics.get(record.task.validated, -math.inf))
        values = tuple(metrics.get(objective.name, math.nan) for objective in self._objectives)
        if not all(map(math.isfinite, values)):
            return
        if self._first is None:
            self._first = values
        pairs = zip(self._objectives, values, self._first, strict=True)
        self._volume.add([_scaled(*pair) for pair in pairs])


def _scaled(objective: Objective, value: float, first: float) -> float:
    """Return a value above the reference, larger for better; 0 where it has none."""
    if objective.maximised:
        return value
    return math.log10(_WORST * first / value) if value > 0 and first > 0 else 0.0
