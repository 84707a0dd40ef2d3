"""A clock that goes back, in one life of a study or between two, ends no run before it starts."""

from dataclasses import replace

import pytest

from study.results import timestamps
from study.results.mlflow.background_writer import MlflowWriter, Unsent
from study.results.mlflow.client import MlflowConnection, search_all_runs
from study.results.mlflow.run_content import RunUpdate
from study.results.mlflow.store import MlflowStore
from study.results.run_record import RunState
from study.results.study_info import StudyEnd

NOTHING = Unsent(trials=0, confirmed=0, study=False, error="")
HOUR_MS = 3_600_000


def set_clock(monkeypatch: pytest.MonkeyPatch, now_ms: int) -> None:
    class Clock:
        def now_ms(self) -> int:
            return now_ms

    monkeypatch.setattr(timestamps, "_CLOCK", Clock())


def times(uri, name):
    with MlflowConnection(uri).call() as client:
        experiment = client.get_experiment_by_name(name)
        runs = search_all_runs(client, experiment.experiment_id)
    return [(run.info.start_time, run.info.end_time) for run in runs]


def test_no_run_ends_before_it_starts_in_mlflow(
    sqlite_uri, info, record, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended, left = record(0, RunState.COMPLETE, epochs=1), record(1, RunState.RUNNING)
    set_clock(monkeypatch, ended.started_ms)
    writer = MlflowWriter(MlflowStore(sqlite_uri).open_study(info), collect_seconds=0.0)
    writer.run_started(replace(ended, state=RunState.RUNNING, ended_ms=None, costs=None))
    writer.run_started(left)
    assert writer.close(30) == NOTHING
    set_clock(monkeypatch, ended.started_ms - HOUR_MS)
    writer = MlflowWriter(MlflowStore(sqlite_uri).open_study(info), collect_seconds=0.0)
    writer.run_ended(replace(ended, ended_ms=ended.started_ms - HOUR_MS))
    writer.study_ended(None, [], StudyEnd.FINISHED)
    assert writer.close(30) == NOTHING
    spans = times(sqlite_uri, info.name)
    assert len(spans) == 3
    assert all(start <= end for start, end in spans)
    records = MlflowStore(sqlite_uri).load_study(info.name).records
    assert [run.ended_ms for run in records] == [run.started_ms for run in records]


def test_a_page_follows_trials_that_started_before_those_that_it_has_read(
    sqlite_uri, info, record, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = MlflowStore(sqlite_uri)
    study = store.open_study(info)
    study.open()
    first, second = (record(number, RunState.RUNNING) for number in range(2))
    write(study, first)
    feed = store.follow_study(info.name)
    set_clock(monkeypatch, first.started_ms - HOUR_MS)
    assert len(feed.read().study.records) == 1
    write(study, replace(second, started_ms=first.started_ms - HOUR_MS))
    assert len(feed.read().study.records) == 2


def write(study, record):
    study.write_run(
        RunUpdate(
            key=record.key, record=record, epochs=(), started_ms=record.started_ms, ended_ms=None
        )
    )
