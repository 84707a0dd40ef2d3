"""What is new of a trial or a confirmation run, and what its MLflow run is to hold then."""

from collections.abc import Mapping
from dataclasses import dataclass

from pnn_core.config import EpochResult
from study.results.mlflow import confirmation_format
from study.results.mlflow import trial_format as fmt
from study.results.mlflow.curves import epoch_metrics
from study.results.mlflow.run_diff import Point, RunContent
from study.results.run_record import RunRecord


@dataclass(frozen=True, kw_only=True)
class TrialUpdate:
    """What is new of one trial.

    Times are milliseconds since 1970, taken when a thing happened and not when it is sent: a
    repeated write is then recognised as the same one.

    Attributes:
        number: The trial's.
        record: The newest record; None when the trial only went on.
        epochs: New epochs and when each finished.
        started_ms: When the trial started.
        ended_ms: When it reached its final state; None before.
    """

    number: int
    record: RunRecord | None
    epochs: tuple[tuple[EpochResult, int], ...]
    started_ms: int
    ended_ms: int | None


@dataclass(frozen=True, kw_only=True)
class ConfirmedUpdate:
    """The newest state of a confirmation run.

    Attributes:
        run: What is known of it.
        started_ms: When it started, in milliseconds since 1970.
        ended_ms: When it reached its final state; None before.
    """

    run: RunRecord
    started_ms: int
    ended_ms: int | None


def trial_content(update: TrialUpdate) -> RunContent:
    """What a trial's run is to hold after an update, beside what it held before."""
    record = update.record
    if record is None:
        return RunContent(series=_series(update))
    metrics = fmt.final_metrics(record)
    # Costs are known before the end and stay as they are: they keep one time.
    costs = {name: metrics.pop(name) for name in fmt.COSTS if name in metrics}
    return RunContent(
        params=fmt.trial_params(record),
        tags=fmt.state_tags(record),
        totals=_totals(costs, update.started_ms) + _totals(metrics, _newest(update)),
        series=_series(update),
        status=fmt.RUN_STATUS[record.state],
        ended_ms=update.ended_ms,
    )


def confirmed_content(update: ConfirmedUpdate) -> RunContent:
    """What a confirmation run is to hold after an update."""
    run = update.run
    return RunContent(
        params=confirmation_format.confirmed_params(run),
        tags=confirmation_format.confirmed_state_tags(run),
        totals=_totals(run.metrics(), update.started_ms),
        status=fmt.RUN_STATUS[run.state],
        ended_ms=update.ended_ms,
    )


def _series(update: TrialUpdate) -> tuple[Point, ...]:
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
        for name, value in epoch_metrics(result).items()
    )


def _newest(update: TrialUpdate) -> int:
    return update.started_ms if update.ended_ms is None else update.ended_ms


def _totals(metrics: Mapping[str, float], milliseconds: int) -> tuple[Point, ...]:
    return tuple(Point(name, value, milliseconds, 0) for name, value in metrics.items())
