"""The contract of a tracker, for a local file and for a server alike."""

import contextlib
import dataclasses
import json
import math
import urllib.request

import pytest

from study.results.mlflow.client import MlflowConnection, search_all_runs
from study.results.mlflow.loaded_study import LoadedStudy
from study.results.mlflow.run_content import RunUpdate
from study.results.mlflow.store import MlflowStore
from study.results.mlflow.study_names import UnknownStudyError
from study.results.run_record import RunKey, RunRecord, RunState
from study.results.study_info import StudyEnd, summarise

MS = 1_700_000_000_000


@pytest.fixture
def store(uri):
    return MlflowStore(uri)


@pytest.fixture
def study(store, info):
    study = store.open_study(info)
    study.open()
    return study


def started(record, epochs=()):
    stamped = tuple((result, record.started_ms + result.epoch) for result in epochs)
    return RunUpdate(
        key=record.key,
        record=record,
        epochs=stamped,
        started_ms=record.started_ms,
        ended_ms=None,
    )


def ended(record):
    return RunUpdate(
        key=record.key,
        record=record,
        epochs=(),
        started_ms=record.started_ms,
        ended_ms=record.ended_ms,
    )


@contextlib.contextmanager
def runs_of(uri, name):
    """MLflow's own view: the parent run, and the trials' runs in order of their names."""
    with MlflowConnection(uri).call() as client:
        experiment = client.get_experiment_by_name(name)
        runs = search_all_runs(client, experiment.experiment_id)
        (parent,) = (run for run in runs if "trials" in run.data.tags)
        children = [run for run in runs if run is not parent]
        yield client, parent, sorted(children, key=lambda run: run.info.run_name)


def every_kind(record):
    return [
        record(0, RunState.COMPLETE, epochs=15),
        record(1, RunState.PRUNED, epochs=2, reason="no better than the median"),
        record(2, RunState.FAILED, epochs=40, reason="<script>alert('é')</script>\nline 2"),
        record(3, RunState.FAILED, reason="out of memory"),
        record(4, RunState.RUNNING, epochs=3),
        record(5, RunState.RUNNING),
    ]


def test_a_study_comes_back_equal(store, study, info, record):
    records = every_kind(record)
    for trial in reversed(records):
        running = dataclasses.replace(
            trial, state=RunState.RUNNING, reason="", retried=(), costs=None, ended_ms=None
        )
        study.write_run(started(running, epochs=trial.epochs[:2]))
        if trial.state is not RunState.RUNNING:
            study.write_run(ended(trial))
    loaded = store.load_study(info.name)
    assert loaded == LoadedStudy(info=info, records=tuple(records), confirmed=(), undecodable=())
    for name, value in records[0].parameters.items():
        assert type(loaded.records[0].parameters[name]) is type(value)


def test_a_trial_known_only_by_its_end_comes_back_equal(store, study, info, record):
    trial = record(9, RunState.COMPLETE, epochs=300)
    study.write_run(ended(trial))
    assert store.load_study(info.name).records == (trial,)


def test_losses_that_are_not_finite_come_back_while_a_trial_runs(store, study, info, record, epoch):
    odd = dataclasses.replace(epoch(1), train_loss=math.inf, val_loss=math.nan)
    study.write_run(started(record(0, RunState.RUNNING), epochs=[odd]))
    (trial,) = store.load_study(info.name).records
    assert trial.epochs[0].train_loss == math.inf
    assert math.isnan(trial.epochs[0].val_loss)


def test_a_repeated_write_changes_nothing(uri, study, info, record, epoch):
    running = started(record(0, RunState.RUNNING), epochs=[epoch(1), epoch(2)])
    study.write_run(running)
    study._mirrors[RunKey(0)]._steps.clear()  # as when the reply to the batch was lost
    study.write_run(running)
    study.write_run(ended(record(0, RunState.COMPLETE, epochs=3)))
    with runs_of(uri, info.name) as (client, _, (run,)):
        history = client.get_metric_history(run.info.run_id, "val_accuracy")
    assert [(m.step, m.timestamp) for m in history] == [(1, MS + 1), (2, MS + 2), (3, MS + 100_000)]


def test_a_run_whose_creation_was_not_confirmed_is_not_created_again(
    uri, study, info, record, monkeypatch
):
    client = study._connection._client
    create_run = client.create_run

    def lose_the_reply(*arguments, **named):
        create_run(*arguments, **named)
        raise ConnectionError("reply lost")

    trial = record(0, RunState.RUNNING, epochs=1)
    monkeypatch.setattr(client, "create_run", lose_the_reply)
    with pytest.raises(ConnectionError):
        study.write_run(started(trial))
    monkeypatch.setattr(client, "create_run", create_run)
    study.write_run(started(trial))
    assert MlflowStore(uri).load_study(info.name).records == (trial,)
    with runs_of(uri, info.name) as (_, _, runs):
        assert len(runs) == 1


