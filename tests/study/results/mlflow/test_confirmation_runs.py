"""Confirmation runs are children of their trial in MLflow, and come back as they were."""

import dataclasses
import time

import pytest

from pnn_core.config import ConfirmResult, Costs
from study.results.mlflow.background_writer import MlflowWriter, Unsent
from study.results.mlflow.client import MlflowConnection, search_all_runs
from study.results.mlflow.store import MlflowStore
from study.results.run_record import RunKey, RunRecord, RunState
from study.results.study_info import StudyEnd

SEED = 10_000_000_003
NOTHING = Unsent(trials=0, confirmed=0, study=False, error="")


def confirmed(trial, layer="perturbation", **changes):
    run = RunRecord(
        key=RunKey(trial, layer, SEED),
        state=RunState.COMPLETE,
        parameters={"layer": layer, "mask_count": 17, "seed": SEED, "noise_level": 1 / 3},
        size_difference=-0.0123,
        costs=Costs(learnable_params=1234, mask_values=99, macs=10**10),
        result=ConfirmResult(
            train_loss=1 / 7, test_accuracy=2 / 3, published_test_accuracy=0.7, train_seconds=9.5
        ),
        device="Some GPU <b>",
        worker="a-host:7",
        started_ms=1_700_000_000_000,
        ended_ms=1_700_000_000_500,
    )
    return dataclasses.replace(run, **changes)


def started(run):
    return dataclasses.replace(
        run,
        state=RunState.RUNNING,
        result=None,
        costs=None,
        device="",
        worker="",
        ended_ms=None,
    )


def failed(run, reason):
    return dataclasses.replace(run, state=RunState.FAILED, result=None, costs=None, reason=reason)


@pytest.fixture
def writer(uri, info):
    return MlflowWriter(MlflowStore(uri).open_study(info), collect_seconds=0.05)


def test_confirmed_runs_come_back_equal(uri, info, writer, record):
    trial = record(3, RunState.COMPLETE, epochs=2)
    runs = [confirmed(3, layer) for layer in ("conv1x1", "perturbation")]
    runs.append(failed(confirmed(3, "conv3x3"), "ran out of <memory>"))
    writer.run_started(record(3, RunState.RUNNING))
    writer.run_ended(trial)
    for run in runs:
        writer.run_started(started(run))
    time.sleep(0.2)
    for run in runs:
        writer.run_ended(run)
    writer.study_ended(None, [], StudyEnd.FINISHED)
    assert writer.close(30) == NOTHING
    loaded = MlflowStore(uri).load_study(info.name)
    assert loaded.undecodable == ()
    assert loaded.records == (trial,)
    assert loaded.confirmed == tuple(sorted(runs, key=lambda run: run.layer))


def test_a_confirmed_run_is_a_child_of_its_trials_run(sqlite_uri, info, record):
    writer = MlflowWriter(MlflowStore(sqlite_uri).open_study(info), collect_seconds=0.05)
    writer.run_started(record(3, RunState.RUNNING))
    writer.run_started(started(confirmed(3)))
    writer.run_ended(confirmed(3))
    assert writer.close(30) == NOTHING
    with MlflowConnection(sqlite_uri).call() as client:
        experiment = client.get_experiment_by_name(info.name)
        runs = {r.info.run_name: r for r in search_all_runs(client, experiment.experiment_id)}
    child = runs[f"trial-0003-perturbation-seed-{SEED}"]
    assert child.data.tags["mlflow.parentRunId"] == runs["trial-0003"].info.run_id
    assert child.info.status == "FINISHED"
    assert child.data.metrics["test_accuracy"] == 2 / 3
    assert "test_accuracy" not in runs["trial-0003"].data.metrics


def test_a_repeated_write_makes_no_second_run(sqlite_uri, info, record):
    for _ in range(2):
        writer = MlflowWriter(MlflowStore(sqlite_uri).open_study(info), collect_seconds=0.05)
        writer.run_started(record(0, RunState.RUNNING))
        writer.run_started(started(confirmed(0)))
        writer.run_ended(confirmed(0))
        assert writer.close(30) == NOTHING
    assert MlflowStore(sqlite_uri).load_study(info.name).confirmed == (confirmed(0),)


def test_a_run_that_lacks_something_is_reported(sqlite_uri, info, record):
    writer = MlflowWriter(MlflowStore(sqlite_uri).open_study(info), collect_seconds=0.05)
    writer.run_started(record(0, RunState.RUNNING))
    writer.run_started(started(confirmed(0)))
    assert writer.close(30) == NOTHING
    with MlflowConnection(sqlite_uri).call() as client:
        experiment = client.get_experiment_by_name(info.name)
        runs = search_all_runs(client, experiment.experiment_id)
        (run,) = (r for r in runs if "confirms_trial" in r.data.tags)
        record_tag = run.data.tags["pnn.record.0000"].replace('"running"', '"complete"')
        client.set_tag(run.info.run_id, "pnn.record.0000", record_tag)
    loaded = MlflowStore(sqlite_uri).load_study(info.name)
    assert loaded.confirmed == ()
    (unreadable,) = loaded.undecodable
    assert unreadable.reason == "result (=None) must be given when a confirmation is complete"


def test_a_run_under_another_trial_is_reported(sqlite_uri, info, record):
    writer = MlflowWriter(MlflowStore(sqlite_uri).open_study(info), collect_seconds=0.05)
    for number in (0, 1):
        writer.run_started(record(number, RunState.RUNNING))
    writer.run_started(started(confirmed(0)))
    writer.run_ended(confirmed(0))
    assert writer.close(30) == NOTHING
    with MlflowConnection(sqlite_uri).call() as client:
        experiment = client.get_experiment_by_name(info.name)
        runs = search_all_runs(client, experiment.experiment_id)
        (run,) = (r for r in runs if "confirms_trial" in r.data.tags)
        client.set_tag(run.info.run_id, "confirms_trial", "1")
    (unreadable,) = MlflowStore(sqlite_uri).load_study(info.name).undecodable
    assert "not a child of the run of the trial" in unreadable.reason


def test_what_is_known_at_the_start_is_written_once(sqlite_uri, info, record):
    writer = MlflowWriter(MlflowStore(sqlite_uri).open_study(info), collect_seconds=0.05)
    writer.run_started(record(0, RunState.RUNNING))
    writer.run_started(started(confirmed(0)))
    time.sleep(0.5)
    writer.run_ended(confirmed(0))
    assert writer.close(30) == NOTHING
    with MlflowConnection(sqlite_uri).call() as client:
        experiment = client.get_experiment_by_name(info.name)
        runs = search_all_runs(client, experiment.experiment_id)
        (run,) = (r for r in runs if "confirms_trial" in r.data.tags)
        assert len(client.get_metric_history(run.info.run_id, "size_difference")) == 1
        assert run.data.tags["dataset"] == info.dataset


def test_runs_that_never_reached_the_tracker_are_counted(tmp_path, info, record):
    store = MlflowStore("http://127.0.0.1:9")
    writer = MlflowWriter(store.open_study(info), collect_seconds=0.05)
    writer.run_started(record(0, RunState.RUNNING))
    writer.run_started(started(confirmed(0)))
    unsent = writer.close(1)
    assert (unsent.trials, unsent.confirmed) == (1, 1)
    assert unsent.error


def test_a_result_belongs_to_a_complete_run_alone():
    with pytest.raises(ValueError, match="result"):
        confirmed(0, result=None)
    with pytest.raises(ValueError, match="result"):
        confirmed(0, state=RunState.FAILED)
