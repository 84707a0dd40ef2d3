"""Runs of Weights & Biases say no more than they must, and nobody waits for their server."""

import json
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from wandb.proto.wandb_internal_pb2 import Record

from pnn_core.config import Costs, EpochResult
from study.results.logs.trial_log import LoggedStudy
from study.results.logs.wandb_log import WandbLog
from study.results.logs.wandb_program import ENDED
from study.results.run_record import RunKey, RunRecord, RunState

ReadRecords = Callable[[Path], list[Record]]

RESULT = EpochResult(
    epoch=1,
    train_loss=1.0,
    val_loss=2.0,
    val_accuracy=0.5,
    train_seconds=1.0,
    val_seconds=0.5,
)
STUDY_ID = "ab" * 16


def record(number: int = 4, state: RunState = RunState.COMPLETE) -> RunRecord:
    return RunRecord(
        key=RunKey(number),
        state=state,
        parameters={"mask_count": 8, "network": "resnet8", "grouped": False},
        costs=Costs(learnable_params=100, mask_values=10, macs=1000),
        replicates=((RESULT,),),
    )


def open_log(folder: Path) -> WandbLog:
    return WandbLog(LoggedStudy("mine", STUDY_ID, folder))


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("wandb/*/*.wandb"))


@pytest.fixture
def silent_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have wandb write to a server that accepts and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        accepted: list[socket.socket] = []

        def accept() -> None:
            try:
                while True:
                    accepted.append(server.accept()[0])
            except OSError:
                return

        thread = threading.Thread(target=accept)
        thread.start()
        monkeypatch.setenv("WANDB_MODE", "online")
        monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
        monkeypatch.setenv("WANDB_BASE_URL", f"http://127.0.0.1:{server.getsockname()[1]}")
        yield
        server.shutdown(socket.SHUT_RDWR)
        thread.join()
        for connection in accepted:
            connection.close()


def test_runs_that_train_at_once_are_told_apart_with_settings_group_and_state(
    tmp_path: Path, wandb_records: ReadRecords
) -> None:
    log = open_log(tmp_path)
    states = {1: RunState.COMPLETE, 2: RunState.FAILED}
    for number in states:
        log.run_started(record(number, RunState.RUNNING))
    for number, state in states.items():
        log.epoch_finished(RunKey(number), RESULT)
        log.run_ended(record(number, state))
    log.close(30)
    assert log.failure == ""
    assert len(files(tmp_path)) == 2
    for number, file in zip(states, files(tmp_path), strict=True):
        records = wandb_records(file)
        runs = [read.run for read in records if read.HasField("run")]
        config = {item.key: json.loads(item.value_json) for item in runs[0].config.update}
        assert {name: config[name] for name in record().parameters} == record().parameters
        assert runs[0].run_id == f"{STUDY_ID}-{number:04d}"
        assert (runs[0].project, runs[0].run_group) == ("pnn-study", "mine")
        assert runs[0].display_name == f"trial {number}"
        assert [*runs[-1].tags] == [states[number].value]
        exits = [read.exit.exit_code for read in records if read.HasField("exit")]
        assert exits == [states[number] is RunState.FAILED]
    assert (tmp_path / "wandb" / ENDED).read_text().split() == [
        f"{STUDY_ID}-{number:04d}" for number in states
    ]


def test_variables_of_wandb_win(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wandb_records: ReadRecords
) -> None:
    for name, value in {"PROJECT": "ours", "RUN_GROUP": "june", "TAGS": "a,b"}.items():
        monkeypatch.setenv(f"WANDB_{name}", value)
    monkeypatch.setenv("WANDB_DIR", str(tmp_path / "elsewhere"))
    log = open_log(tmp_path / "log")
    log.run_restored(record())
    log.close(30)
    (file,) = files(tmp_path / "log")
    runs = [read.run for read in wandb_records(file) if read.HasField("run")]
    assert (runs[0].project, runs[0].run_group) == ("ours", "june")
    assert [*runs[-1].tags] == ["a", "b", "complete"]
    assert not (tmp_path / "elsewhere").exists()


def test_nothing_is_written_where_wandb_is_disabled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_MODE", "disabled")
    log = open_log(tmp_path)
    log.run_restored(record())
    log.close(30)
    assert (log.failure, [*tmp_path.iterdir()]) == ("", [])


def test_no_machine_no_path_and_no_package_is_named(
    tmp_path: Path, wandb_records: ReadRecords
) -> None:
    hooks = sys.exit, sys.excepthook, sys.stdout
    log = open_log(tmp_path)
    log.run_restored(record())
    log.close(30)
    assert (sys.exit, sys.excepthook, sys.stdout) == hooks
    (file,) = files(tmp_path)
    kinds = {read.WhichOneof("record_type") for read in wandb_records(file)}
    assert not kinds & {"output", "output_raw", "stats", "files", "artifact"}
    assert [r.run.host for r in wandb_records(file) if r.run.host] == []
    content = file.read_bytes()
    for word in (str(tmp_path), sys.executable, str(Path.cwd()), "numpy"):
        assert word.encode() not in content
    assert [path for path in file.parent.glob("files/**/*") if path.is_file()] == []


def test_a_run_that_was_sent_before_keeps_its_files_as_the_next_life_writes_others(
    tmp_path: Path,
) -> None:
    log = open_log(tmp_path)
    log.run_started(record(state=RunState.RUNNING))
    log.run_paused(record(state=RunState.PAUSED))
    log.close(30)
    (first,) = files(tmp_path)
    first.with_name(f"{first.name}.synced").write_text("")
    again = open_log(tmp_path)
    again.run_started(record(state=RunState.RUNNING))
    again.run_ended(replace(record(), replicates=((RESULT,),)))
    again.close(30)
    assert len(files(tmp_path)) == 2
    assert first in files(tmp_path)


@pytest.mark.usefixtures("silent_server")
def test_a_server_that_never_answers_holds_neither_the_trials_nor_the_end(tmp_path: Path) -> None:
    before = {*psutil.Process().children()}
    log = open_log(tmp_path)
    (process,) = {*psutil.Process().children()} - before
    began = time.monotonic()
    log.run_started(record(state=RunState.RUNNING))
    for epoch in range(1, 1001):
        log.epoch_finished(RunKey(4), replace(RESULT, epoch=epoch))
    log.run_ended(record())
    assert time.monotonic() - began < 1
    while not files(tmp_path):  # until it waits for the server
        assert time.monotonic() - began < 60
        time.sleep(0.05)
    service = process.children()
    closing = time.monotonic()
    log.close(0.5)
    assert 0.5 <= time.monotonic() - closing < 2
    assert log.failure == "it was not done within 0.5 s"
    assert service
    assert psutil.wait_procs([process, *service], timeout=30)[1] == []
    assert not (tmp_path / "wandb" / ENDED).exists()


def test_a_refusal_of_wandb_ends_the_log_with_its_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_PROJECT", "a/b")
    log = open_log(tmp_path)
    log.run_restored(record())
    log.close(30)
    assert "a/b" in log.failure
    assert "\n" not in log.failure