def test_a_resumed_trial_goes_on_in_its_run_and_no_epoch_is_written_twice(
    uri, store, study, info, record, epoch
):
    study.write_run(started(record(0, RunState.RUNNING), epochs=map(epoch, (1, 2, 3))))
    study.write_run(ended(record(0, RunState.FAILED, epochs=3, reason="killed")))
    again = store.open_study(dataclasses.replace(info, trials=200))
    again.open()
    again.write_run(started(record(0, RunState.RUNNING, epochs=2), epochs=[epoch(3)]))
    resumed = store.load_study(info.name)
    assert resumed.info.trials == 200
    assert resumed.records[0].state is RunState.RUNNING
    assert resumed.records[0].reason == ""
    with runs_of(uri, info.name) as (_, parent, (run,)):
        assert (parent.info.status, run.info.status) == ("RUNNING", "RUNNING")
    final = record(0, RunState.COMPLETE, epochs=5)
    again.write_run(ended(final))
    assert store.load_study(info.name).records == (final,)
    with runs_of(uri, info.name) as (client, _, (run,)):
        history = client.get_metric_history(run.info.run_id, "val_loss")
    assert [metric.step for metric in history] == [1, 2, 3, 4, 5]


def test_mlflow_shows_trials_as_children_with_numbers_to_compare(uri, study, info, record):
    states = (RunState.COMPLETE, RunState.PRUNED, RunState.FAILED, RunState.RUNNING)
    for number, state in enumerate(states):
        trial = record(number, state, epochs=4)
        study.write_run((started if state is RunState.RUNNING else ended)(trial))
    with runs_of(uri, info.name) as (_, parent, runs):
        assert parent.info.run_name == info.name
        assert [r.info.run_name for r in runs] == [f"trial-{n:04d}" for n in range(4)]
        assert [r.info.status for r in runs] == ["FINISHED", "KILLED", "FAILED", "RUNNING"]
        for run in runs:
            assert run.data.tags["mlflow.parentRunId"] == parent.info.run_id
            assert run.data.tags["mlflow.source.git.commit"] == info.git_commit
            assert json.loads(run.data.tags["pnn.versions"])["torch"] == "2.14.1"
        complete = record(0, RunState.COMPLETE, epochs=4)
        shown = runs[0].data.metrics
        assert {name: shown[name] for name in complete.metrics()} == complete.metrics()
        assert runs[0].data.params["batch_size"] == "10"
        assert max(map(len, runs[0].data.params.values())) < 100


def test_the_end_of_a_study_is_written_to_its_parent(uri, study, info, record, tmp_path):
    page = tmp_path / "front.html"
    page.write_text("<b>front</b>")
    trial = record(0, RunState.COMPLETE, epochs=4)
    study.finish(summarise([trial], info.objectives, ()), [page], StudyEnd.FINISHED, MS)
    with runs_of(uri, info.name) as (client, parent, _):
        assert parent.info.status == "FINISHED"
        assert parent.data.metrics["trials_complete"] == 1
        assert parent.data.metrics["best_val_accuracy"] == trial.epochs[-1].val_accuracy
        folder = tmp_path / "down"
        folder.mkdir()
        path = client.download_artifacts(parent.info.run_id, "front.html", str(folder))
        assert (folder / "front.html").read_text() == "<b>front</b>", path


def test_two_studies_in_one_tracker_do_not_disturb_each_other(store, study, info, record, another):
    other_info = another(f"{info.name} & <b>other</b>", seed=8)
    other = store.open_study(other_info)
    other.open()
    study.write_run(ended(record(0, RunState.COMPLETE, epochs=1)))
    other.write_run(ended(record(0, RunState.FAILED, epochs=2)))
    assert store.load_study(info.name).records == (record(0, RunState.COMPLETE, epochs=1),)
    loaded = store.load_study(other_info.name)
    assert loaded.info == other_info
    assert loaded.records == (record(0, RunState.FAILED, epochs=2),)
    assert store.study_names()[:2] == (other_info.name, info.name)


def test_experiments_that_are_no_studies_are_not_listed(uri, store, study, info):
    with MlflowConnection(uri).call() as client:
        client.create_experiment(f"{info.name} by hand")
    assert f"{info.name} by hand" not in store.study_names()
    assert "Default" not in store.study_names()
    assert store.has_study(f"{info.name} by hand")
    with pytest.raises(UnknownStudyError):
        store.load_study(f"{info.name} by hand")


def test_a_name_is_taken_from_its_creation_on_even_when_deleted(uri, store, info):
    assert not store.has_study(info.name)
    store.open_study(info).open()
    assert store.has_study(info.name)
    with MlflowConnection(uri).call() as client:
        client.delete_experiment(client.get_experiment_by_name(info.name).experiment_id)
    assert store.has_study(info.name)
    assert info.name not in store.study_names()
    with pytest.raises(UnknownStudyError):
        store.load_study(info.name)


