"""Table of the trials that were stopped early."""

import math
from typing import NamedTuple

from dashboards.elements.picture import Columns
from study.results.mlflow.loaded_study import LoadedStudy
from study.results.plural import counted
from study.results.run_record import RunRecord
from study.results.stop_reasons import stop_epoch


class Stop(NamedTuple):
    """A trial that was stopped early.

    Attributes:
        trial: Its number.
        epoch: After which it was stopped.
        val_accuracy: Its last, in [0, 1]; None where it has none.
        reason: Recorded reason, as plain text.
    """

    trial: int
    epoch: int
    val_accuracy: float | None
    reason: str


class StopsInfo(NamedTuple):
    """Everything that the table shows.

    Attributes:
        title: Title, with the number of stops.
        stops: By number, the latest first.
    """

    title: str
    stops: tuple[Stop, ...]


def get_stops_info(study: LoadedStudy, *, limit: int = 200) -> StopsInfo:
    """Collect what the table shows.

    Args:
        study: Study as read from the tracker.
        limit: Rows at most: a page of thousands of them would be slow.
    """
    stopped = [(r, epoch) for r in study.records if (epoch := stop_epoch(r)) is not None]
    stopped.sort(key=lambda pair: -pair[0].number)
    title = f"Stopped early: {counted(len(stopped), 'trial')}"
    if len(stopped) > limit:
        title += f", of which the latest {limit}"
    return StopsInfo(title=title, stops=tuple(_stop(*pair) for pair in stopped[:limit]))


def get_stops_columns(info: StopsInfo) -> Columns:
    """The table, a trial in each row."""
    return {name: [getattr(stop, name) for stop in info.stops] for name in Stop._fields}


def _stop(record: RunRecord, epoch: int) -> Stop:
    accuracy = record.metrics().get(record.task.validated, math.nan)
    return Stop(
        trial=record.number,
        epoch=epoch,
        val_accuracy=accuracy if math.isfinite(accuracy) else None,
        reason=record.reason or "no reason recorded",
    )
