"""Every log holds each trial's curve once, whatever broke off, and no test figure."""

import json
import struct
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tensorboardX.proto.event_pb2 import Event
from wandb.proto.wandb_internal_pb2 import Record

from pnn_core.config import EPOCH_METRICS, Costs, EpochResult
from study.results.logs.logs import LOGS
from study.results.logs.trial_log import LoggedStudy, TrialLog
from study.results.run_record import RunKey, RunRecord, RunState
from study.results.setting_readers import TENSORBOARD, WANDB

Written = dict[str, dict[int, float]]
OpenLog = Callable[[Path], TrialLog]
Read = Callable[[Path], Written]

CURVE = tuple(
    EpochResult(
        epoch=epoch,
        train_loss=1 / epoch,
        val_loss=2 / epoch,
        val_accuracy=0.25 * epoch,
        train_seconds=1.0,
        val_seconds=float("nan") if epoch == 1 else 0.5,
    )
    for epoch in (1, 2, 3)
)


def record(state: RunState = RunState.COMPLETE) -> RunRecord:
    return RunRecord(
        key=RunKey(4),
        state=state,
        parameters={"mask_count": 8, "network": "resnet8", "grouped": False},
        costs=Costs(learnable_params=100, mask_values=10, macs=1000),
        replicates=(CURVE,),
    )


def read_tensorboard(folder: Path) -> Written:
    """Read the files of trial 4, as TensorBoard does: length, checksum, event, checksum."""
    found: Counter[tuple[str, int]] = Counter()
    values: Written = {}
    for path in folder.glob("trial-0004/events*"):
        content = path.read_bytes()
        while content:
            (length,) = struct.unpack("<Q", content[:8])
            event = Event.FromString(content[12 : 12 + length])
            content = content[16 + length :]
            for value in event.summary.value:
                if value.WhichOneof("value") == "simple_value":
                    found[value.tag, event.step] += 1
                    values.setdefault(value.tag, {})[event.step] = value.simple_value
    assert set(found.values()) <= {1}
    return values


def read_wandb(folder: Path, records: Callable[[Path], list[Record]]) -> Written:
    """Read the one run of trial 4: its history, and its summary as final metrics."""
    values: Written = {}
    final: dict[str, float] = {}
    for file in folder.glob("wandb/*/run-*-0004.wandb"):
        for read in records(file):
            for item in read.history.item:
                name = item.key or item.nested_key[0]
                epoch = read.history.step.num
                assert epoch not in values.get(name, {})
                values.setdefault(name, {})[epoch] = json.loads(item.value_json)
            final |= {
                item.key or item.nested_key[0]: json.loads(item.value_json)
                for item in read.summary.update
            }
    steps = len(values.get("val_loss", ()))
    return values | {f"final/{name}": {steps: value} for name, value in final.items()}


@pytest.fixture(params=LOGS)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def open_log(name: str) -> OpenLog:
    return lambda folder: LOGS[name](LoggedStudy("mine", "ab" * 16, folder))


@pytest.fixture
def read(name: str, wandb_records: Callable[[Path], list[Record]]) -> Read:
    readers = {
        TENSORBOARD: read_tensorboard,
        WANDB: lambda folder: read_wandb(folder, wandb_records),
    }
    return readers[name]


def tell(log: TrialLog, curve: tuple[EpochResult, ...]) -> None:
    log.run_started(replace(record(RunState.RUNNING), replicates=()))
    for result in curve:
        log.epoch_finished(RunKey(4), result)


def test_the_curve_and_the_final_metrics_are_written_also_after_a_pause(
    tmp_path: Path, open_log: OpenLog, read: Read
) -> None:
    log = open_log(tmp_path)
    tell(log, CURVE[:2])
    log.run_paused(replace(record(RunState.PAUSED), replicates=(CURVE[:2],)))
    log.close(30)
    assert set(read(tmp_path)["val_loss"]) == {1, 2}
    again = open_log(tmp_path)
    tell(again, CURVE)
    again.run_ended(record())
    again.close(30)
    assert (log.failure, again.failure) == ("", "")
    written = read(tmp_path)
    for metric in EPOCH_METRICS:
        values = {result.epoch: getattr(result, metric) for result in CURVE}
        expected = {epoch: value for epoch, value in values.items() if value == value}
        assert written.get(metric, {}) == pytest.approx(expected)
    assert written["final/val_accuracy"] == {3: 0.75}
    assert written["final/learnable_params"] == {3: 100}


def test_a_trial_of_an_earlier_life_is_written_where_no_log_was_kept(
    tmp_path: Path, open_log: OpenLog, read: Read
) -> None:
    log = open_log(tmp_path)
    log.run_restored(record())
    log.close(30)
    assert read(tmp_path)["val_loss"] == pytest.approx({1: 2.0, 2: 1.0, 3: 2 / 3})
    files = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    again = open_log(tmp_path)
    again.run_restored(record())
    again.close(30)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == files


def test_runs_that_confirm_are_not_written(tmp_path: Path, open_log: OpenLog) -> None:
    log = open_log(tmp_path)
    failed = replace(record(RunState.FAILED), key=RunKey(4, "conv1x1", 7), replicates=())
    log.run_restored(failed)
    log.run_started(failed)
    log.epoch_finished(failed.key, CURVE[0])
    log.run_paused(failed)
    log.run_ended(failed)
    log.close(30)
    assert [*tmp_path.iterdir()] == []


def test_a_place_that_cannot_be_written_ends_the_log_and_not_the_study(
    tmp_path: Path, open_log: OpenLog
) -> None:
    (tmp_path / "file").write_text("")
    log = open_log(tmp_path / "file")
    tell(log, CURVE)
    log.run_ended(record())
    log.close(30)
    assert "file" in log.failure
