"""Whatever breaks off and comes again: one run a trial, each epoch once, nothing left RUNNING."""

import dataclasses
import itertools
import os
import random
import signal
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pnn_core.config import ConfirmResult
from study.results.mlflow import background_writer as mlflow_writer
from study.results.mlflow.background_writer import MlflowWriter, Unsent
from study.results.mlflow.client import MlflowConnection, search_all_runs
from study.results.mlflow.loaded_study import LoadedStudy
from study.results.mlflow.store import MlflowStore
from study.results.run_record import RunKey, RunRecord, RunState
from study.results.study_info import StudyEnd, summarise

NOTHING = Unsent(trials=0, confirmed=0, study=False, error="")
SERIES = ("val_accuracy", "val_loss", "train_loss", "epoch_train_seconds", "epoch_val_seconds")


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    for name in ("_FIRST_WAIT_SECONDS", "_CLOSING_WAIT_SECONDS", "_SETTLE_SECONDS"):
        monkeypatch.setattr(mlflow_writer, name, 0.01)


def running(trial, **changes):
    return dataclasses.replace(
        trial,
        **{"state": RunState.RUNNING, "replicates": (), "reason": "", "costs": None}
        | {"ended_ms": None, "retried": (), **changes},
    )


def confirmed(trial, state=RunState.COMPLETE):
    return RunRecord(
        key=RunKey(trial, "perturbation", 77),
        state=state,
        parameters={"mask_count": 4},
        size_difference=0.25,
        result=ConfirmResult(
            train_loss=0.1, test_accuracy=0.9, published_test_accuracy=0.95, train_seconds=3.5
        )
        if state is RunState.COMPLETE
        else None,
        started_ms=1_700_000_000_000,
        ended_ms=1_700_000_000_900 if state.is_final else None,
    )


def runs_of(uri, name):
    """MLflow's own view: the parent's run and the others."""
    with MlflowConnection(uri).call() as client:
        experiment = client.get_experiment_by_name(name)
        runs = search_all_runs(client, experiment.experiment_id)
    (parent,) = (run for run in runs if "trials" in run.data.tags)
    return parent, [run for run in runs if run is not parent]


def check(uri, info, records, confirmations=()):
    """The store holds exactly this, as MLflow itself shows it."""
    expected = LoadedStudy(
        info=info, records=tuple(records), confirmed=tuple(confirmations), undecodable=()
    )
    assert MlflowStore(uri).load_study(info.name) == expected
    parent, runs = runs_of(uri, info.name)
    assert parent.info.status == "FINISHED"
    assert len(runs) == len(records) + len(confirmations)
    assert {run.info.status for run in runs} <= {"FINISHED", "FAILED", "KILLED"}
    by_number = {r.data.tags["trial_number"]: r for r in runs if "trial_number" in r.data.tags}
    with MlflowConnection(uri).call() as client:
        for record in records:
            run_id = by_number[str(record.number)].info.run_id
            for name in SERIES:
                steps = [point.step for point in client.get_metric_history(run_id, name)]
                assert sorted(steps) == [result.epoch for result in record.epochs]


def drain(writer, seconds=10.0):
    """Wait until all that was handed over is written, if it is written at all."""
    deadline = time.monotonic() + seconds
    while writer._queue.waiting and time.monotonic() < deadline and writer._failing_since is None:
        time.sleep(0.002)


def whole_study(writer, info, trial, confirmation):
    """One trial from its start to its confirmation, each step written before the next."""
    writer.run_started(running(trial))
    drain(writer)
    writer.epoch_finished(trial.key, trial.epochs[0])
    drain(writer)
    writer.run_retried(running(trial, retried=trial.retried, costs=trial.costs))
    for result in trial.epochs:
        writer.epoch_finished(trial.key, result)
    drain(writer)
    writer.run_ended(trial)
    started = dataclasses.replace(confirmation, state=RunState.RUNNING, result=None, ended_ms=None)
    writer.run_started(started)
    drain(writer)
    writer.run_ended(confirmation)
    writer.study_ended(summarise([trial], info.objectives, ()), [], StudyEnd.FINISHED)


def resumed(writer, info, trial, confirmation):
    writer.run_restored(trial)
    writer.run_restored(confirmation)
    writer.study_ended(summarise([trial], info.objectives, ()), [], StudyEnd.FINISHED)


