"""Follower of a study: reads it once, and then only what has changed."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from study.results.mlflow import study_format as fmt
from study.results.mlflow.client import MlflowConnection, read_series, search_page
from study.results.mlflow.decode_runs import Series, StudyReading
from study.results.mlflow.loaded_study import LoadedStudy
from study.results.mlflow.request_box import control_of, without_control
from study.results.mlflow.run_format import SERIES
from study.results.mlflow.study_names import UnknownStudyError, find_named
from study.results.study_request import StudyControl
from study.results.timestamps import now_ms

if TYPE_CHECKING:
    from mlflow.entities import Run

_CLOCKS_DIFFER_MS = 120_000
"""Runs are dated by the machine that writes them, so look back by more than clocks differ."""


@dataclass(frozen=True, kw_only=True)
class FollowedStudy:
    """Study as it was at one moment, and where the tracker keeps it.

    Attributes:
        study: Its trials and confirmation runs.
        experiment_id: MLflow's identifier of its experiment.
        run_ids: Trial number to MLflow's identifier of its run.
        parent_run_id: MLflow's identifier of its own run.
        is_running: True if its own run is said to be running; after a crash that is not true.
        control: Requests to it.
    """

    study: LoadedStudy
    experiment_id: str
    run_ids: dict[int, str]
    parent_run_id: str
    is_running: bool
    control: StudyControl


class StudyFeed:
    """One study of a tracker.

    While it runs, `read` asks for runs that began lately or have not ended. It reads the whole
    study again when its own run has changed (started, extended or ended), and when trials before
    the newest one are found missing: a resumption that fills a tracker dates them back.

    Args:
        connection: The tracker.
        name: Name of the study.
        progress: Told how many runs a whole reading has read so far.
    """

    def __init__(
        self,
        connection: MlflowConnection,
        name: str,
        progress: Callable[[int], None] | None = None,
    ) -> None:
        self._connection = connection
        self._name = name
        self._progress = progress
        self._experiment_id = ""
        self._parent_seen: tuple[str, dict[str, str]] | None = None
        self._reading: StudyReading | None = None
        self._missing = 0
        self._read_ms = 0
        self._has_news = False
        self._latest: FollowedStudy | None = None

    def read(self) -> FollowedStudy:
        """Return the study as it is now; the same object as before when nothing has changed.

        Raises:
            UnknownStudyError: The tracker holds no study of that name, or not its own run.
            ValueError: Its own run cannot be read.
            TrackerUnreachableError: The tracker fails.
        """
        latest, reading = self._latest, self._reading
        if latest is None or reading is None:
            return self._read_all()
        with self._connection.asking() as client:
            parent = client.get_run(reading.parent_run_id)
        if _state(parent) != self._parent_seen:
            return self._read_all()
        control = control_of(parent.data.tags)
        if control != latest.control:
            latest = self._latest = replace(latest, control=control)
        if latest.is_running:
            self._read_changed(reading)
        if not self._has_news:
            return latest
        followed = self._follow(reading, control, is_running=True)
        return self._read_all() if _missing(followed.study) > self._missing else followed

    def _read_all(self) -> FollowedStudy:
        name, experiment = find_named(self._connection, self._name)
        self._experiment_id, self._read_ms = str(experiment.experiment_id), now_ms()
        study_id = experiment.tags.get(fmt.STUDY_ID_TAG, "")
        reading = StudyReading(name, study_id, self._read_series)
        read = 0
        for page in self._pages():
            # While the tracker prepares the next page there would be nothing else to do.
            for run in page:
                reading.add(run)
            read += len(page)
            if self._progress is not None:
                self._progress(read)
        if reading.parent is None:
            raise UnknownStudyError(
                f"study {self._name!r} in MLflow at {self._connection.shown_uri} has no run of its "
                "own, which was deleted or never written: this writes what is missing: python -m "
                f"study.run --resume --name {experiment.tags[fmt.STUDY_TAG]}"
            )
        self._parent_seen = _state(reading.parent)
        control = control_of(reading.parent.data.tags)
        is_running = self._parent_seen[0] == "RUNNING"
        followed = self._follow(reading, control, is_running=is_running)
        self._reading, self._missing = reading, _missing(followed.study)
        return followed

    def _read_changed(self, reading: StudyReading) -> None:
        """Take up what is new, and note that there was something.

        Noted run by run: where the tracker fails between two of them, the next reading tells of it.
        """
        # A start in the future is that of a clock that went back meanwhile.
        since = min(reading.latest_start_ms, self._read_ms) - _CLOCKS_DIFFER_MS
        self._read_ms = now_ms()
        lately = [run for page in self._pages(f"attributes.start_time > {since}") for run in page]
        open_before = reading.unended - {run.info.run_id for run in lately}
        with self._connection.asking() as client:
            lately += [client.get_run(run_id) for run_id in sorted(open_before)]
        for run in lately:
            self._has_news |= reading.add(run)

    def _follow(
        self, reading: StudyReading, control: StudyControl, *, is_running: bool
    ) -> FollowedStudy:
        self._latest = FollowedStudy(
            study=reading.study(),
            experiment_id=self._experiment_id,
            run_ids=reading.run_ids(),
            parent_run_id=reading.parent_run_id,
            is_running=is_running,
            control=control,
        )
        self._has_news = False
        return self._latest

    def _pages(self, filter_string: str = "") -> Iterator[list["Run"]]:
        """Pages of runs; other readers of the tracker have their turn between two of them."""
        token: str | None = None
        while token is None or token:
            with self._connection.asking() as client:
                page, token = search_page(client, self._experiment_id, filter_string, token)
            yield page

    def _read_series(self, run_id: str) -> Series:
        with self._connection.asking() as client:
            return {name: read_series(client, run_id, name) for name in SERIES.values()}


def _state(parent: "Run") -> tuple[str, dict[str, str]]:
    """Return the part of a study's own run that changes when the study does: status and tags."""
    return str(parent.info.status), without_control(parent.data.tags)


def _missing(study: LoadedStudy) -> int:
    """Trials before the newest one that were not read."""
    numbers = [record.number for record in study.records]
    return max(numbers, default=-1) + 1 - len(numbers)
