"""News of a run, and what its MLflow run is to hold then."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from pnn_core.config import COST_METRICS, EpochResult
from study.results.mlflow import run_format as fmt
from study.results.mlflow.run_diff import Point, RunContent
from study.results.run_record import RunKey, RunRecord

Files = tuple[Path, ...]
"""Files to be kept with a run."""


@dataclass(frozen=True, kw_only=True)
class RunUpdate:
    """News of one run.

    Times are milliseconds since 1970, taken when a thing happened and not when it is sent: a
    repeated write is then recognised as the same one.

    Attributes:
        key: Key of the run.
        record: The newest record; None when the run only went on.
        epochs: New epochs and when each finished.
        started_ms: Time when the run started.
        ended_ms: Time when it reached its final state, its start at the earliest: a clock may have
            gone back; None before.
        files: Files of its weights.
    """

    key: RunKey
    record: RunRecord | None
    epochs: tuple[tuple[EpochResult, int], ...]
    started_ms: int
    ended_ms: int | None
    files: Files = ()

    def __post_init__(self) -> None:
        if self.ended_ms is not None:
            object.__setattr__(self, "ended_ms", max(self.ended_ms, self.started_ms))


def run_content(update: RunUpdate) -> RunContent:
    """Return what a run is to hold after an update, beside what it held before."""
    if update.record is None:
        return RunContent(series=_series(update))
    record = replace(update.record, started_ms=update.started_ms, ended_ms=update.ended_ms)
    metrics = fmt.final_metrics(record)
    # Known before the end, and as they stay: they keep one time.
    early = ("size_difference", *COST_METRICS)
    first = {name: metrics.pop(name) for name in early if name in metrics}
    return RunContent(
        params=fmt.run_params(record),
        tags=fmt.state_tags(record),
        totals=_totals(first, update.started_ms) + _totals(metrics, _newest(update)),
        series=_series(update),
        status=fmt.RUN_STATUS[record.state],
        ended_ms=update.ended_ms,
    )


def _series(update: RunUpdate) -> tuple[Point, ...]:
    """All epochs that are known, in order; of one that came twice, the first.

    Those that only the record knows count as measured with it.
    """
    results = {
        e.epoch: (e, _newest(update)) for e in (update.record.epochs if update.record else ())
    }
    results |= {result.epoch: (result, ms) for result, ms in reversed(update.epochs)}
    return tuple(
        Point(name, value, milliseconds, epoch)
        for epoch, (result, milliseconds) in sorted(results.items())
        for name, value in fmt.epoch_metrics(result).items()
    )


def _newest(update: RunUpdate) -> int:
    return update.started_ms if update.ended_ms is None else update.ended_ms


def _totals(metrics: Mapping[str, float], milliseconds: int) -> tuple[Point, ...]:
    return tuple(Point(name, value, milliseconds, 0) for name, value in metrics.items())