def test_a_life_that_ends_after_any_request_is_completed_by_the_next(
    sqlite_uri, info, record, on_a_bad_line, another
):
    trial = dataclasses.replace(record(0, RunState.COMPLETE, epochs=2), retried=("it <died>",))
    confirmation = confirmed(0)
    for last in itertools.count():
        life = another(f"{info.name} {last}")
        study = MlflowStore(sqlite_uri).open_study(life)
        client = on_a_bad_line(study)
        client.fault = lambda count, last=last: "lost" if count >= last else ""
        writer = MlflowWriter(study, collect_seconds=0.0)
        whole_study(writer, life, trial, confirmation)
        unsent = writer.close(1, most_seconds=None if writer._failing_since is None else 0.01)
        writer._thread.join(10)
        if unsent == NOTHING:
            break
        again = MlflowWriter(MlflowStore(sqlite_uri).open_study(life), collect_seconds=0.0)
        resumed(again, life, trial, confirmation)
        assert again.close(30) == NOTHING
        check(sqlite_uri, life, [trial], [confirmation])
    assert last > 15


def test_one_lost_answer_to_any_request_is_mended_in_the_same_life(
    sqlite_uri, info, record, on_a_bad_line, another
):
    trial = dataclasses.replace(record(0, RunState.PRUNED, epochs=2), reason="not <good>")
    confirmation = confirmed(0, RunState.FAILED)
    for at in itertools.count():
        life = another(f"{info.name} {at}")
        study = MlflowStore(sqlite_uri).open_study(life)
        client = on_a_bad_line(study)
        client.fault = lambda count, at=at: "unanswered" if count == at else ""
        writer = MlflowWriter(study, collect_seconds=0.0)
        whole_study(writer, life, trial, confirmation)
        assert writer.close(30) == NOTHING
        check(sqlite_uri, life, [trial], [confirmation])
        if len(client.asked) <= at:
            break


def test_restored_trials_that_are_there_cost_no_requests(
    sqlite_uri, info, record, on_a_bad_line, another
):
    counts = []
    for trials in (1, 5):
        life = another(f"{info.name} {trials}")
        records = [record(number, RunState.COMPLETE, epochs=33) for number in range(trials)]
        for _ in range(2):
            study = MlflowStore(sqlite_uri).open_study(life)
            client = on_a_bad_line(study)
            writer = MlflowWriter(study, collect_seconds=0.0)
            for trial in records:
                writer.run_restored(trial)
                writer.run_restored(confirmed(trial.number))
            writer.study_ended(summarise(records, info.objectives, ()), [], StudyEnd.FINISHED)
            assert writer.close(60) == NOTHING
        check(sqlite_uri, life, records, [confirmed(trial.number) for trial in records])
        counts.append(len(client.asked))
    assert counts[0] == counts[1] < 10


def test_a_paused_trial_waits_as_scheduled_and_goes_on_in_its_run(sqlite_uri, info, record):
    trial = record(0, RunState.COMPLETE, epochs=3)
    paused = running(trial, state=RunState.PAUSED, replicates=(trial.epochs[:2],))
    writer = MlflowWriter(MlflowStore(sqlite_uri).open_study(info), collect_seconds=0.0)
    writer.run_started(running(trial))
    for result in paused.epochs:
        writer.epoch_finished(RunKey(0), result)
    writer.run_paused(paused)
    writer.study_ended(None, [], StudyEnd.INTERRUPTED)
    assert writer.close(30) == NOTHING
    parent, (run,) = runs_of(sqlite_uri, info.name)
    assert (parent.info.status, run.info.status) == ("KILLED", "SCHEDULED")
    assert run.data.tags["state"] == "paused"
    assert MlflowStore(sqlite_uri).load_study(info.name).records == (paused,)

    more = dataclasses.replace(info, trials=200)
    writer = MlflowWriter(MlflowStore(sqlite_uri).open_study(more), collect_seconds=0.0)
    writer.run_started(running(trial))
    for result in trial.epochs:
        writer.epoch_finished(RunKey(0), dataclasses.replace(result, train_seconds=99.0))
    writer.run_ended(trial)
    writer.study_ended(summarise([trial], info.objectives, ()), [], StudyEnd.FINISHED)
    assert writer.close(30) == NOTHING
    check(sqlite_uri, more, [trial])


