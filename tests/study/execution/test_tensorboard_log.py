"""TensorBoard's files hold each trial's curve once, whatever broke off, and no test figure."""

import struct
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from tensorboardX.proto.event_pb2 import Event

from pnn_core.config import EPOCH_METRICS, Costs, EpochResult
from study.execution.tensorboard_log import TensorBoardLog
from study.results.run_record import RunKey, RunRecord, RunState

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


def scalars(folder: Path) -> dict[str, dict[int, float]]:
    """Read all files of a trial, as TensorBoard does: length, checksum, event, checksum."""
    found: Counter[tuple[str, int]] = Counter()
    values: dict[str, dict[int, float]] = {}
    for path in folder.glob("events*"):
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


def tell(log: TensorBoardLog, curve: tuple[EpochResult, ...]) -> None:
    for result in curve:
        log.epoch_finished(RunKey(4), result)


def test_the_curve_and_the_final_metrics_are_written_also_after_a_pause(tmp_path: Path) -> None:
    log = TensorBoardLog(tmp_path)
    tell(log, CURVE[:2])
    log.run_paused(replace(record(RunState.PAUSED), replicates=(CURVE[:2],)))
    again = TensorBoardLog(tmp_path)
    tell(again, CURVE)
    again.run_ended(record())
    again.close()
    written = scalars(tmp_path / "trial-0004")
    for name in EPOCH_METRICS:
        expected = {
            r.epoch: getattr(r, name) for r in CURVE if getattr(r, name) == getattr(r, name)
        }
        assert written[name] == pytest.approx(expected)
    assert written["final/val_accuracy"] == {3: 0.75}
    assert written["final/learnable_params"] == {3: 100}


def test_a_trial_of_an_earlier_life_is_written_where_no_log_was_kept(tmp_path: Path) -> None:
    log = TensorBoardLog(tmp_path)
    log.run_restored(record())
    log.close()
    before = scalars(tmp_path / "trial-0004")
    assert before["val_loss"] == pytest.approx({1: 2.0, 2: 1.0, 3: 2 / 3})
    files = [*tmp_path.rglob("events*")]
    TensorBoardLog(tmp_path).run_restored(record())
    assert [*tmp_path.rglob("events*")] == files


def test_runs_that_confirm_are_not_written(tmp_path: Path) -> None:
    log = TensorBoardLog(tmp_path)
    failed = replace(record(RunState.FAILED), key=RunKey(4, "conv1x1", 7), replicates=())
    log.run_restored(failed)
    log.run_ended(failed)
    log.epoch_finished(failed.key, CURVE[0])
    assert [*tmp_path.iterdir()] == []


def test_a_place_that_cannot_be_written_ends_the_log_and_not_the_study(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    log = TensorBoardLog(tmp_path / "file")
    tell(log, CURVE)
    log.run_ended(record())
    log.close()
    assert "file" in log.failure
