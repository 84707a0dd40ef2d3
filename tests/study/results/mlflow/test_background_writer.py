import dataclasses
import socket
import threading
import time

import pytest

from study.results.mlflow.background_writer import MlflowWriter, Unsent
from study.results.mlflow.client import MlflowConnection, search_all_runs
from study.results.mlflow.loaded_study import LoadedStudy
from study.results.mlflow.store import MlflowStore
from study.results.run_record import RunKey, RunState
from study.results.study_info import StudyEnd, summarise

NOTHING = Unsent(trials=0, confirmed=0, study=False, error="")


@pytest.fixture
def writer(uri, info):
    return MlflowWriter(MlflowStore(uri).open_study(info), collect_seconds=0.05)


def play(writer, trial, pause=0.0):
    """Hand a whole trial over, as the trial loop does."""
    running = dataclasses.replace(
        trial, state=RunState.RUNNING, replicates=(), reason="", ended_ms=None
    )
    writer.run_started(dataclasses.replace(running, costs=None))
    for result in trial.epochs:
        time.sleep(pause)
        writer.epoch_finished(trial.key, result)
    writer.run_ended(trial)


def steps(uri, name, metric="val_accuracy"):
    """Steps of a metric by trial name, as they were written."""
    with MlflowConnection(uri).call() as client:
        experiment = client.get_experiment_by_name(name)
        return {
            run.info.run_name: [m.step for m in client.get_metric_history(run.info.run_id, metric)]
            for run in search_all_runs(client, experiment.experiment_id)
            if "trial_number" in run.data.tags
        }


def test_everything_handed_over_is_in_the_tracker_after_close(uri, info, writer, record, tmp_path):
    page = tmp_path / "front.html"
    page.write_text("<b>front</b>")
    trials = [record(n, RunState.COMPLETE, epochs=5) for n in range(4)]
    for trial in trials:
        play(writer, trial, pause=0.01)
    writer.study_ended(summarise(trials, info.objectives, ()), [page], StudyEnd.FINISHED)
    assert writer.close(30) == NOTHING
    expected = LoadedStudy(info=info, records=tuple(trials), confirmed=(), undecodable=())
    assert MlflowStore(uri).load_study(info.name) == expected
    assert set(map(tuple, steps(uri, info.name).values())) == {(1, 2, 3, 4, 5)}


def test_the_number_of_sealed_runs_is_in_the_tracker_and_the_last_one_told_counts(sqlite_uri, info):
    writer = MlflowWriter(MlflowStore(sqlite_uri).open_study(info), collect_seconds=0.05)
    for ended in range(4):
        writer.tell_sealed_runs(ended)
    assert writer.close(30) == NOTHING
    loaded = MlflowStore(sqlite_uri).load_study(info.name)
    assert loaded.info == dataclasses.replace(info, sealed_runs=3)


def test_epochs_are_seen_while_a_trial_runs(sqlite_uri, info, record):
    writer = MlflowWriter(MlflowStore(sqlite_uri).open_study(info), collect_seconds=0.05)
    trial = record(0, RunState.COMPLETE, epochs=2)
    writer.run_started(record(0, RunState.RUNNING))
    writer.epoch_finished(RunKey(0), trial.epochs[0])
    store = MlflowStore(sqlite_uri)
    deadline = time.monotonic() + 20
    while not (store.has_study(info.name) and steps(sqlite_uri, info.name) == {"trial-0000": [1]}):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    (running,) = store.load_study(info.name).records
    assert (running.state, running.epochs) == (RunState.RUNNING, trial.epochs[:1])
    writer.run_ended(trial)
    assert writer.close(30) == NOTHING
    assert store.load_study(info.name).records == (trial,)


def test_epochs_that_were_not_handed_over_are_written_from_the_final_record(
    sqlite_uri, info, record
):
    writer = MlflowWriter(MlflowStore(sqlite_uri).open_study(info), collect_seconds=0.05)
    trial = record(0, RunState.PRUNED, epochs=3)
    writer.run_started(record(0, RunState.RUNNING))
    writer.epoch_finished(RunKey(0), trial.epochs[1])
    writer.run_ended(trial)
    assert writer.close(30) == NOTHING
    assert sorted(steps(sqlite_uri, info.name)["trial-0000"]) == [1, 2, 3]
    assert MlflowStore(sqlite_uri).load_study(info.name).records == (trial,)


