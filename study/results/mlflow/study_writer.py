"""Writing one study into MLflow, so that every write can be repeated without harm."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from study.results.mlflow import confirmation_format
from study.results.mlflow import trial_format as fmt
from study.results.mlflow.client import MlflowConnection, search_all_runs
from study.results.mlflow.experiments import open_experiment, open_parent
from study.results.mlflow.run_content import (
    ConfirmedUpdate,
    TrialUpdate,
    confirmed_content,
    trial_content,
)
from study.results.mlflow.run_diff import RunContent, RunMirror
from study.results.run_record import RunKey, RunState
from study.results.study_info import StudyEnd, StudyInfo, StudySummary

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

_STUDY_STATUS = {
    StudyEnd.FINISHED: "FINISHED",
    StudyEnd.FAILED: "FAILED",
    StudyEnd.INTERRUPTED: "KILLED",
}

_UNENDED = ("RUNNING", fmt.RUN_STATUS[RunState.PAUSED])

_Key = int | RunKey
"""A trial's number, or which confirmation run."""


class MlflowStudy:
    """A study opened for writing: created, or taken up where it was left.

    Every method may be called again after it failed half-way: nothing is written twice. What the
    tracker holds is read once, by `open`; a run that holds all of an update costs no request.

    Args:
        connection: The tracker.
        info: The study.

    Attributes:
        experiment_id: MLflow's; empty before `open`.
        parent_run_id: MLflow's, of the study's own run; empty before `open`.
    """

    def __init__(self, connection: MlflowConnection, info: StudyInfo) -> None:
        self._connection = connection
        self._info = info
        self.experiment_id = ""
        self.parent_run_id = ""
        self._run_ids: dict[_Key, str] = {}
        self._mirrors: dict[_Key, RunMirror] = {}
        self._doubtful: set[_Key] = set()
        self._unended: dict[str, str] = {}

    @property
    def answered_at(self) -> float:
        """When the tracker last did what it was asked, by `time.monotonic`."""
        return self._connection.answered_at

    def explain(self, error: BaseException) -> str:
        """The cause of a failure in a few words, without the tracker's passwords."""
        return self._connection.explain(error)

    def ask(self) -> None:
        """Ask the tracker something that changes nothing, to see whether it answers."""
        with self._connection.call() as client:
            client.search_experiments(max_results=1)

    def open(self) -> None:
        """Create the experiment and the parent run, or find them and the runs they hold.

        Raises:
            StudyRefusedError: The experiment of the study's name is not the study's.
        """
        with self._connection.call() as client:
            self.experiment_id, runs = open_experiment(client, self._info)
            self.parent_run_id = open_parent(client, self.experiment_id, self._info, runs)
            self._take_up(runs)

    def write_trial(self, update: TrialUpdate) -> None:
        """Write what is new of a trial: one batch of parameters, metrics and tags."""
        with self._connection.call() as client:

            def create() -> "Run":
                return client.create_run(
                    self.experiment_id,
                    start_time=update.started_ms,
                    tags=fmt.new_trial_tags(self._info, update.number, self.parent_run_id),
                    run_name=fmt.run_name(update.number),
                )

            self._write(client, update.number, trial_content(update), create)

    def write_confirmed(self, update: ConfirmedUpdate) -> None:
        """Write a confirmation run under the run of its trial, which is written before.

        Args:
            update: Its newest state.

        Raises:
            ValueError: The trial has no run yet.
        """
        run = update.run
        if run.trial not in self._run_ids:
            raise ValueError(f"trial {run.trial} has no run yet, under which to confirm it")
        with self._connection.call() as client:

            def create() -> "Run":
                trial_run_id = self._run_ids[run.trial]
                return client.create_run(
                    self.experiment_id,
                    start_time=update.started_ms,
                    tags=confirmation_format.new_confirmed_tags(self._info, run, trial_run_id),
                    run_name=confirmation_format.confirmed_run_name(run),
                )

            self._write(client, run.key, confirmed_content(update), create)

    def finish(
        self, summary: StudySummary | None, artifacts: Sequence[Path], end: StudyEnd, ended_ms: int
    ) -> None:
        """Write the parent run's metrics, artifacts and status; leave no run RUNNING.

        Args:
            summary: What the study gave; None where that is not known.
            artifacts: Files to keep with the study, such as the exported front.
            end: Why the study stopped.
            ended_ms: When it stopped, in milliseconds since 1970.
        """
        from mlflow.entities import Metric, RunTag

        metrics = fmt.summary_metrics(summary).items() if summary else ()
        with self._connection.call() as client:
            self._settle_unended(client, end, ended_ms)
            client.log_batch(
                self.parent_run_id,
                metrics=[Metric(name, float(value), ended_ms, 0) for name, value in metrics],
                tags=[RunTag("state", end.value)],
            )
            for path in artifacts:
                client.log_artifact(self.parent_run_id, str(path))
            client.set_terminated(self.parent_run_id, _STUDY_STATUS[end], end_time=ended_ms)

    def _write(
        self,
        client: "MlflowClient",
        key: _Key,
        content: RunContent,
        create: Callable[[], "Run"],
    ) -> None:
        mirror = self._mirror(client, key, create)
        self._note_status(mirror)
        mirror.write(client, content)
        self._note_status(mirror)
        if mirror.status not in _UNENDED:
            del self._mirrors[key]  # thousands of trials with all their curves

    def _note_status(self, mirror: RunMirror) -> None:
        if mirror.status in _UNENDED:
            self._unended[mirror.run_id] = mirror.status
        else:
            self._unended.pop(mirror.run_id, None)

    def _settle_unended(self, client: "MlflowClient", end: StudyEnd, ended_ms: int) -> None:
        """Close the runs that nobody ended, such as those of a crash that nothing goes on with.

        After a finished study nothing goes on; after another end, all may.
        """
        from mlflow.entities import RunTag

        for run_id, status in [*self._unended.items()]:
            if end is StudyEnd.FINISHED:
                tags = {"state": RunState.FAILED.value, "reason": "the study ended without it"}
                client.log_batch(run_id, tags=[RunTag(*tag) for tag in tags.items()])
                client.set_terminated(run_id, fmt.RUN_STATUS[RunState.FAILED], end_time=ended_ms)
                del self._unended[run_id]
            elif status == "RUNNING":
                client.set_tag(run_id, "state", RunState.PAUSED.value)
                client.update_run(run_id, status=fmt.RUN_STATUS[RunState.PAUSED])
                self._unended[run_id] = fmt.RUN_STATUS[RunState.PAUSED]

    def _mirror(self, client: "MlflowClient", key: _Key, create: Callable[[], "Run"]) -> RunMirror:
        """The run of a trial or a confirmation run, created where there is none."""
        if key in self._doubtful:
            # An attempt to create the run failed, perhaps only after the tracker had done it.
            trial, tag = (
                (key, fmt.TRIAL_NUMBER_TAG)
                if isinstance(key, int)
                else (key[0], confirmation_format.CONFIRMS_TAG)
            )
            self._take_up(search_all_runs(client, self.experiment_id, f"tags.{tag} = '{trial}'"))
        if key not in self._mirrors and key in self._run_ids:
            run = client.get_run(self._run_ids[key])
            self._mirrors[key] = RunMirror(run, is_new=False)
        if key not in self._mirrors:
            self._doubtful.add(key)
            self._mirrors[key] = RunMirror(create(), is_new=True)
            self._run_ids[key] = self._mirrors[key].run_id
        self._doubtful.discard(key)
        return self._mirrors[key]

    def _take_up(self, runs: Sequence["Run"]) -> None:
        """Remember the runs that are ours; of two runs of one trial, the first."""
        for run in runs:
            key = self._key_of(run)
            if key is None:
                continue
            if run.info.status in _UNENDED:
                self._unended[run.info.run_id] = run.info.status
            if self._run_ids.setdefault(key, run.info.run_id) == run.info.run_id:
                self._mirrors.setdefault(key, RunMirror(run, is_new=False))

    def _key_of(self, run: "Run") -> _Key | None:
        """What a run is of this study; None for one that another tool made."""
        tags = run.data.tags
        if tags.get(fmt.STUDY_ID_TAG) != self._info.study_id:
            return None
        try:
            if confirmation_format.CONFIRMS_TAG in tags:
                return confirmation_format.confirmed_key(tags)
            if tags.get(fmt.PARENT_TAG) == self.parent_run_id:
                return fmt.trial_number(tags)
        except KeyError:
            pass
        return None