@pytest.mark.parametrize(
    ("end", "status", "state"),
    [
        (StudyEnd.FINISHED, "FAILED", "failed"),
        (StudyEnd.INTERRUPTED, "SCHEDULED", "paused"),
        (StudyEnd.FAILED, "SCHEDULED", "paused"),
    ],
)
def test_no_run_is_left_running(sqlite_uri, info, record, end, status, state):
    writer = MlflowWriter(MlflowStore(sqlite_uri).open_study(info), collect_seconds=0.0)
    writer.run_started(running(record(0, RunState.COMPLETE)))
    assert writer.close(30) == NOTHING  # as a crash leaves it
    writer = MlflowWriter(MlflowStore(sqlite_uri).open_study(info), collect_seconds=0.0)
    writer.study_ended(None, [], end)
    assert writer.close(30) == NOTHING
    _, (run,) = runs_of(sqlite_uri, info.name)
    assert (run.info.status, run.data.tags["state"]) == (status, state)


def test_a_parameter_that_differs_is_reported_and_left_as_it_is(sqlite_uri, info, record):
    store = MlflowStore(sqlite_uri)
    trial = record(0, RunState.COMPLETE, epochs=1)
    other = dataclasses.replace(trial, parameters={**trial.parameters, "mask_count": 999})
    for handed_over in (trial, other):
        writer = MlflowWriter(store.open_study(info), collect_seconds=0.0)
        writer.run_restored(handed_over)
        writer.study_ended(None, [], StudyEnd.FINISHED)
        unsent = writer.close(30)
    assert (unsent.trials, unsent.study) == (1, False)
    assert "mask_count" in unsent.error
    assert "999" in unsent.error
    assert store.load_study(info.name).records == (trial,)


class Driver:
    """Plays lives of a study: what ended is known for good, the rest begins again each time."""

    def __init__(self, chance, trials):
        self._chance = chance
        self._trials = trials
        self.ended = []
        self.confirmed = []

    def live(self, writer, *, to_the_end):
        for trial in self.ended:
            writer.run_restored(trial)
        for run in self.confirmed:
            writer.run_restored(run)
        for trial in self._trials:
            if trial not in self.ended and not self._run(writer, trial, to_the_end):
                return
        for trial in self.ended:
            run = confirmed(trial.number)
            if run not in self.confirmed:
                writer.run_started(
                    dataclasses.replace(run, state=RunState.RUNNING, result=None, ended_ms=None)
                )
                if self._stops(to_the_end):
                    return
                self.confirmed.append(run)
                writer.run_ended(run)

    def _run(self, writer, trial, to_the_end):
        writer.run_started(running(trial))
        for result in trial.epochs:
            if self._stops(to_the_end):
                return False
            # Seconds of a repeated epoch differ.
            seconds = self._chance.random()
            writer.epoch_finished(trial.key, dataclasses.replace(result, val_seconds=seconds))
            if self._chance.random() < 0.3:
                drain(writer, seconds=0.2)
            if self._chance.random() < 0.2:
                writer.run_retried(running(trial, retried=("again",), costs=trial.costs))
        self.ended.append(trial)
        writer.run_ended(trial)
        return not self._stops(to_the_end)

    def _stops(self, to_the_end):
        return not to_the_end and self._chance.random() < 0.15


@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(seed=st.integers(0, 2**32))
def test_after_any_faults_and_restarts_the_tracker_holds_the_records(
    sqlite_uri, record, on_a_bad_line, another, seed
):
    chance = random.Random(seed)
    info = another(f"s{random.SystemRandom().getrandbits(64)}")
    states = (RunState.COMPLETE, RunState.PRUNED, RunState.FAILED)
    driver = Driver(
        chance, [record(n, chance.choice(states), epochs=chance.randint(0, 3)) for n in range(3)]
    )
    for _ in range(chance.randint(0, 3)):
        study = MlflowStore(sqlite_uri).open_study(info)
        dead_from = chance.randint(0, 60)
        on_a_bad_line(study).fault = lambda count, end=dead_from: (
            "lost" if count >= end else chance.choice(["", "", "", "lost", "unanswered"])
        )
        writer = MlflowWriter(study, collect_seconds=0.0)
        driver.live(writer, to_the_end=False)
        writer.close(chance.choice([0.0, 0.05, 0.2]))
        writer._thread.join(10)
    writer = MlflowWriter(MlflowStore(sqlite_uri).open_study(info), collect_seconds=0.0)
    driver.live(writer, to_the_end=True)
    writer.study_ended(summarise(driver.ended, info.objectives, ()), [], StudyEnd.FINISHED)
    assert writer.close(30) == NOTHING
    check(sqlite_uri, info, driver.ended, driver.confirmed)


