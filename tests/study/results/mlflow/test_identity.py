"""A study is one study by its `study_id`, whatever people do to its experiment and its runs."""

import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from pnn_core.config import ConfirmResult
from study.planning.arguments import parse_arguments
from study.planning.new_study import plan_study
from study.results.databases import sqlite_path
from study.results.mlflow.background_writer import MlflowWriter, Unsent
from study.results.mlflow.client import search_all_runs
from study.results.mlflow.experiments import StudyRefusedError
from study.results.mlflow.loaded_study import LoadedStudy
from study.results.mlflow.store import MlflowStore
from study.results.mlflow.study_names import UnknownStudyError
from study.results.run_record import RunKey, RunRecord, RunState
from study.results.study_info import StudyEnd, StudyInfo

NOTHING = Unsent(trials=0, confirmed=0, study=False, error="")
PARENT = "mlflow.parentRunId"


@dataclass
class Mirror:
    """A study in a tracker, and MLflow's own view of it."""

    uri: str
    info: StudyInfo
    client: MlflowClient
    records: tuple[RunRecord, ...]
    confirmed: RunRecord

    def write(self) -> None:
        """One life of the study, which hands over all that it knows."""
        writer = MlflowWriter(MlflowStore(self.uri).open_study(self.info), collect_seconds=0.0)
        for run in (*self.records, self.confirmed):
            writer.run_restored(run)
        writer.study_ended(None, [], StudyEnd.FINISHED)
        assert writer.close(30) == NOTHING

    def load(self, name: str = "") -> LoadedStudy:
        return MlflowStore(self.uri).load_study(name or self.info.name)

    @property
    def experiment_id(self) -> str:
        return str(self.client.get_experiment_by_name(self.info.name).experiment_id)

    def runs(self, experiment_id: str = "") -> list[Run]:
        return search_all_runs(self.client, experiment_id or self.experiment_id)

    def run(self, **tags: str) -> Run:
        (found,) = (r for r in self.runs() if r.data.tags.items() >= tags.items())
        return found

    def purge(self, run: Run) -> None:
        """Remove a run for good, as `mlflow gc` does with deleted ones."""
        with closing(sqlite3.connect(sqlite_path(self.uri) or "")) as database:
            for table in ("tags", "params", "metrics", "latest_metrics", "runs"):
                database.execute(f"DELETE FROM {table} WHERE run_uuid = ?", [run.info.run_id])
            database.commit()


@pytest.fixture
def mirror(sqlite_uri, info, record) -> Mirror:
    confirmed = RunRecord(
        key=RunKey(1, "perturbation", 77),
        state=RunState.COMPLETE,
        parameters={"mask_count": 4},
        result=ConfirmResult(
            train_loss=0.1, test_accuracy=0.9, published_test_accuracy=0.95, train_seconds=3.5
        ),
        started_ms=1_700_000_000_000,
        ended_ms=1_700_000_000_900,
    )
    records = tuple(record(number, RunState.COMPLETE, epochs=1) for number in range(2))
    whole = Mirror(sqlite_uri, info, MlflowClient(sqlite_uri), records, confirmed)
    whole.write()
    return whole


def parent(mirror: Mirror) -> Run:
    return mirror.run(pnn_study=mirror.info.name)


def delete_all(mirror: Mirror) -> None:
    for run in mirror.runs():
        mirror.client.delete_run(run.info.run_id)


def rename(mirror: Mirror, *, and_take_the_name: bool = False) -> None:
    mirror.client.rename_experiment(mirror.experiment_id, f"{mirror.info.name} by another name")
    if and_take_the_name:
        mirror.client.create_experiment(mirror.info.name)


def copy(mirror: Mirror) -> None:
    """An experiment with the same tags and a copy of a run, as tools for copying make it."""
    tags = mirror.client.get_experiment(mirror.experiment_id).tags
    other = mirror.client.create_experiment(f"{mirror.info.name} copied", tags=tags)
    mirror.client.create_run(other, tags=parent(mirror).data.tags)


def merge(mirror: Mirror) -> None:
    """A run of another study in the same experiment."""
    tags = {**mirror.run(trial_number="0").data.tags, "study_id": "f" * 32}
    mirror.client.create_run(mirror.experiment_id, tags=tags)


def delete_and_restore(mirror: Mirror) -> None:
    experiment_id = mirror.experiment_id
    mirror.client.delete_experiment(experiment_id)
    mirror.client.restore_experiment(experiment_id)


def deleted(**tags: str) -> Callable[[Mirror], None]:
    return lambda mirror: mirror.client.delete_run(mirror.run(**tags).info.run_id)


def purged(**tags: str) -> Callable[[Mirror], None]:
    return lambda mirror: mirror.purge(mirror.run(**tags))


WHAT_PEOPLE_DO: dict[str, Callable[[Mirror], Any]] = {
    "parent deleted": lambda mirror: mirror.client.delete_run(parent(mirror).info.run_id),
    "parent purged": lambda mirror: mirror.purge(parent(mirror)),
    "trial deleted": deleted(trial_number="0"),
    "trial with a confirmation deleted": deleted(trial_number="1"),
    "trial with a confirmation purged": purged(trial_number="1"),
    "confirmation deleted": deleted(confirms_trial="1"),
    "all deleted": delete_all,
    "renamed": rename,
    "renamed, and its name taken": lambda mirror: rename(mirror, and_take_the_name=True),
    "copied": copy,
    "another study's run beside it": merge,
    "deleted and restored": delete_and_restore,
}


