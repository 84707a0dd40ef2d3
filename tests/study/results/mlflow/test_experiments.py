"""A study is never mixed with another one, and other tools' runs go through unharmed."""

import dataclasses
import time

import pytest

from study.results.mlflow.background_writer import MlflowWriter, Unsent
from study.results.mlflow.client import MlflowConnection, search_all_runs
from study.results.mlflow.experiments import StudyRefusedError
from study.results.mlflow.store import MlflowStore
from study.results.run_record import RunState
from study.results.study_info import StudyEnd

NOTHING = Unsent(trials=0, confirmed=0, study=False, error="")


def write(uri, info, *trials):
    writer = MlflowWriter(MlflowStore(uri).open_study(info), collect_seconds=0.0)
    for trial in trials:
        writer.run_restored(trial)
    writer.study_ended(None, [], StudyEnd.FINISHED)
    return writer.close(30)


def snapshot(uri, name):
    """Everything that MLflow holds of an experiment's runs."""
    with MlflowConnection(uri).call() as client:
        experiment = client.get_experiment_by_name(name)
        runs = search_all_runs(client, experiment.experiment_id)
    return {run.info.run_id: run.to_dictionary() for run in runs}


def refused(uri, info, trial):
    """The message of a refusal, which comes at once and from both doors."""
    with pytest.raises(StudyRefusedError) as caught:
        MlflowStore(uri).check_owner(info.name, info.study_id)
    began = time.monotonic()
    unsent = write(uri, info, trial)
    assert time.monotonic() - began < 10
    assert (unsent.trials, unsent.study, unsent.error) == (1, True, str(caught.value))
    return str(caught.value)


def test_another_study_of_the_name_is_refused_and_left_as_it_is(uri, info, record):
    assert write(uri, info, record(0, RunState.COMPLETE, epochs=1)) == NOTHING
    before = snapshot(uri, info.name)
    other = dataclasses.replace(info, study_id="f" * 32)
    message = refused(uri, other, record(0, RunState.FAILED))
    assert f"holds another study of that name (study_id {info.study_id}, not {'f' * 32})" in message
    assert snapshot(uri, info.name) == before
    MlflowStore(uri).check_owner(info.name, info.study_id)


def test_somebody_elses_experiment_is_refused(sqlite_uri, info, record):
    with MlflowConnection(sqlite_uri).call() as client:
        client.create_experiment(info.name)
    assert "is not a study" in refused(sqlite_uri, info, record(0, RunState.FAILED))
    assert snapshot(sqlite_uri, info.name) == {}


def test_a_deleted_experiment_is_refused(sqlite_uri, info, record):
    assert write(sqlite_uri, info) == NOTHING
    with MlflowConnection(sqlite_uri).call() as client:
        client.delete_experiment(client.get_experiment_by_name(info.name).experiment_id)
    assert "was deleted" in refused(sqlite_uri, info, record(0, RunState.FAILED))


def test_a_study_with_other_settings_is_refused(sqlite_uri, info):
    assert write(sqlite_uri, info) == NOTHING
    unsent = write(sqlite_uri, dataclasses.replace(info, epochs=99))
    assert unsent.study
    assert "epochs = 15" in unsent.error
    assert MlflowStore(sqlite_uri).load_study(info.name).info == info


def test_a_study_of_more_trials_says_so(sqlite_uri, info):
    assert write(sqlite_uri, info) == NOTHING
    more = dataclasses.replace(info, trials=200)
    assert write(sqlite_uri, more) == NOTHING
    assert MlflowStore(sqlite_uri).load_study(info.name).info == more


def test_a_study_from_before_images_and_workers_were_recorded_goes_on(sqlite_uri, info, record):
    trial = dataclasses.replace(record(0, RunState.COMPLETE, epochs=2), worker="")
    older = dataclasses.replace(info, images=None)
    assert write(sqlite_uri, older, trial) == NOTHING
    assert MlflowStore(sqlite_uri).load_study(info.name).info == older
    newer = record(1, RunState.COMPLETE, epochs=2)
    assert write(sqlite_uri, info, trial, newer) == NOTHING
    loaded = MlflowStore(sqlite_uri).load_study(info.name)
    assert (loaded.info, loaded.records) == (info, (trial, newer))


def test_every_run_of_a_study_carries_its_identifier(sqlite_uri, info, record):
    assert write(sqlite_uri, info, record(0, RunState.COMPLETE)) == NOTHING
    runs = snapshot(sqlite_uri, info.name).values()
    assert [run["data"]["tags"]["study_id"] for run in runs] == [info.study_id] * 2


ODD = [
    {"trial_number": "0"},
    {"trial_number": "'; DROP TABLE runs; --", "state": "complete"},
    {"trial_number": "-1", "state": "complete", "epochs.0.0001": "[]"},
    {"trial_number": "９", "state": "running"},
    {"trial_number": "9" * 5000, "state": "running"},
    {"trial_number": "7", "state": "<script>alert(1)</script>"},
    {"trial_number": "8", "state": "complete", "epochs.0.0001": "[" * 7000},
    {"trial_number": "8", "state": "complete", "epochs.0.0001": '["abcde"]'},
    {"trial_number": "8", "state": "complete", "epochs.0.0001": "[[1, 2, 3, 4, null]]"},
    {"trial_number": "8", "state": "complete", "epochs.0.0001": "[]", "retried": "../../etc"},
    {"trial_number": "8", "state": "complete", "epochs.0.0001": "[]", "retried": "{}"},
    {"confirms_trial": "0"},
    {"confirms_trial": "0", "layer": "'", "seed": "x", "state": "complete"},
    {"pnn_study": "another", "trials": "x"},
    {"note": "x" * 7999},
]


def test_other_tools_runs_go_through_unharmed_and_are_reported(sqlite_uri, info, record):
    good = record(0, RunState.COMPLETE, epochs=2)
    assert write(sqlite_uri, info, good) == NOTHING
    before = snapshot(sqlite_uri, info.name)
    (parent_id,) = (i for i, run in before.items() if "trials" in run["data"]["tags"])
    with MlflowConnection(sqlite_uri).call() as client:
        experiment = client.get_experiment_by_name(info.name)
        for tags in ODD:
            claims = tags | {"mlflow.parentRunId": parent_id}
            run = client.create_run(experiment.experiment_id, start_time=1, tags=claims)
            client.log_param(run.info.run_id, "depth", "[" * 5000)
            client.log_metric(run.info.run_id, "learnable_params", float("inf"))
    strangers = snapshot(sqlite_uri, info.name).keys() - before.keys()
    kept = {i: run for i, run in snapshot(sqlite_uri, info.name).items() if i in strangers}
    assert write(sqlite_uri, info, good) == NOTHING
    after = snapshot(sqlite_uri, info.name)
    assert {i: run for i, run in after.items() if i in strangers} == kept
    assert len(after) == len(before) + len(ODD)
    loaded = MlflowStore(sqlite_uri).load_study(info.name)
    assert loaded.records == (good,)
    assert {run.run_id for run in loaded.undecodable} == strangers


def test_a_parameter_nested_beyond_reading_is_a_text(sqlite_uri, info, record):
    odd = dataclasses.replace(record(0, RunState.FAILED), parameters={"a": "[" * 5000, "b": "{}"})
    assert write(sqlite_uri, info, odd) == NOTHING
    assert MlflowStore(sqlite_uri).load_study(info.name).records == (odd,)
