"""Following a study: whatever happens to it shows, and what has not changed is not read again."""

import dataclasses

import pytest

from study.results.mlflow.client import MlflowConnection
from study.results.mlflow.errors import TrackerUnreachableError
from study.results.mlflow.run_content import RunUpdate
from study.results.mlflow.store import MlflowStore
from study.results.mlflow.study_names import UnknownStudyError
from study.results.run_record import RunKey, RunState
from study.results.study_info import StudyEnd, summarise

MS = 1_700_000_000_000


def running(record, epochs):
    """A trial that has told of so many epochs."""
    unended = dataclasses.replace(
        record, state=RunState.RUNNING, replicates=(), costs=None, ended_ms=None
    )
    stamped = tuple((result, record.started_ms + result.epoch) for result in record.epochs[:epochs])
    return RunUpdate(
        key=record.key,
        record=unended,
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


@pytest.fixture
def study(sqlite_uri, info):
    study = MlflowStore(sqlite_uri).open_study(info)
    study.open()
    return study


@pytest.fixture
def feed(sqlite_uri, study, info):
    return MlflowStore(sqlite_uri).follow_study(info.name)


@pytest.fixture
def asked(feed):
    """Names of the requests that the feed makes."""
    client = feed._connection._client
    names = []

    class Counting:
        def __getattr__(self, name):
            names.append(name)
            return getattr(client, name)

    feed._connection._client = Counting()
    return names


def test_a_trial_is_followed_from_its_start_to_its_end(feed, study, record):
    trial = record(0, RunState.COMPLETE, epochs=3)
    assert feed.read().study.records == ()
    for epochs in (0, 1, 3):
        study.write_run(running(trial, epochs))
        (seen,) = feed.read().study.records
        assert (seen.state, seen.epochs) == (RunState.RUNNING, trial.epochs[:epochs])
    study.write_run(ended(trial))
    assert feed.read().study.records == (trial,)


def test_without_news_the_same_object_comes_back(feed, study, record, asked):
    for number in range(3):
        study.write_run(ended(record(number, RunState.COMPLETE, epochs=2)))
    study.write_run(running(record(3, RunState.COMPLETE, epochs=2), 1))
    first = feed.read()
    asked.clear()
    assert feed.read() is first
    # The study's own run, runs that began lately; the series of the running trial are not read.
    assert asked == ["get_run", "search_runs"]


def test_trials_that_ended_long_ago_are_not_read_again(feed, study, record):
    old = [record(number, RunState.COMPLETE, epochs=2) for number in range(3)]
    for trial in old:
        study.write_run(ended(trial))
    feed.read()
    late = record(3, RunState.COMPLETE, epochs=2)
    late = dataclasses.replace(
        late, started_ms=late.started_ms + 10**7, ended_ms=late.started_ms + 10**7 + 5
    )
    study.write_run(ended(late))
    first = feed.read().study.records
    study.write_run(ended(dataclasses.replace(late, key=RunKey(4))))
    records = feed.read().study.records
    assert [r.number for r in records] == [0, 1, 2, 3, 4]
    assert all(now is before for now, before in zip(records[:3], first[:3], strict=True))


def test_a_trial_that_began_long_ago_is_seen_to_end(feed, study, record):
    early = record(0, RunState.FAILED, epochs=1)
    study.write_run(running(early, 1))
    late = record(1, RunState.COMPLETE, epochs=2)
    study.write_run(ended(dataclasses.replace(late, started_ms=MS + 10**8, ended_ms=MS + 10**9)))
    feed.read()
    study.write_run(ended(early))
    assert feed.read().study.records[0].state is RunState.FAILED


def test_the_end_of_a_study_and_its_extension_show(feed, study, record, sqlite_uri, info):
    trial = record(0, RunState.COMPLETE, epochs=2)
    study.write_run(ended(trial))
    assert feed.read().is_running
    study.finish(summarise([trial], info.objectives, ()), [], StudyEnd.FINISHED, MS)
    assert not feed.read().is_running
    MlflowStore(sqlite_uri).open_study(dataclasses.replace(info, trials=99)).open()
    extended = feed.read()
    assert (extended.is_running, extended.study.info.trials) == (True, 99)


def test_older_trials_that_a_resumption_adds_later_are_found(feed, study, record):
    newest = record(2, RunState.COMPLETE, epochs=1)
    far = dataclasses.replace(newest, started_ms=MS + 10**9, ended_ms=MS + 2 * 10**9)
    study.write_run(ended(far))
    feed.read()
    for number in (0, 1):
        study.write_run(ended(record(number, RunState.COMPLETE, epochs=1)))
    study.write_run(ended(dataclasses.replace(far, key=RunKey(4))))
    assert [r.number for r in feed.read().study.records] == [0, 1, 2, 4]


def test_it_tells_where_the_tracker_keeps_each_trial(feed, study, record, info, sqlite_uri):
    study.write_run(ended(record(0, RunState.COMPLETE, epochs=1)))
    followed = feed.read()
    with MlflowConnection(sqlite_uri).call() as client:
        run = client.get_run(followed.run_ids[0])
    assert run.info.run_name == "trial-0000"
    assert run.info.experiment_id == followed.experiment_id


def test_a_whole_reading_tells_how_far_it_is(sqlite_uri, study, record, info, monkeypatch):
    from study.results.mlflow import client as connection

    monkeypatch.setattr(connection, "_RUNS_PER_PAGE", 2)
    for number in range(4):
        study.write_run(ended(record(number, RunState.COMPLETE)))
    told = []
    MlflowStore(sqlite_uri).follow_study(info.name, told.append).read()
    assert told == [2, 4, 5]


def test_a_study_that_does_not_exist_or_was_deleted_is_unknown(sqlite_uri, feed, info):
    with pytest.raises(UnknownStudyError, match=f"did you mean '{info.name}'"):
        MlflowStore(sqlite_uri).follow_study(info.name + "x").read()
    with MlflowConnection(sqlite_uri).call() as client:
        client.delete_experiment(client.get_experiment_by_name(info.name).experiment_id)
    with pytest.raises(UnknownStudyError):
        feed.read()


def test_a_tracker_that_fails_leaves_what_was_read(feed, study, record, monkeypatch):
    study.write_run(ended(record(0, RunState.COMPLETE, epochs=1)))
    first = feed.read()
    with monkeypatch.context() as away:
        client = feed._connection._client
        away.setattr(client, "get_run", lambda run_id: (_ for _ in ()).throw(OSError("gone")))
        with pytest.raises(TrackerUnreachableError, match="gone"):
            feed.read()
    assert feed.read() is first


def test_news_that_a_failure_interrupted_shows_at_the_next_reading(
    feed, study, record, monkeypatch
):
    running_trial = record(1, RunState.COMPLETE, epochs=2)
    study.write_run(running(running_trial, 1))
    feed.read()
    study.write_run(ended(record(0, RunState.COMPLETE, epochs=1)))
    study.write_run(running(running_trial, 2))
    with monkeypatch.context() as away:
        client = feed._connection._client
        away.setattr(
            client, "get_metric_history", lambda *run: (_ for _ in ()).throw(OSError("gone"))
        )
        with pytest.raises(TrackerUnreachableError, match="gone"):
            feed.read()
    assert [len(r.epochs) for r in feed.read().study.records] == [1, 2]
