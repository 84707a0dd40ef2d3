"""Every kind of storage holds the whole study; a suite that each of them joins."""

import contextlib
import math
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import optuna
import pytest
from optuna.trial import TrialState as OptunaState

from pnn_core.config import ConfirmResult, Costs, EpochResult
from study.config import JOURNAL, StudyConfig
from study.results.run_record import RunKey, RunRecord, RunState
from study.search.database_storage import open_database
from study.search.optuna_storage import (
    STUDY_ID,
    StorageError,
    StudyStorage,
    retried_before,
    started_before,
)
from study.search.trial_manager import TrialManager

RECORD = RunRecord(
    key=RunKey(0),
    state=RunState.COMPLETE,
    parameters={"mask_count": 4, "noise_level": 0.1 + 0.2, "network": "resnet8", "nesterov": True},
    costs=Costs(learnable_params=100, mask_values=10, macs=1000),
    replicates=(
        (
            EpochResult(
                epoch=1,
                train_loss=math.inf,
                val_loss=2 / 3,
                val_accuracy=0.1,
                train_seconds=1e-9,
                val_seconds=0.25,
            ),
        ),
    )
    * 2,
    device="cpu, a µ-architecture",
    worker="a-host:17",
    retried=("the worker process died",),
    started_ms=1,
    ended_ms=2,
)
CONFIRMED = RunRecord(
    key=RunKey(0, "conv3x3", 10_000_000_001),
    state=RunState.COMPLETE,
    parameters={"mask_count": 3},
    size_difference=-0.125,
    result=ConfirmResult(
        train_loss=0.1, test_accuracy=0.9, published_test_accuracy=0.91, train_seconds=2.0
    ),
    retried=("the worker process died with its node",),
)


@pytest.fixture(scope="session")
def sqlite_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"sqlite:///{tmp_path_factory.mktemp('optuna') / 'optuna.db'}"


@pytest.fixture(params=["journal", "sqlite", "postgresql"])
def config(request: pytest.FixtureRequest, make_config) -> StudyConfig:
    """A new study in each kind of storage."""
    if request.param == "journal":
        return make_config()
    # One database holds many studies, as a group's does.
    url = request.getfixturevalue(f"{request.param}_url")
    return make_config(storage=url, name=f"test-{uuid.uuid4().hex}")


def ask(storage: StudyStorage, config: StudyConfig) -> optuna.trial.FrozenTrial:
    return storage.ask(dict(config.space.axes))


def test_everything_is_there_when_the_storage_is_opened_again(config: StudyConfig) -> None:
    storage = StudyStorage(config)
    points = [ask(storage, config).params for _ in range(4)]
    pruned = replace(RECORD, key=RunKey(1), state=RunState.PRUNED, reason="stopped")
    failed = replace(RECORD, key=RunKey(2), state=RunState.FAILED, reason="<b>50% of 'it'</b>")
    for record in (RECORD, pruned, failed):
        storage.keep_record(record)
    storage.tell(0, OptunaState.COMPLETE, (0.1, 100))
    storage.tell(1, OptunaState.PRUNED)
    storage.tell(2, OptunaState.FAIL)
    unfinished = replace(RECORD, key=RunKey(3), retried=("a", "b"), started_ms=7)
    storage.keep_unfinished(unfinished)
    storage.keep_confirmed(CONFIRMED)

    again = StudyStorage(config)
    trials = again.trials()
    assert [trial.params for trial in trials] == points
    assert [trial.state.name for trial in trials] == ["COMPLETE", "PRUNED", "FAIL", "RUNNING"]
    assert trials[0].values == [0.1, 100]
    assert [again.record_of(trial) for trial in trials] == [RECORD, pruned, failed, None]
    assert trials[2].user_attrs["reason"] == failed.reason
    assert retried_before(trials[3]) == ("a", "b")
    assert started_before(trials[3]) == 7
    assert retried_before(trials[0]) == ()
    assert again.confirmed() == (CONFIRMED,)


def test_a_confirmation_run_is_told_from_others_of_its_trial(config: StudyConfig) -> None:
    runs = [
        replace(CONFIRMED, key=RunKey(trial, layer, seed))
        for trial in (0, 10)
        for layer in ("conv3x3", "perturbation")
        for seed in (10_000_000_000, 10_000_000_001)
    ]
    storage = StudyStorage(config)
    for run in runs:
        storage.keep_confirmed(run)
    assert {run.key for run in StudyStorage(config).confirmed()} == {run.key for run in runs}


def test_another_study_of_the_same_name_is_refused(config: StudyConfig) -> None:
    StudyStorage(config)
    with pytest.raises(StorageError, match=f"holds another study named {config.name}"):
        StudyStorage(replace(config, study_id="1" * 32))
    assert StudyStorage(config).trials() == []