def test_a_new_local_store_is_made_in_silence(tmp_path, info, record, capfd, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store = MlflowStore(None)
    store.check()
    writer = MlflowWriter(store.open_study(info))
    play(writer, record(0, RunState.COMPLETE, epochs=2))
    assert writer.close(60) == NOTHING
    assert store.study_names() == (info.name,)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("answers", [False, True])
def test_close_keeps_its_time_when_the_tracker_is_dead(info, record, answers):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        if not answers:  # a closed port refuses; an open one that nobody serves never answers
            listener.close()
        writer = MlflowWriter(MlflowStore(f"http://u:pw@127.0.0.1:{port}").open_study(info))
        began = time.monotonic()
        for number in range(3):
            play(writer, record(number, RunState.COMPLETE, epochs=2))
        writer.study_ended(summarise([], info.objectives, ()), [], StudyEnd.FINISHED)
        assert time.monotonic() - began < 0.5
        began = time.monotonic()
        unsent = writer.close(1.5)
        assert time.monotonic() - began < 3
    assert (unsent.trials, unsent.study) == (3, True)
    assert ("did not answer" if answers else "connection refused") in unsent.error
    assert "pw" not in unsent.error


def test_a_thread_that_was_given_up_stops_by_itself(info, record):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    writer = MlflowWriter(MlflowStore(f"http://127.0.0.1:{port}").open_study(info))
    writer.close(0.2)
    writer._thread.join(10)
    assert not writer._thread.is_alive()


def test_calls_return_at_once_while_a_write_hangs(sqlite_uri, info, record, epoch):
    study = MlflowStore(sqlite_uri).open_study(info)
    hanging, release = threading.Event(), threading.Event()
    write_run = study.write_run

    def hang(update):
        hanging.set()
        assert release.wait(20)
        write_run(update)

    study.write_run = hang
    writer = MlflowWriter(study, collect_seconds=0.01)
    writer.run_started(record(0, RunState.RUNNING))
    assert hanging.wait(20)
    began = time.monotonic()
    play(writer, record(1, RunState.COMPLETE, epochs=50))
    assert time.monotonic() - began < 0.2
    release.set()
    assert writer.close(30) == NOTHING


def test_a_trial_that_the_tracker_refuses_holds_up_no_other(sqlite_uri, info, record):
    store = MlflowStore(sqlite_uri)
    writer = MlflowWriter(store.open_study(info), collect_seconds=0.05)
    bad = dataclasses.replace(record(0, RunState.COMPLETE), parameters={"no/such/../key": 1})
    play(writer, bad)
    good = record(1, RunState.COMPLETE, epochs=2)
    play(writer, good)
    began = time.monotonic()
    unsent = writer.close(20)
    assert time.monotonic() - began < 10
    assert (unsent.trials, unsent.study) == (1, False)
    assert "no/such/../key" in unsent.error
    assert good in store.load_study(info.name).records


def test_misuse_is_an_error_at_once(sqlite_uri, info, record, epoch):
    writer = MlflowWriter(MlflowStore(sqlite_uri).open_study(info))
    with pytest.raises(ValueError, match="trial 5 has not started"):
        writer.epoch_finished(RunKey(5), epoch(1))
    with pytest.raises(ValueError, match="trial 5 has not ended"):
        writer.run_ended(record(5, RunState.RUNNING))
    assert writer.close(30) == NOTHING


def test_a_server_killed_and_restarted_gets_everything_once_and_in_order(own_server, info, record):
    writer = MlflowWriter(MlflowStore(own_server.uri).open_study(info), collect_seconds=0.05)
    trials = [record(n, RunState.COMPLETE, epochs=20) for n in range(3)]
    loop = threading.Thread(target=lambda: [play(writer, t, pause=0.05) for t in trials])
    loop.start()
    time.sleep(1.5)
    own_server.kill()
    loop.join()
    play(writer, last := record(3, RunState.FAILED, epochs=1, reason="after the crash"))
    own_server.start()
    writer.study_ended(summarise(trials, info.objectives, ()), [], StudyEnd.FINISHED)
    assert writer.close(30) == NOTHING
    expected = LoadedStudy(info=info, records=(*trials, last), confirmed=(), undecodable=())
    assert MlflowStore(own_server.uri).load_study(info.name) == expected
    for metric in ("val_accuracy", "epoch_val_seconds"):
        found = steps(own_server.uri, info.name, metric)
        assert list(found.values()) == [list(range(1, 21))] * 3 + [[1]]
