"""Run of a tracker and what it is known to hold, so that only what is missing is written.

A run is written in the order parameters, metrics, tags, status: MLflow works off a batch that way,
and the status follows in a request of its own. So a run that shows its final status and tags has
everything that came before, however the writing ended.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from study.results.mlflow.client import read_series
from study.results.mlflow.encoding import from_mlflow
from study.results.mlflow.machine_tags import with_earlier
from study.results.mlflow.run_format import ENDED

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run


class ParameterChangedError(ValueError):
    """A run holds another value of a parameter than the one to be written."""


class Point(NamedTuple):
    """One value of a metric.

    Attributes:
        name: The metric's.
        value: May be infinite or not a number.
        milliseconds: Time when it was measured, since 1970. A repeated write with the same time is
            recognised by MLflow as the same one.
        step: Epoch; 0 for a total; of the study's own run, number of trials that have ended.
    """

    name: str
    value: float
    milliseconds: int
    step: int


@dataclass(frozen=True, kw_only=True)
class RunContent:
    """Content that a run is to hold.

    Attributes:
        params: Each is written once.
        tags: An empty one is written only over another value.
        totals: Metrics with one value.
        series: Metrics with one value for each step.
        status: MLflow's; None to leave it.
        ended_ms: Time when it reached its final status; None before.
    """

    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    totals: Sequence[Point] = ()
    series: Sequence[Point] = ()
    status: str | None = None
    ended_ms: int | None = None


class RunMirror:
    """Content that one run holds, as far as it was read or written here.

    Args:
        run: Run as read, or as just created.
        is_new: True if it was just created, so that it has no series yet.
    """

    def __init__(self, run: "Run", *, is_new: bool) -> None:
        self.run_id = str(run.info.run_id)
        self.status = str(run.info.status)
        self._started_ms: int = run.info.start_time or 0
        self._ended_ms: int | None = run.info.end_time
        self._params: dict[str, str] = dict(run.data.params)
        self._tags: dict[str, str] = with_earlier(run.data.tags)
        self._latest: dict[str, float] = dict(run.data.metrics)
        self._is_new = is_new
        self._steps: dict[str, set[int]] = {}
        self._offered: dict[tuple[str, int], Point] = {}

    def write(self, client: "MlflowClient", content: RunContent) -> None:
        """Write what the run lacks; without a request where it lacks nothing.

        Raises:
            ParameterChangedError: A parameter has another value, which MLflow keeps for ever.
        """
        params = self._missing_params(content.params)
        tags = {k: v for k, v in content.tags.items() if self._tags.get(k, "") != v}
        totals = [p for p in content.totals if not _same(self._latest.get(p.name), p.value)]
        ended_ms = self.end_after_start(content.ended_ms)
        new_status = content.status not in (None, self.status) or (
            ended_ms is not None and ended_ms != self._ended_ms
        )
        known = not (params or tags or totals or new_status)
        if known and content.status in ENDED and self._holds_the_end_of(content.series):
            return
        points = [*self._missing_points(client, content.series), *totals]
        if new_status and content.status not in (None, *ENDED):
            client.update_run(self.run_id, status=content.status)
        _log(client, self.run_id, points, params, tags)
        self._learn(points, params, tags)
        if new_status and content.status in ENDED:
            client.set_terminated(self.run_id, content.status, end_time=ended_ms)
            self._ended_ms = ended_ms
        self.status = content.status or self.status

    def tag(self, name: str) -> str:
        """Return a tag; empty where there is none."""
        return self._tags.get(name, "")

    def holds(self, metric: str) -> bool:
        """Return True if a metric has a value."""
        return metric in self._latest

    def end_after_start(self, ended_ms: int | None) -> int | None:
        """Return a time of an end, the run's start where a clock that went back has it before."""
        return None if ended_ms is None else max(ended_ms, self._started_ms)

    def _missing_params(self, params: Mapping[str, str]) -> dict[str, str]:
        for name, value in params.items():
            if self._params.get(name, value) != value:
                raise ParameterChangedError(
                    f"run {self.run_id} holds {name} = {self._params[name]}, which cannot be "
                    f"changed to {value}"
                )
        return {name: value for name, value in params.items() if name not in self._params}

    def _missing_points(self, client: "MlflowClient", series: Sequence[Point]) -> list[Point]:
        """Points that were not written yet, in the order of their steps.

        One that was offered before is offered again just as it was: that attempt failed, but
        perhaps only its answer was lost.
        """
        for name in {point.name for point in series} - self._steps.keys():
            held = () if self._is_new else read_series(client, self.run_id, name)
            self._steps[name] = set(held)
        missing = [point for point in series if point.step not in self._steps[point.name]]
        return [self._offered.setdefault((p.name, p.step), p) for p in missing]

    def _holds_the_end_of(self, series: Sequence[Point]) -> bool:
        last = {point.name: point.value for point in series}
        return all(_same(self._latest.get(name), value) for name, value in last.items())

    def _learn(
        self, points: Sequence[Point], params: Mapping[str, str], tags: Mapping[str, str]
    ) -> None:
        self._params.update(params)
        self._tags.update(tags)
        for point in points:
            self._latest[point.name] = point.value
            if point.name in self._steps:
                self._steps[point.name].add(point.step)
            self._offered.pop((point.name, point.step), None)


def _log(
    client: "MlflowClient",
    run_id: str,
    points: Sequence[Point],
    params: Mapping[str, str],
    tags: Mapping[str, str],
) -> None:
    from mlflow.entities import Metric, Param, RunTag

    if not (points or params or tags):
        return
    client.log_batch(
        run_id,
        metrics=[Metric(p.name, float(p.value), p.milliseconds, p.step) for p in points],
        params=[Param(name, value) for name, value in params.items()],
        tags=[RunTag(name, value) for name, value in tags.items()],
    )


def _same(held: float | None, value: float) -> bool:
    if held is None:
        return False
    return from_mlflow(held) == value or (math.isnan(held) and math.isnan(value))
