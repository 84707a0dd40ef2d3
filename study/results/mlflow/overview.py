"""Overview of all studies, from their own runs alone: trials are not read."""

from typing import TYPE_CHECKING, NamedTuple

from study.results.mlflow.client import MlflowConnection
from study.results.mlflow.search_history import BEST_MERITS, HYPERVOLUME
from study.results.mlflow.study_names import ANY_STUDY, named_studies

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

MOST_STUDIES = 200
"""Number of studies that are described, the latest ones: each new one costs two requests."""

_ENDED = ("trials_complete", "trials_pruned", "trials_failed")
"""Metrics of a study that has ended, whose sum is the number of its trials."""


class StudyOverview(NamedTuple):
    """One study in a line.

    Attributes:
        name: Name of the study.
        state: State as its own run tells it: running, finished, failed or interrupted.
        dataset: Data set.
        space: Search space.
        ended: Number of trials that have ended; None where it was not recorded.
        asked: Number of trials asked for; None where it was not recorded.
        best: Best validation accuracy of a complete trial, in [0, 1]; None where there is none.
        started_ms: Start, in milliseconds since 1970.
        ended_ms: End; None before.
        hypervolume: Hypervolume after each trial that ended; empty where it was not recorded.
    """

    name: str
    state: str
    dataset: str
    space: str
    ended: int | None
    asked: int | None
    best: float | None
    started_ms: int
    ended_ms: int | None
    hypervolume: tuple[float, ...] = ()


class OverviewReader:
    """Reads overviews again and again; of a study without news nothing is asked a second time.

    Args:
        connection: The tracker.
    """

    def __init__(self, connection: MlflowConnection) -> None:
        self._connection = connection
        self._series: dict[str, tuple[object, tuple[float, ...], int | None]] = {}

    def read(self) -> tuple[StudyOverview, ...]:
        """Return the overviews of the latest studies, the latest first.

        Raises:
            TrackerUnreachableError: The tracker fails.
        """
        if not self._connection.exists:
            return ()
        with self._connection.asking() as client:
            names = {e.experiment_id: name for name, e in named_studies(client).items()}
            shown = [*names][:MOST_STUDIES]
            if not shown:
                return ()
            runs = client.search_runs(shown, filter_string=ANY_STUDY, max_results=5 * MOST_STUDIES)
            own: dict[str, Run] = {}
            for run in sorted(runs, key=lambda run: run.info.start_time or 0):
                own.setdefault(run.info.experiment_id, run)
            return tuple(
                self._overview(client, names[experiment], own[experiment])
                for experiment in shown
                if experiment in own
            )

    def _overview(self, client: "MlflowClient", name: str, run: "Run") -> StudyOverview:
        tags, metrics = run.data.tags, run.data.metrics
        series, ended = self._history(client, run)
        if ended is None and _ENDED[0] in metrics:
            ended = round(sum(metrics.get(metric, 0.0) for metric in _ENDED))
        asked = tags.get("trials", run.data.params.get("trials", ""))
        return StudyOverview(
            name=name,
            state="running" if run.info.status == "RUNNING" else tags.get("state", "ended"),
            dataset=tags.get("dataset", ""),
            space=tags.get("space", ""),
            ended=ended,
            asked=int(asked) if asked.isdecimal() else None,
            best=next((metrics[best] for best in BEST_MERITS if best in metrics), None),
            started_ms=run.info.start_time or 0,
            ended_ms=run.info.end_time,
            hypervolume=series,
        )

    def _history(self, client: "MlflowClient", run: "Run") -> tuple[tuple[float, ...], int | None]:
        """Return the hypervolume so far, and the number of trials that have ended."""
        if HYPERVOLUME not in run.data.metrics:
            return (), None
        run_id, is_running = run.info.run_id, run.info.status == "RUNNING"
        state = (run.info.status, run.info.end_time, run.data.metrics[HYPERVOLUME])
        known = self._series.get(run_id)
        if known is None or is_running or known[0] != state:
            points = sorted(client.get_metric_history(run_id, HYPERVOLUME), key=lambda p: p.step)
            series = tuple(point.value for point in points)
            known = self._series[run_id] = state, series, points[-1].step if points else None
        return known[1], known[2]
