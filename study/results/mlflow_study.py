"""Writing one study into MLflow, so that every write can be repeated without harm."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pnn_core.config import EpochResult
from study.results import mlflow_confirmed as confirmed_fmt
from study.results import mlflow_format as fmt
from study.results.confirmed_run import ConfirmedRun
from study.results.mlflow_connection import MlflowConnection, search_all_runs
from study.results.mlflow_curves import SERIES, epoch_metrics
from study.results.record import TrialRecord
from study.results.study_info import StudyEnd, StudyInfo, StudySummary

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

_STUDY_STATUS = {
    StudyEnd.FINISHED: "FINISHED",
    StudyEnd.FAILED: "FAILED",
    StudyEnd.INTERRUPTED: "KILLED",
}


@dataclass(frozen=True, kw_only=True)
class TrialUpdate:
    """What is new of one trial.

    Times are milliseconds since 1970, taken when a thing happened and not when it is sent: a
    repeated write is then recognised as the same one.

    Attributes:
        number: The trial's.
        record: The newest record, when the trial started or ended; None when it only went on.
        epochs: New epochs and when each finished.
        started_ms: When the trial started, if that is new.
        ended_ms: When the trial ended, if that is new.
    """

    number: int
    record: TrialRecord | None
    epochs: tuple[tuple[EpochResult, int], ...]
    started_ms: int | None
    ended_ms: int | None


@dataclass(frozen=True, kw_only=True)
class ConfirmedUpdate:
    """The newest state of a confirmation run.

    Attributes:
        run: What is known of it.
        started_ms: When it started, in milliseconds since 1970.
        ended_ms: When it ended; None while it runs.
    """

    run: ConfirmedRun
    started_ms: int
    ended_ms: int | None


class MlflowStudy:
    """A study opened for writing: created, or taken up where it was left.

    Every method may be called again after it failed half-way: nothing is written twice.

    Args:
        connection: The tracker.
        info: The study.
    """

    def __init__(self, connection: MlflowConnection, info: StudyInfo) -> None:
        self._connection = connection
        self._info = info
        self._experiment_id = ""
        self._parent_run_id = ""
        self._run_ids: dict[int, str] = {}
        self._confirmed_run_ids: dict[str, str] = {}
        self._doubtful: set[int] = set()
        self._found: set[int] = set()
        self._described: set[int] = set()
        self._written_epochs: dict[int, set[int]] = {}
        self._ended: set[int] = set()

    def open(self) -> None:
        """Create the experiment and the parent run, or find them and the trials they hold."""
        with self._connection.call() as client:
            experiment = client.get_experiment_by_name(self._info.name)
            if experiment is None:
                tags = {fmt.STUDY_TAG: self._info.name}
                self._experiment_id = client.create_experiment(self._info.name, tags=tags)
                runs: list[Run] = []
            else:
                self._experiment_id = experiment.experiment_id
                runs = search_all_runs(client, self._experiment_id)
            self._parent_run_id = self._open_parent(client, runs)
            self._take_up(runs)

    def write_trial(self, update: TrialUpdate) -> None:
        """Write what is new of a trial, with one batch of parameters, metrics and tags."""
        number = update.number
        with self._connection.call() as client:
            run_id = self._run_id(client, update)
            if number not in self._written_epochs:
                self._written_epochs[number] = _epochs_there(client, run_id)
                self._ended.add(number)
            if number in self._ended and update.started_ms is not None:
                client.update_run(run_id, status="RUNNING")
                self._ended.discard(number)
            epochs = self._unwritten_epochs(update)
            self._log_batch(client, run_id, update, epochs)
            self._written_epochs[number].update(result.epoch for result, _ in epochs)
            if update.ended_ms is not None and update.record is not None:
                status = fmt.RUN_STATUS[update.record.state]
                client.set_terminated(run_id, status, end_time=update.ended_ms)
                self._ended.add(number)

    def write_confirmed(self, update: ConfirmedUpdate) -> None:
        """Write a confirmation run under the run of its trial, which is written before.

        Args:
            update: Its newest state.

        Raises:
            ValueError: The trial has no run yet.
        """
        from mlflow.entities import Metric, Param, RunTag

        run = update.run
        if run.trial not in self._run_ids:
            raise ValueError(f"trial {run.trial} has no run yet, under which to confirm it")
        with self._connection.call() as client:
            run_id = self._confirmed_run_id(client, update)
            tags = confirmed_fmt.confirmed_tags(self._info, run, self._run_ids[run.trial]).items()
            # The start's time for all: what is known by then is then written the same way twice.
            stamp = update.started_ms
            client.log_batch(
                run_id,
                metrics=[Metric(n, float(v), stamp, 0) for n, v in run.metrics().items()],
                params=[Param(n, v) for n, v in confirmed_fmt.confirmed_params(run).items()],
                tags=[RunTag(name, value) for name, value in tags],
            )
            if update.ended_ms is not None:
                status = fmt.RUN_STATUS[run.state]
                client.set_terminated(run_id, status, end_time=update.ended_ms)

    def finish(
        self, summary: StudySummary | None, artifacts: Sequence[Path], end: StudyEnd, ended_ms: int
    ) -> None:
        """Write the parent run's metrics, artifacts and status.

        Args:
            summary: What the study gave; None where that is not known.
            artifacts: Files to keep with the study, such as the exported front.
            end: Why the study stopped.
            ended_ms: When it stopped, in milliseconds since 1970.
        """
        from mlflow.entities import Metric, RunTag

        metrics = fmt.summary_metrics(summary).items() if summary else ()
        with self._connection.call() as client:
            client.log_batch(
                self._parent_run_id,
                metrics=[Metric(name, float(value), ended_ms, 0) for name, value in metrics],
                tags=[RunTag("state", end.value)],
            )
            for path in artifacts:
                client.log_artifact(self._parent_run_id, str(path))
            client.set_terminated(self._parent_run_id, _STUDY_STATUS[end], end_time=ended_ms)

    def _open_parent(self, client: "MlflowClient", runs: Sequence["Run"]) -> str:
        from mlflow.entities import Param, RunTag

        tags = {**fmt.study_tags(self._info), "state": "running"}
        parent = next((run for run in runs if fmt.STUDY_TAG in run.data.tags), None)
        if parent is None:
            parent = client.create_run(self._experiment_id, tags=tags, run_name=self._info.name)
        else:
            new = [RunTag(key, value) for key, value in tags.items()]
            client.log_batch(parent.info.run_id, tags=new)
            client.update_run(parent.info.run_id, status="RUNNING")
        if not parent.data.params:
            params = [Param(key, value) for key, value in fmt.study_params(self._info).items()]
            client.log_batch(parent.info.run_id, params=params)
        return str(parent.info.run_id)

    def _take_up(self, runs: Sequence["Run"]) -> None:
        """Remember the trials that are there; of two runs of one trial, the first."""
        for run in runs:
            number = run.data.tags.get(fmt.TRIAL_NUMBER_TAG, "")
            if run.data.tags.get(fmt.PARENT_TAG) == self._parent_run_id and number.isdecimal():
                self._run_ids.setdefault(int(number), run.info.run_id)
                self._found.add(int(number))

    def _run_id(self, client: "MlflowClient", update: TrialUpdate) -> str:
        number = update.number
        if number in self._doubtful:
            # An attempt to create the run failed, perhaps only after the tracker had done it.
            self._take_up(search_all_runs(client, self._experiment_id))
        if number not in self._run_ids:
            self._doubtful.add(number)
            run = client.create_run(
                self._experiment_id,
                start_time=update.started_ms,
                tags=fmt.new_trial_tags(self._info, number, self._parent_run_id),
                run_name=fmt.run_name(number),
            )
            self._written_epochs[number] = set()
            self._run_ids[number] = run.info.run_id
        self._doubtful.discard(number)
        return self._run_ids[number]

    def _confirmed_run_id(self, client: "MlflowClient", update: ConfirmedUpdate) -> str:
        """The run of that name under its trial's run, created where there is none."""
        name = confirmed_fmt.confirmed_run_name(update.run)
        if name in self._confirmed_run_ids:
            return self._confirmed_run_ids[name]
        # An earlier attempt may have failed only after the tracker had created it.
        found = client.search_runs(
            [self._experiment_id], filter_string=f"attributes.run_name = '{name}'", max_results=1
        )
        run = found[0] if found else None
        if run is None:
            trial_run_id = self._run_ids[update.run.trial]
            run = client.create_run(
                self._experiment_id,
                start_time=update.started_ms,
                tags=confirmed_fmt.confirmed_tags(self._info, update.run, trial_run_id),
                run_name=name,
            )
        self._confirmed_run_ids[name] = str(run.info.run_id)
        return self._confirmed_run_ids[name]

    def _unwritten_epochs(self, update: TrialUpdate) -> list[tuple[EpochResult, int]]:
        """New epochs in order; those that only the record knows count as finished with it."""
        stamp = update.ended_ms or update.started_ms or 0
        by_number = {e.epoch: (e, stamp) for e in (update.record.epochs if update.record else ())}
        by_number |= {result.epoch: (result, ms) for result, ms in update.epochs}
        written = self._written_epochs[update.number]
        return [by_number[epoch] for epoch in sorted(by_number) if epoch not in written]

    def _log_batch(
        self,
        client: "MlflowClient",
        run_id: str,
        update: TrialUpdate,
        epochs: Sequence[tuple[EpochResult, int]],
    ) -> None:
        from mlflow.entities import Metric, Param, RunTag

        metrics = [
            Metric(name, value, milliseconds, result.epoch)
            for result, milliseconds in epochs
            for name, value in epoch_metrics(result).items()
        ]
        params: list[Param] = []
        tags: list[RunTag] = []
        if update.record is not None:
            stamp = update.ended_ms or update.started_ms or 0
            finals = fmt.final_metrics(update.record).items()
            metrics += [Metric(name, float(value), stamp, 0) for name, value in finals]
            # An empty tag shows as a bare label; it is there to overwrite an earlier life's.
            written = update.number in self._found
            state = fmt.state_tags(update.record).items()
            tags += [RunTag(key, value) for key, value in state if value or written]
            if update.number not in self._described:
                described = fmt.trial_params(update.record).items()
                params += [Param(key, value) for key, value in described]
        client.log_batch(run_id, metrics=metrics, params=params, tags=tags)
        if params:
            self._described.add(update.number)


def _epochs_there(client: "MlflowClient", run_id: str) -> set[int]:
    """Epochs that an earlier life of the trial wrote, in whole."""
    steps = [
        {metric.step for metric in client.get_metric_history(run_id, name)}
        for name in SERIES.values()
    ]
    return set.intersection(*steps)