def test_of_an_epoch_that_comes_twice_the_first_counts(sqlite_uri, info, record, on_a_bad_line):
    trial = record(0, RunState.COMPLETE, epochs=1)
    study = MlflowStore(sqlite_uri).open_study(info)
    client = on_a_bad_line(study)
    writer = MlflowWriter(study, collect_seconds=0.0)
    writer.run_started(running(trial))
    drain(writer)
    client.fault = lambda count: "unanswered" if client.asked.count("log_batch") == 2 else ""
    writer.epoch_finished(RunKey(0), trial.epochs[0])
    drain(writer)
    writer.epoch_finished(RunKey(0), dataclasses.replace(trial.epochs[0], train_seconds=5.0))
    writer.run_ended(trial)
    writer.study_ended(None, [], StudyEnd.FINISHED)
    assert writer.close(30) == NOTHING
    assert client.asked.count("log_batch") == 6  # one is the search's history
    check(sqlite_uri, info, [trial])


def test_a_tracker_that_is_slow_gets_everything_after_the_end(
    sqlite_uri, info, record, on_a_bad_line
):
    study = MlflowStore(sqlite_uri).open_study(info)
    on_a_bad_line(study).seconds = 0.2
    trials = [record(n, RunState.COMPLETE, epochs=1) for n in range(10)]
    writer = MlflowWriter(study, collect_seconds=0.0)
    for trial in trials:
        writer.run_restored(trial)
    writer.study_ended(None, [], StudyEnd.FINISHED)
    began = time.monotonic()
    patience = 5.0
    assert writer.close(patience) == NOTHING
    assert time.monotonic() - began > 10 * 3 * 0.2 > patience
    check(sqlite_uri, info, trials)


def test_a_tracker_that_is_slow_is_left_when_there_is_no_time(
    sqlite_uri, info, record, on_a_bad_line
):
    study = MlflowStore(sqlite_uri).open_study(info)
    on_a_bad_line(study).seconds = 0.1
    writer = MlflowWriter(study, collect_seconds=0.0)
    for number in range(30):
        writer.run_restored(record(number, RunState.COMPLETE, epochs=1))
    began = time.monotonic()
    unsent = writer.close(60, most_seconds=0.5)
    assert time.monotonic() - began < 2
    assert unsent.trials > 0
    writer._thread.join(10)


def test_a_tracker_that_answers_but_never_takes_the_end_holds_nobody_up(sqlite_uri, info):
    study = MlflowStore(sqlite_uri).open_study(info)

    def never(*arguments):
        study.ask()
        raise ConnectionError

    study.finish = never
    writer = MlflowWriter(study, collect_seconds=0.0)
    writer.study_ended(None, [], StudyEnd.FINISHED)
    began = time.monotonic()
    unsent = writer.close(0.5)
    assert time.monotonic() - began < 3
    assert (unsent.trials, unsent.study) == (0, True)


def test_a_server_that_stood_still_gets_everything_once_and_in_order(
    own_server, info, record, monkeypatch
):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    monkeypatch.setattr(mlflow_writer, "_SETTLE_SECONDS", 1.0)
    trials = [record(n, RunState.COMPLETE, epochs=8) for n in range(3)]
    writer = MlflowWriter(MlflowStore(own_server.uri).open_study(info), collect_seconds=0.0)
    for trial in trials:
        writer.run_started(running(trial))
        for result in trial.epochs:
            if (trial.number, result.epoch) == (1, 3):
                os.killpg(own_server._process.pid, signal.SIGSTOP)
            writer.epoch_finished(trial.key, result)
            time.sleep(0.02)
        writer.run_ended(trial)
    time.sleep(3.5)
    os.killpg(own_server._process.pid, signal.SIGCONT)
    writer.study_ended(summarise(trials, info.objectives, ()), [], StudyEnd.FINISHED)
    assert writer.close(30) == NOTHING
    check(own_server.uri, info, trials)