def test_what_a_kill_left_of_a_new_study_is_taken_up(config: StudyConfig) -> None:
    storage = StudyStorage(config)
    other = replace(config, name=f"{config.name}-2")
    directions = [objective.direction for objective in config.objectives]
    optuna.create_study(
        study_name=other.name, storage=storage.study._storage, directions=directions
    )
    StudyStorage(other)
    with pytest.raises(StorageError):
        StudyStorage(replace(other, study_id="1" * 32))


def test_a_study_that_something_else_began_is_refused(config: StudyConfig) -> None:
    storage = StudyStorage(config)
    other = replace(config, name=f"{config.name}-2")
    directions = [objective.direction for objective in config.objectives]
    foreign = optuna.create_study(
        study_name=other.name, storage=storage.study._storage, directions=directions
    )
    foreign.ask()
    with pytest.raises(StorageError, match="holds another study"):
        StudyStorage(other)


def test_a_trial_that_something_else_ended_is_reported(config: StudyConfig) -> None:
    storage = StudyStorage(config)
    storage.study.tell(ask(storage, config).number, [0.5, 100])
    with pytest.raises(StorageError, match="trial 0 was ended by something else"):
        TrialManager(config, StudyStorage(config), [])


def test_a_record_that_cannot_be_decoded_is_reported(config: StudyConfig) -> None:
    storage = StudyStorage(config)
    trial = ask(storage, config)
    storage.study._storage.set_trial_user_attr(trial._trial_id, "record", {"number": 0})
    storage.tell(0, OptunaState.FAIL)
    with pytest.raises(StorageError, match="is missing in a document of a RunRecord"):
        TrialManager(config, StudyStorage(config), [])


@pytest.mark.parametrize("kept", [(), ("mask_count",), ("noise_level",)])
def test_a_point_that_was_lost_is_completed_to_the_same(
    config: StudyConfig, make_config, tmp_path, kept: tuple[str, ...]
) -> None:
    (tmp_path / "whole").mkdir()
    whole = StudyStorage(make_config(output=tmp_path / "whole"))
    expected = [ask(whole, config).params for _ in range(2)][1]
    storage = StudyStorage(config)
    ask(storage, config)
    inner, study_id = storage.study._storage, storage.study._study_id
    trial_id = inner.create_new_trial(study_id)
    for name in kept:
        axis = config.space.axes[name]
        inner.set_trial_param(trial_id, name, axis.to_internal_repr(expected[name]), axis)
    again = StudyStorage(config)
    completed = again.complete_point(again.trials()[1], dict(config.space.axes))
    assert completed.params == expected
    assert StudyStorage(config).trials()[1].params == expected


def test_a_storage_that_is_away_is_one_clear_sentence_without_its_password(make_config) -> None:
    pytest.importorskip("psycopg2")
    config = make_config(storage="postgresql+psycopg2://me:s3cret@127.0.0.1:1/optuna")
    with pytest.raises(
        StorageError, match=r"^postgresql\+psycopg2://me:\*\*\*@127.0.0.1:1/optuna: "
    ) as told:
        StudyStorage(config)
    assert "s3cret" not in str(told.value)
    assert "\n" not in str(told.value)


def test_a_study_folder_that_vanished_is_named(make_config, tmp_path) -> None:
    config = make_config(output=tmp_path / "gone")
    with pytest.raises(StorageError, match=f"gone/{JOURNAL}: no such file"):
        StudyStorage(config)


def test_objectives_have_their_names_in_optuna_also_of_studies_that_began_without(
    make_config,
) -> None:
    config = make_config()
    backend = optuna.storages.InMemoryStorage()
    optuna.create_study(
        study_name=config.name, storage=backend, directions=["maximize", "minimize"]
    ).set_user_attr(STUDY_ID, config.study_id)
    for _ in range(2):
        names = StudyStorage(config, backend).study.metric_names
        assert names == ["val_accuracy", "learnable_params"]


def test_studies_that_begin_at_once_in_an_empty_database_make_its_tables_together(
    postgresql_url: str,
) -> None:
    import psycopg2

    begun = 8
    server, _, _ = postgresql_url.rpartition("/")
    connection = psycopg2.connect(postgresql_url.replace("+psycopg2", ""))
    connection.autocommit = True
    with contextlib.closing(connection), connection.cursor() as cursor:
        for number in range(3):
            cursor.execute(f"CREATE DATABASE empty{number}")
            start = threading.Barrier(begun)

            def begin(database: str, start: threading.Barrier) -> int:
                start.wait()
                storage = open_database(f"{server}/{database}")
                found = len(storage.get_all_studies())
                storage.engine.dispose()
                return found

            with ThreadPoolExecutor(begun) as pool:
                opened = [pool.submit(begin, f"empty{number}", start) for _ in range(begun)]
            assert [each.result() for each in opened] == [0] * begun
