"""Studies kept in MLflow: which there are, and reading them back."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from study.results.confirmed_run import ConfirmedRun
from study.results.mlflow import format as fmt
from study.results.mlflow.confirmed import CONFIRMS_TAG, decode_confirmed
from study.results.mlflow.connection import MlflowConnection, search_all_runs
from study.results.mlflow.curves import SERIES, curves_from_series
from study.results.mlflow.opening import StudyRefusedError, find_experiment, find_parent
from study.results.mlflow.study import MlflowStudy
from study.results.mlflow.unreachable import TrackerUnreachableError
from study.results.mlflow.values import DecodeError
from study.results.record import TrialRecord, TrialState
from study.results.study_info import StudyInfo

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run


class UnknownStudyError(ValueError):
    """The tracker holds no study of that name."""


@dataclass(frozen=True, kw_only=True)
class UndecodableRun:
    """A run of a study's experiment that is no readable trial.

    Attributes:
        run_id: MLflow's.
        reason: What is wrong with it.
    """

    run_id: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class LoadedStudy:
    """A study as read from the tracker.

    Attributes:
        info: The study.
        records: Trials in order of their numbers.
        confirmed: Confirmation runs, by trial, then layer, then seed.
        undecodable: Runs that could be read as neither.
    """

    info: StudyInfo
    records: tuple[TrialRecord, ...]
    confirmed: tuple[ConfirmedRun, ...]
    undecodable: tuple[UndecodableRun, ...]


class MlflowStore:
    """Studies in an MLflow tracker, each one an experiment of its name.

    Every method but `open_study` raises `TrackerUnreachableError` when the tracker fails.

    Args:
        tracking_uri: Any that MLflow accepts; None for MLflow's own rule: `MLFLOW_TRACKING_URI`,
            else its local default.
    """

    def __init__(self, tracking_uri: str | None) -> None:
        self._connection = MlflowConnection(tracking_uri)

    @property
    def shown_uri(self) -> str:
        """The tracking URI in use, its password masked."""
        return self._connection.shown_uri

    def check(self) -> None:
        """Make sure that studies can be written, within ten seconds and without creating anything.

        Raises:
            TrackerUnreachableError: The tracker does not answer, is no MLflow server, or cannot be
                opened or created.
        """
        self._connection.check()

    def has_study(self, name: str) -> bool:
        """Whether the name is taken.

        Also by an experiment that is no study or was deleted: MLflow gives its name to no other.
        """
        if not self._connection.exists:
            return False
        with self._reading() as client:
            return client.get_experiment_by_name(name) is not None

    def check_owner(self, name: str, study_id: str) -> None:
        """Make sure that what the tracker holds under a name is that study, or nothing.

        Raises:
            StudyRefusedError: It was deleted, or is no study, or another one.
        """
        if self._connection.exists:
            with self._reading() as client:
                find_experiment(client, name, study_id)

    def study_names(self) -> tuple[str, ...]:
        """Names of all studies, the latest first."""
        if not self._connection.exists:
            return ()
        names: list[str] = []
        token: str | None = None
        with self._reading() as client:
            while token is None or token:
                page = client.search_experiments(
                    filter_string=f"tags.{fmt.STUDY_TAG} LIKE '%'",
                    order_by=["creation_time DESC"],
                    page_token=token,
                )
                names += [experiment.name for experiment in page]
                token = page.token or ""
        return tuple(names)

    def open_study(self, info: StudyInfo) -> MlflowStudy:
        """Prepare a study for writing; nothing is created before its `open`."""
        return MlflowStudy(self._connection, info)

    def load_study(self, name: str) -> LoadedStudy:
        """Read a study back.

        Raises:
            UnknownStudyError: There is none of that name; the nearest one is named.
            ValueError: Its parent run cannot be read.
        """
        study_id, runs = self._runs(name)
        parent = find_parent(runs, study_id)
        if parent is None:
            raise self._unknown(name)
        try:
            info = fmt.decode_study(name, parent.data.params, parent.data.tags)
        except DecodeError as error:
            run_id = parent.info.run_id
            raise ValueError(f"study {name!r} (run {run_id}) cannot be read: {error}") from error
        rest = [run for run in runs if run is not parent]
        records, unreadable_trials = self._decode_trials(
            [run for run in rest if CONFIRMS_TAG not in run.data.tags], parent.info.run_id
        )
        confirmed, unreadable_confirmed = _decode_all_confirmed(
            [run for run in rest if CONFIRMS_TAG in run.data.tags],
            {
                run.info.run_id: run.data.tags.get(fmt.TRIAL_NUMBER_TAG, "")
                for run in rest
                if run.data.tags.get(fmt.PARENT_TAG) == parent.info.run_id
            },
        )
        return LoadedStudy(
            info=info,
            records=records,
            confirmed=confirmed,
            undecodable=(*unreadable_trials, *unreadable_confirmed),
        )

    def _runs(self, name: str) -> tuple[str, list["Run"]]:
        """The study_id and every run."""
        if not self._connection.exists:
            raise self._unknown(name)
        with self._reading() as client:
            experiment = client.get_experiment_by_name(name)
            if experiment is not None and experiment.lifecycle_stage == "active":
                study_id = experiment.tags.get(fmt.STUDY_ID_TAG, "")
                return study_id, search_all_runs(client, experiment.experiment_id)
        raise self._unknown(name)

    def _decode_trials(
        self, runs: Sequence["Run"], parent_run_id: str
    ) -> tuple[tuple[TrialRecord, ...], tuple[UndecodableRun, ...]]:
        records: dict[int, TrialRecord] = {}
        undecodable: list[UndecodableRun] = []
        for run in runs:
            try:
                record = self._decode_trial(run, parent_run_id)
            except DecodeError as error:
                undecodable.append(UndecodableRun(run_id=run.info.run_id, reason=str(error)))
                continue
            if records.setdefault(record.number, record) is not record:
                reason = f"trial {record.number} has an earlier run"
                undecodable.append(UndecodableRun(run_id=run.info.run_id, reason=reason))
        return tuple(records[number] for number in sorted(records)), tuple(undecodable)

    def _decode_trial(self, run: "Run", parent_run_id: str) -> TrialRecord:
        data = run.data
        if data.tags.get(fmt.PARENT_TAG) != parent_run_id:
            raise DecodeError("it is not a child of the study's run")
        series: dict[str, dict[int, float]] = {}
        # A trial that has ended carries its curve in tags: no more requests.
        unended = data.tags.get("state") in (TrialState.RUNNING, TrialState.PAUSED)
        if unended and data.metrics.keys() & set(SERIES.values()):
            with self._reading() as client:
                for name in SERIES.values():
                    history = client.get_metric_history(run.info.run_id, name)
                    series[name] = {metric.step: metric.value for metric in history}
        return fmt.decode_trial(
            data.params,
            data.tags,
            data.metrics,
            curves_from_series(series),
            started_ms=run.info.start_time,
            ended_ms=run.info.end_time,
        )

    def _unknown(self, name: str) -> UnknownStudyError:
        known = self.study_names()
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.0)
        hint = f"; did you mean {near[0]!r}?" if near else ", which holds no study yet"
        return UnknownStudyError(f"there is no study {name!r} in MLflow at {self.shown_uri}{hint}")

    @contextmanager
    def _reading(self) -> Iterator["MlflowClient"]:
        try:
            with self._connection.call() as client:
                yield client
        except StudyRefusedError:
            raise
        except Exception as error:
            # Not `from error`: what MLflow says may hold the password.
            raise TrackerUnreachableError(self._connection.uri, error) from None


def _decode_all_confirmed(
    runs: Sequence["Run"], trial_by_run: Mapping[str, str]
) -> tuple[tuple[ConfirmedRun, ...], tuple[UndecodableRun, ...]]:
    confirmed: dict[tuple[int, str, int], ConfirmedRun] = {}
    undecodable: list[UndecodableRun] = []
    for run in runs:
        tags = run.data.tags
        if trial_by_run.get(tags.get(fmt.PARENT_TAG, "")) != tags[CONFIRMS_TAG]:
            reason = "it is not a child of the run of the trial that it confirms"
            undecodable.append(UndecodableRun(run_id=run.info.run_id, reason=reason))
            continue
        try:
            decoded = decode_confirmed(
                run.data.params,
                tags,
                run.data.metrics,
                started_ms=run.info.start_time,
                ended_ms=run.info.end_time,
            )
        except DecodeError as error:
            undecodable.append(UndecodableRun(run_id=run.info.run_id, reason=str(error)))
            continue
        key = (decoded.trial, decoded.layer, decoded.seed)
        if confirmed.setdefault(key, decoded) is not decoded:
            reason = f"{fmt.run_name(decoded.trial)} has an earlier run of that layer and seed"
            undecodable.append(UndecodableRun(run_id=run.info.run_id, reason=reason))
    return tuple(confirmed[key] for key in sorted(confirmed)), tuple(undecodable)
