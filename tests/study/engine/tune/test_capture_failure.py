"""A recording of steps that fails on a GPU: told, kept in the record, and tried again without."""

from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace

import pytest

from pnn_core.config import COMPILED, TORCH, Costs
from pnn_core.training.cuda_graph import CaptureError
from study.engine.tune.trainable import _report
from study.planning.study_file import read_arithmetic
from study.results.record_codec import record_from_json, record_to_json
from study.results.run_record import RunKey, RunRecord, RunState
from study.search.messages import EpochReport, ProposedRun, RunFailure
from study.search.run_manager import RunManager

KEY = RunKey(3)
COSTS = Costs(learnable_params=1, mask_values=1, macs=1)


class Manager(RunManager):
    """Manager of one run, which keeps nothing."""

    def __init__(self, proposal: ProposedRun) -> None:
        super().__init__(SimpleNamespace(), SimpleNamespace(), ())  # type: ignore[arg-type]
        self.kept: list[RunRecord] = []
        self._line_up(RunRecord(key=KEY, state=RunState.RUNNING, parameters={}), proposal)

    def _keep(self, record: RunRecord) -> None:
        self.kept.append(record)


@pytest.fixture
def manager(small_config) -> Manager:
    return Manager(ProposedRun(key=KEY, config=small_config))


@pytest.fixture
def small_config():
    from pnn_core.config import DatasetShape, ModelConfig, TrialConfig

    shape = DatasetShape(channels=1, height=8, width=8, classes=10)
    return TrialConfig(model=ModelConfig(dataset=shape))


def report(*fallbacks: str, arithmetic: str = "torch") -> EpochReport:
    return EpochReport(
        replicates=(),
        costs=COSTS,
        device="gpu",
        worker="w",
        arithmetic=arithmetic,
        fallbacks=fallbacks,
    )


def test_a_run_whose_worker_is_of_no_more_use_is_tried_again_without_recording(
    manager: Manager,
) -> None:
    (first,) = manager.propose()
    assert first.unrecorded == ""
    failure = _report(CaptureError("cannot capture, and shapes are unusable"), 1)
    assert isinstance(failure, RunFailure)
    assert not failure.would_recur
    manager.attempt_failed(KEY, failure.reason, would_recur=False, unrecorded=failure.unrecorded)
    (again,) = manager.propose()
    assert "cannot capture" in again.unrecorded
    assert replace(again, unrecorded="", attempt=1) == first


def test_any_other_failure_is_tried_again_with_recording(manager: Manager) -> None:
    manager.propose()
    failure = _report(RuntimeError("CUDA error: unspecified launch failure"), 1)
    assert isinstance(failure, RunFailure)
    manager.attempt_failed(KEY, failure.reason, would_recur=False, unrecorded=failure.unrecorded)
    (again,) = manager.propose()
    assert again.unrecorded == ""


@pytest.mark.parametrize(
    ("told", "kept"),
    [([(), ()], ()), ([("a",), ("a", "b")], ("a", "b")), ([("a",), ()], ("a",))],
)
def test_what_fell_back_is_in_the_record_each_once(
    manager: Manager, told: Sequence[tuple[str, ...]], kept: tuple[str, ...]
) -> None:
    manager.propose()
    for fallbacks in told:
        manager.epoch_finished(KEY, report(*fallbacks))
    (record,) = manager.records
    assert record.fallbacks == kept
    document = record_to_json(record)
    assert record_from_json(document) == record
    assert ("fallbacks" in document) == bool(kept)


def test_the_record_of_a_run_that_was_compiled_says_so_whoever_trains_its_rest(
    manager: Manager,
) -> None:
    manager.propose()
    told = []
    for arithmetic in ("torch", COMPILED, "torch"):
        manager.epoch_finished(KEY, report(arithmetic=arithmetic))
        told.append(manager.records[0].arithmetic)
    assert told == ["torch", COMPILED, COMPILED]
    assert record_from_json(record_to_json(manager.records[0])) == manager.records[0]
    assert read_arithmetic(COMPILED) == TORCH  # what a rerun on any device begins with