@pytest.mark.parametrize("what", WHAT_PEOPLE_DO)
def test_a_resumed_study_has_one_run_a_trial_whatever_was_done_to_its_mirror(
    mirror: Mirror, what: str
) -> None:
    experiment_id = mirror.experiment_id
    WHAT_PEOPLE_DO[what](mirror)
    mirror.write()
    runs = [
        run
        for run in mirror.runs(experiment_id)
        if run.data.tags["study_id"] == mirror.info.study_id
    ]
    own = [run for run in runs if "pnn_study" in run.data.tags]
    trials = {r.data.tags["trial_number"]: r for r in runs if "trial_number" in r.data.tags}
    (confirming,) = (run for run in runs if "confirms_trial" in run.data.tags)
    assert (len(own), len(runs), trials.keys()) == (1, 4, {"0", "1"})
    assert {run.data.tags[PARENT] for run in trials.values()} == {own[0].info.run_id}
    assert confirming.data.tags[PARENT] == trials["1"].info.run_id
    assert {run.info.status for run in runs} == {"FINISHED"}
    loaded = mirror.load()
    assert (loaded.info, loaded.records) == (mirror.info, mirror.records)
    assert loaded.confirmed == (mirror.confirmed,)
    studies = Counter(e.tags.get("study_id") for e in mirror.client.search_experiments())
    assert studies[mirror.info.study_id] == (2 if what == "copied" else 1)


def test_a_second_run_that_an_earlier_version_made_is_left_deleted(mirror: Mirror) -> None:
    tags = mirror.run(trial_number="0").data.tags
    twin = mirror.client.create_run(mirror.experiment_id, tags=tags)
    mirror.client.delete_run(twin.info.run_id)
    mirror.write()
    assert mirror.client.get_run(twin.info.run_id).info.lifecycle_stage == "deleted"
    assert mirror.load().undecodable == ()


def test_a_study_whose_experiment_was_renamed_is_found_by_either_name(mirror: Mirror) -> None:
    rename(mirror)
    by_name, by_label = mirror.load(), mirror.load(f"{mirror.info.name} by another name")
    assert by_name == by_label
    assert by_name.info == mirror.info
    names = MlflowStore(mirror.uri).study_names()
    assert mirror.info.name in names
    assert f"{mirror.info.name} by another name" not in names


def test_a_copy_goes_by_its_own_name(mirror: Mirror) -> None:
    copy(mirror)
    assert {mirror.info.name, f"{mirror.info.name} copied"} <= {
        *MlflowStore(mirror.uri).study_names()
    }
    with pytest.raises(ValueError, match=r"copied.*cannot be read"):
        mirror.load(f"{mirror.info.name} copied")
    assert mirror.load().records == mirror.records


def test_a_name_is_taken_by_a_study_whose_experiment_was_renamed(mirror: Mirror) -> None:
    rename(mirror)
    assert MlflowStore(mirror.uri).describe_taken(mirror.info.name) == (
        f"a study of that name exists in MLflow at {mirror.uri}, where its experiment is called "
        f"'{mirror.info.name} by another name'"
    )


def test_a_deleted_experiment_is_told_as_deleted_with_what_brings_it_back(
    mirror: Mirror, record
) -> None:
    experiment_id = mirror.experiment_id
    how = f"bring it back by mlflow experiments restore --experiment-id {experiment_id}"
    rename(mirror)  # also then: its identifier tells
    mirror.client.delete_experiment(experiment_id)
    with pytest.raises(StudyRefusedError, match=f"was deleted and still holds the name: {how}"):
        MlflowStore(mirror.uri).check_owner(mirror.info.name, mirror.info.study_id)
    with pytest.raises(UnknownStudyError, match=f"was deleted in MLflow at .*: {how}"):
        mirror.load()
    said = MlflowStore(mirror.uri).describe_taken(mirror.info.name)
    assert said.startswith("a deleted experiment of that name is kept in MLflow at ")
    mirror.client.restore_experiment(experiment_id)
    mirror.write()
    assert mirror.load().records == mirror.records


def test_a_new_study_is_told_that_a_deleted_experiment_keeps_its_name(
    mirror: Mirror, monkeypatch: pytest.MonkeyPatch, tmp_path
) -> None:
    monkeypatch.chdir(tmp_path)
    mirror.client.delete_experiment(
        mirror.client.create_experiment("gone", tags={"pnn_study": "gone"})
    )
    argv = ["--space", "noise_masks", "--name", "gone", "--tracking-uri", mirror.uri]
    with pytest.raises(ValueError, match="--name gone: a deleted experiment of that name is kept"):
        plan_study(parse_arguments(argv))


def test_a_study_without_its_own_run_is_not_said_to_be_unknown(mirror: Mirror) -> None:
    mirror.client.delete_run(parent(mirror).info.run_id)
    with pytest.raises(UnknownStudyError) as caught:
        mirror.load()
    assert "did you mean" not in str(caught.value)
    said = "has no run of its own, which was deleted or never written: this writes what is missing"
    assert said in str(caught.value)
    assert str(caught.value).endswith(f"study.run --resume --name {mirror.info.name}")


def test_what_another_study_of_the_name_holds_is_still_refused(mirror: Mirror) -> None:
    other = replace(mirror.info, study_id="e" * 32)
    with pytest.raises(StudyRefusedError, match="holds another study of that name"):
        MlflowStore(mirror.uri).check_owner(other.name, other.study_id)
