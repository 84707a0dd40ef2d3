"""Writing one study into MLflow, so that every write can be repeated without harm."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from study.results.mlflow import run_format as fmt
from study.results.mlflow.client import MlflowConnection, read_series, search_all_runs
from study.results.mlflow.encoding import DecodeError
from study.results.mlflow.experiments import is_deleted, open_experiment, open_parent
from study.results.mlflow.run_content import RunUpdate, run_content
from study.results.mlflow.run_diff import Point, RunContent, RunMirror
from study.results.mlflow.search_history import BEST_MERITS, SearchHistory
from study.results.mlflow.study_format import (
    PARENT_TAG,
    SEALED_RUNS_TAG,
    STUDY_ID_TAG,
    STUDY_TAG,
    summary_metrics,
)
from study.results.mlflow.study_note import NOTE_TAG, is_ours, study_note
from study.results.mlflow.weights import send_weights
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


class MlflowStudy:
    """A study opened for writing: created, or taken up where it was left.

    Every method may be called again after it failed half-way: nothing is written twice. What the
    tracker holds is read once, by `open`; a run that holds all of an update costs no request.

    Args:
        connection: The tracker.
        info: The study.
        digest: Function that returns the digest of its images; None to leave the data set out.

    Attributes:
        experiment_id: MLflow's; empty before `open`.
    """

    def __init__(
        self,
        connection: MlflowConnection,
        info: StudyInfo,
        digest: Callable[[], str] | None = None,
    ) -> None:
        self._connection = connection
        self._info = info
        self._digest = digest
        self.experiment_id = ""
        self._parent: RunMirror | None = None
        self._run_ids: dict[RunKey, str] = {}
        self._mirrors: dict[RunKey, RunMirror] = {}
        self._doubtful: set[RunKey] = set()
        self._unended: dict[str, str] = {}

    @property
    def parent_run_id(self) -> str:
        """Return MLflow's identifier of the study's own run; empty before `open`."""
        return "" if self._parent is None else self._parent.run_id

    def new_history(self) -> SearchHistory:
        """Return the history of the study's search, still empty."""
        return SearchHistory(self._info.objectives, self._info.limit)

    @property
    def answered_at(self) -> float:
        """Return when the tracker last did what it was asked, by `time.monotonic`."""
        return self._connection.answered_at

    def explain(self, error: BaseException) -> str:
        """Return the cause of a failure in a few words, without the tracker's passwords."""
        return self._connection.explain(error)

    def ask(self) -> None:
        """Ask the tracker something that changes nothing, to see whether it answers."""
        with self._connection.call() as client:
            client.search_experiments(max_results=1)

    def open(self) -> None:
        """Create the experiment and the parent run, or find them and the runs they hold.

        Raises:
            StudyRefusedError: Its experiment was deleted, or that of its name is another's.
        """
        with self._connection.call() as client:
            self.experiment_id, runs = open_experiment(client, self._info)
            self._parent = open_parent(client, self.experiment_id, self._info, runs, self._digest)
            self._take_up(client, runs)

    def write_run(self, update: RunUpdate) -> None:
        """Write what is new of a run: one batch of parameters, metrics and tags, then its files.

        Raises:
            ValueError: It confirms a trial that has no run yet.
        """
        key = update.key
        parent_run_id = self.parent_run_id
        if key.is_confirmation:
            if RunKey(key.trial) not in self._run_ids:
                raise ValueError(f"trial {key.trial} has no run yet, under which to confirm it")
            parent_run_id = self._run_ids[RunKey(key.trial)]
        with self._connection.call() as client:

            def create() -> "Run":
                return client.create_run(
                    self.experiment_id,
                    start_time=update.started_ms,
                    tags=fmt.new_run_tags(self._info, key, parent_run_id),
                    run_name=fmt.run_name(key, self._info.first_fresh_seed),
                )

            mirror = self._mirror(client, key, create)
            self._note_status(mirror)
            content = run_content(update)
            # Under the study's run of now: the one that it was born under may be gone.
            under = {**content.tags, PARENT_TAG: parent_run_id}
            mirror.write(client, replace(content, tags=under))
            send_weights(client, mirror.run_id, update.files)
            self._note_status(mirror)
        if mirror.status not in _UNENDED:
            del self._mirrors[key]  # thousands of trials with all their curves

    def write_history(self, points: Sequence[Point]) -> None:
        """Write what is new of the search's history, in one batch.

        Args:
            points: Whole history; see `SearchHistory`.
        """
        if self._parent is None:
            raise RuntimeError("open() comes first")
        with self._connection.call() as client:
            self._parent.write(client, RunContent(series=points))

    def tell_sealed_runs(self, ended: int) -> None:
        """Write how many runs of a sealed experiment have ended."""
        with self._connection.call() as client:
            client.set_tag(self.parent_run_id, SEALED_RUNS_TAG, str(ended))

    def finish(
        self, summary: StudySummary | None, artifacts: Sequence[Path], end: StudyEnd, ended_ms: int
    ) -> None:
        """Write the parent run's metrics, artifacts and status; leave no run RUNNING.

        Args:
            summary: Results of the study; None where that is not known.
            artifacts: Files to keep with the study, such as the exported front.
            end: Cause of the study's end.
            ended_ms: Time when it stopped, in milliseconds since 1970.
        """
        from mlflow.entities import Metric, RunTag

        metrics = summary_metrics(summary) if summary else {}
        for best in BEST_MERITS:
            if self._parent is not None and self._parent.holds(best):
                metrics.pop(best, None)  # the search's history ends with it
        tags = {"state": end.value}
        if summary and self._parent is not None and is_ours(self._parent.tag(NOTE_TAG)):
            tags[NOTE_TAG] = study_note(self._info, summary)
        with self._connection.call() as client:
            self._settle_unended(client, end, ended_ms)
            client.log_batch(
                self.parent_run_id,
                metrics=[
                    Metric(name, float(value), ended_ms, 0) for name, value in metrics.items()
                ],
                tags=[RunTag(name, value) for name, value in tags.items()],
            )
            for path in artifacts:
                client.log_artifact(self.parent_run_id, str(path))
            end_ms = self._parent.end_after_start(ended_ms) if self._parent else ended_ms
            client.set_terminated(self.parent_run_id, _STUDY_STATUS[end], end_time=end_ms)

    def _note_status(self, mirror: RunMirror) -> None:
        if mirror.status in _UNENDED:
            self._unended[mirror.run_id] = mirror.status
        else:
            self._unended.pop(mirror.run_id, None)

    def _settle_unended(self, client: "MlflowClient", end: StudyEnd, ended_ms: int) -> None:
        """Close the runs that nobody ended, such as those of a crash that nothing goes on with.

        After a finished study nothing goes on; after another end, all may.
        """
        for run_id, status in [*self._unended.items()]:
            if end is StudyEnd.FINISHED:
                changes = {
                    "state": RunState.FAILED,
                    "reason": "the study ended without it",
                    "ended_ms": ended_ms,
                }
                self._settle(client, run_id, changes)
                del self._unended[run_id]
            elif status == "RUNNING":
                self._settle(client, run_id, {"state": RunState.PAUSED})
                self._unended[run_id] = fmt.RUN_STATUS[RunState.PAUSED]

    def _settle(self, client: "MlflowClient", run_id: str, changes: Mapping[str, Any]) -> None:
        """Bring a run that nobody ended into another state, and its record with it."""
        run = client.get_run(run_id)
        series = {name: read_series(client, run_id, name) for name in fmt.SERIES.values()}
        try:
            record = fmt.decode_run(
                run.data.params,
                run.data.tags,
                run.data.metrics,
                fmt.curves_from_series(series),
                started_ms=run.info.start_time,
                ended_ms=None,
            )
        except DecodeError:  # readers report it, whatever its state
            tags, status = {"state": changes["state"].value}, fmt.RUN_STATUS[changes["state"]]
            content = RunContent(tags=tags, status=status, ended_ms=changes.get("ended_ms"))
        else:
            record = replace(record, **changes)
            started_ms = record.started_ms or run.info.start_time
            content = run_content(
                RunUpdate(
                    key=record.key,
                    record=record,
                    epochs=(),
                    started_ms=started_ms,
                    ended_ms=record.ended_ms,
                )
            )
        RunMirror(run, is_new=False).write(client, content)

    def _mirror(
        self, client: "MlflowClient", key: RunKey, create: Callable[[], "Run"]
    ) -> RunMirror:
        """Return what a run holds; it is created where there is none."""
        if key in self._doubtful:
            # An attempt to create the run failed, perhaps only after the tracker had done it.
            tag = fmt.CONFIRMS_TAG if key.is_confirmation else fmt.TRIAL_NUMBER_TAG
            of_trial = f"tags.{tag} = '{key.trial}'"
            self._take_up(client, search_all_runs(client, self.experiment_id, of_trial))
        if key not in self._mirrors and key in self._run_ids:
            run = client.get_run(self._run_ids[key])
            self._mirrors[key] = RunMirror(run, is_new=False)
        if key not in self._mirrors:
            self._doubtful.add(key)
            self._mirrors[key] = RunMirror(create(), is_new=True)
            self._run_ids[key] = self._mirrors[key].run_id
        self._doubtful.discard(key)
        return self._mirrors[key]

    def _take_up(self, client: "MlflowClient", runs: Sequence["Run"]) -> None:
        """Remember the runs that are ours; of two runs of one trial, the first.

        A run that was deleted is restored where no other is of its trial: the tracker is to show
        all that the study knows, and a second run would stand beside it once somebody restores it.
        """
        for run in runs:
            key = self._key_of(run)
            if key is None:
                continue
            if is_deleted(run):
                if key in self._run_ids:
                    continue
                client.restore_run(run.info.run_id)
            if run.info.status in _UNENDED:
                self._unended[run.info.run_id] = run.info.status
            if self._run_ids.setdefault(key, run.info.run_id) == run.info.run_id:
                self._mirrors.setdefault(key, RunMirror(run, is_new=False))

    def _key_of(self, run: "Run") -> RunKey | None:
        """Read the key of a run of this study; None for one that another tool made."""
        tags = run.data.tags
        if tags.get(STUDY_ID_TAG) != self._info.study_id or STUDY_TAG in tags:
            return None
        try:
            return fmt.run_key(tags)
        except KeyError:
            return None
