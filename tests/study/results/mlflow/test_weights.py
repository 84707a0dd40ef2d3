"""Weights are artifacts of their run, sent once, and fetched by whoever has the tracker alone."""

from pathlib import Path

import pytest

from study.results.mlflow.background_writer import MlflowWriter
from study.results.mlflow.client import MlflowConnection
from study.results.mlflow.store import MlflowStore
from study.results.mlflow.weights import fetched_file
from study.results.run_record import RunKey, RunState
from study.results.weight_files import (
    artifact_folder,
    detections_file,
    precision_recall_file,
    weight_file,
)

TRIAL = RunKey(0)
FILE = weight_file(TRIAL, 5)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, ...]:
    path = tmp_path / FILE
    path.write_bytes(b"weights")
    return (path,)


def read(uri: str, name: str, key: RunKey = TRIAL, seed: int = 5) -> bytes | None:
    with fetched_file(MlflowConnection(uri), name, key, weight_file(key, seed)) as path:
        return None if path is None else path.read_bytes()


def test_what_was_written_is_fetched_and_what_was_not_is_not(
    uri, info, record, files, capfd
) -> None:
    done = record(0, RunState.COMPLETE, epochs=15)
    writer = MlflowWriter(MlflowStore(uri).open_study(info), collect_seconds=0.01)
    writer.run_ended(done)
    writer.keep_weights(done.key, files)
    assert writer.close(60).error == ""
    assert read(uri, info.name) == b"weights"
    assert read(uri, info.name, seed=6) is None
    assert read(uri, info.name, RunKey(0, "conv3x3", 5)) is None
    assert read(uri, info.name, RunKey(1)) is None
    assert capfd.readouterr() == ("", "")  # MLflow shows bars where nobody asked for one


def test_sending_again_brings_what_is_missing_or_torn_and_nothing_else(
    uri, info, record, files
) -> None:
    done = record(0, RunState.COMPLETE, epochs=15)

    def send() -> None:
        writer = MlflowWriter(MlflowStore(uri).open_study(info), collect_seconds=0.01)
        writer.run_restored(done)
        writer.keep_weights(done.key, files)
        assert writer.close(60).error == ""

    send()
    same_size = b"x" * len(b"weights")
    files[0].write_bytes(same_size)
    send()
    assert read(uri, info.name) == b"weights"  # it was there in whole
    files[0].write_bytes(b"longer than before")
    send()
    assert read(uri, info.name) == b"longer than before"


def test_files_that_are_away_are_told_of_and_sent_once_they_are_back(
    uri, info, record, files
) -> None:
    done = record(0, RunState.COMPLETE, epochs=15)
    away = files[0].rename(files[0].with_name("moved"))
    writer = MlflowWriter(MlflowStore(uri).open_study(info), collect_seconds=0.01)
    writer.run_ended(done)
    writer.keep_weights(done.key, files)
    unsent = writer.close(1)
    assert (unsent.trials, unsent.error) == (1, f"{files[0]} is not there")
    away.rename(files[0])
    writer = MlflowWriter(MlflowStore(uri).open_study(info), collect_seconds=0.01)
    writer.run_restored(done)
    writer.keep_weights(done.key, files)
    assert writer.close(60).error == ""
    assert read(uri, info.name) == b"weights"


def test_pictures_lie_in_a_folder_of_their_own_and_are_fetched(uri, info, record, files) -> None:
    picture = files[0].with_name(detections_file(TRIAL))
    picture.write_bytes(b"picture")
    store = MlflowStore(uri)
    writer = MlflowWriter(store.open_study(info), collect_seconds=0.01)
    writer.run_ended(record(0, RunState.COMPLETE, epochs=15))
    writer.keep_weights(TRIAL, (*files, picture))
    assert writer.close(60).error == ""
    assert store.fetch_file(info.name, TRIAL, detections_file(TRIAL)) == b"picture"
    assert store.fetch_file(info.name, TRIAL, precision_recall_file(TRIAL)) is None
    assert read(uri, info.name) == b"weights"
    assert artifact_folder(picture.name) != artifact_folder(FILE)