def test_an_unknown_study_is_named_with_the_nearest_one(store, study, info):
    with pytest.raises(UnknownStudyError) as caught:
        store.load_study(info.name[:-2])
    assert repr(info.name[:-2]) in str(caught.value)
    assert f"did you mean {info.name!r}?" in str(caught.value)


def test_runs_that_cannot_be_decoded_are_reported(uri, store, study, info, record):
    good = record(0, RunState.COMPLETE, epochs=2)
    study.write_run(ended(good))
    study.write_run(ended(record(1, RunState.COMPLETE, epochs=2)))
    with runs_of(uri, info.name) as (client, parent, (_, second)):
        client.set_tag(second.info.run_id, "pnn.record.0000", "asleep")
        stranger = client.create_run(parent.info.experiment_id)
        tags = {"mlflow.parentRunId": parent.info.run_id, "trial_number": "0"}
        twin = client.create_run(parent.info.experiment_id, tags=tags)
        client.set_tag(twin.info.run_id, "state", "running")
    loaded = store.load_study(info.name)
    assert loaded.records == (good,)
    assert {run.run_id: run.reason for run in loaded.undecodable} == {
        second.info.run_id: "the tags record.* hold no whole record: Expecting value: line 1 "
        "column 1 (char 0)",
        stranger.info.run_id: "it is not a child of the study's run",
        twin.info.run_id: "trial 0 has an earlier run",
    }


def test_a_study_of_more_runs_than_a_page_is_read_whole(store, study, info, record, monkeypatch):
    from study.results.mlflow import client as mlflow_connection

    monkeypatch.setattr(mlflow_connection, "_RUNS_PER_PAGE", 2)
    records = tuple(record(number, RunState.COMPLETE) for number in range(5))
    for trial in records:
        study.write_run(ended(trial))
    assert store.load_study(info.name).records == records


def test_a_parent_that_cannot_be_decoded_is_named(uri, store, study, info):
    with runs_of(uri, info.name) as (client, parent, _):
        client.set_tag(parent.info.run_id, "trials", "many")
    with pytest.raises(ValueError, match=f"{parent.info.run_id}.*cannot be read.*'many'"):
        store.load_study(info.name)


def test_an_earlier_opening_that_broke_off_is_completed(store, study, info, monkeypatch, another):
    broken = another(f"{info.name} broken")
    opening = store.open_study(broken)
    client = opening._connection._client
    with monkeypatch.context() as patch:
        patch.setattr(client, "log_batch", lambda *a, **n: (_ for _ in ()).throw(OSError("lost")))
        with pytest.raises(OSError, match="lost"):
            opening.open()
    opening.open()
    assert store.load_study(broken.name).info == broken


def test_nothing_is_printed(store, study, info, record, capfd):
    study.write_run(ended(record(0, RunState.COMPLETE, epochs=2)))
    study.finish(summarise([], info.objectives, ()), [], StudyEnd.INTERRUPTED, MS)
    store.load_study(info.name)
    assert capfd.readouterr() == ("", "")


def test_a_bare_local_default_is_where_mlflow_looks_for_it(sqlite_uri, info, tmp_path):
    study = MlflowStore(None).open_study(info)
    study.open()
    (tmp_path / "front.csv").write_text("a,b\n")
    study.finish(summarise([], info.objectives, ()), [tmp_path / "front.csv"], StudyEnd.FAILED, MS)
    with runs_of(sqlite_uri, info.name) as (client, parent, _):
        assert [file.path for file in client.list_artifacts(parent.info.run_id)] == ["front.csv"]
        assert (tmp_path / "mlruns").is_dir()


def test_a_server_keeps_artifacts_itself(server, info, tmp_path):
    study = MlflowStore(server.uri).open_study(info)
    study.open()
    (tmp_path / "front.csv").write_text("a,b\n")
    study.finish(
        summarise([], info.objectives, ()), [tmp_path / "front.csv"], StudyEnd.FINISHED, MS
    )
    with runs_of(server.uri, info.name) as (_, parent, _):
        query = f"run_id={parent.info.run_id}"
    url = f"{server.uri}/api/2.0/mlflow/artifacts/list?{query}"
    with urllib.request.urlopen(url, timeout=10) as answer:
        assert [file["path"] for file in json.load(answer)["files"]] == ["front.csv"]


def test_a_record_made_elsewhere_may_have_any_parameter(store, study, info):
    odd = {"ratio": 0.5, "text": "12", "empty": "", "yes": True, "level": 1.0}
    trial = RunRecord(
        key=RunKey(0), state=RunState.FAILED, parameters=odd, started_ms=MS, ended_ms=MS + 1
    )
    study.write_run(ended(trial))
    (back,) = store.load_study(info.name).records
    assert back == trial
    assert [type(back.parameters[name]) for name in odd] == [type(v) for v in odd.values()]
