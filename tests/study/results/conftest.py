"""Records and studies to keep."""

import hashlib
import threading
import time
from collections.abc import Callable
from dataclasses import replace

import pytest
import requests

from pnn_core.config import (
    ConfirmResult,
    Costs,
    DatasetShape,
    EpochResult,
    ModelConfig,
    TrialConfig,
)
from study.results.early_stop import EarlyStop, StopCause
from study.results.mlflow.loaded_study import LoadedStudy
from study.results.mlflow.study_writer import MlflowStudy
from study.results.run_record import RunKey, RunRecord, RunState
from study.results.study_info import StudyInfo
from study.results.tuning_point import TuningPoint, best_point

STARTED_MS = 1_700_000_000_000


@pytest.fixture
def another(info: StudyInfo) -> Callable[..., StudyInfo]:
    """Makes another study, with an identifier of its own."""

    def make(name: str, **changes: object) -> StudyInfo:
        study_id = hashlib.md5(name.encode()).hexdigest()
        return replace(info, name=name, study_id=study_id, **changes)

    return make


@pytest.fixture
def runs() -> Callable[..., list[RunRecord]]:
    """Makes a confirmed run for each accuracy; None has failed, and ... has not ended."""

    def make(layer, accuracies, *, trial=7, params=360_000, level=0.1, first_seed=0, **settings):
        made = []
        for seed, accuracy in enumerate(accuracies, start=first_seed):
            state = {None: RunState.FAILED, ...: RunState.RUNNING}.get(accuracy, RunState.COMPLETE)
            result = (
                ConfirmResult(
                    train_loss=0.1,
                    test_accuracy=accuracy,
                    published_test_accuracy=accuracy + 0.02,
                    train_seconds=1.0,
                )
                if state is RunState.COMPLETE
                else None
            )
            made.append(
                RunRecord(
                    key=RunKey(trial, layer, seed),
                    state=state,
                    parameters={"layer": layer, "noise_level": level, "seed": seed, **settings},
                    size_difference=params / 360_000 - 1,
                    costs=Costs(learnable_params=params, mask_values=1, macs=1),
                    result=result,
                    reason="out of memory" if accuracy is None else "",
                )
            )
        return made

    return make


@pytest.fixture
def tuned() -> Callable[..., list[RunRecord]]:
    """Gives confirmed runs the learning rate of a grid that was best on validation images."""

    def tune(runs, **accuracies):
        points = tuple(
            TuningPoint(
                settings={"learning_rate": float(f"0.{rate[1:]}")},
                seeds=2,
                val_accuracy=accuracy,
                val_loss=1.0,
            )
            for rate, accuracy in accuracies.items()
        )
        best = best_point(points)
        own = {"learning_rate": 0.01} if best is None else best.settings
        return [replace(run, tuning=points, parameters={**run.parameters, **own}) for run in runs]

    return tune


@pytest.fixture
def confirmed(info: StudyInfo) -> Callable[..., LoadedStudy]:
    """Makes a study of confirmed runs, whose trials have the given layer."""

    def make(*groups, layer="perturbation", **changes):
        found = tuple(run for group in groups for run in group)
        records = tuple(
            RunRecord(key=RunKey(trial), state=RunState.COMPLETE, parameters={"layer": layer})
            for trial in sorted({run.trial for run in found})
        )
        return LoadedStudy(
            info=replace(info, confirm=5, **changes),
            records=records,
            confirmed=found,
            undecodable=(),
        )

    return make


@pytest.fixture
def epoch() -> Callable[[int], EpochResult]:
    """Makes the result of one epoch, with numbers that decimals cannot hold."""

    def make(number: int) -> EpochResult:
        return EpochResult(
            epoch=number,
            train_loss=1 / 3 / number,
            val_loss=2 / 7 / number,
            val_accuracy=1 - 1 / 11 / number,
            train_seconds=0.1 + number / 13,
            val_seconds=0.01 + number / 17,
        )

    return make


@pytest.fixture
def record(epoch: Callable[[int], EpochResult]) -> Callable[..., RunRecord]:
    """Makes the record of a trial."""

    def make(
        number: int,
        state: RunState,
        epochs: int = 0,
        reason: str = "",
        stop: EarlyStop | None = None,
    ) -> RunRecord:
        shape = DatasetShape(channels=1, height=8, width=8, classes=10)
        config = TrialConfig(model=ModelConfig(dataset=shape), seed=number)
        return RunRecord(
            key=RunKey(number),
            state=state,
            parameters=config.parameters(),
            costs=None
            if not state.is_final
            else Costs(learnable_params=10**9 + number, mask_values=0, macs=3),
            replicates=(tuple(epoch(e) for e in range(1, epochs + 1)),) if epochs else (),
            device="Some GPU <b>&amp;</b>",
            worker="node-<b>:4711",
            reason=reason,
            stop=stop,
            started_ms=STARTED_MS + number,
            ended_ms=STARTED_MS + 100_000 + number if state.is_final else None,
        )

    return make


@pytest.fixture(scope="session")
def stopped_at() -> Callable[[int], EarlyStop]:
    """Makes the early stop of a trial after an epoch."""

    def make(epoch: int) -> EarlyStop:
        return EarlyStop(epoch=epoch, cause=StopCause.RANK, rank=3, of=4, admitted=1)

    return make


class FaultyClient:
    """An MLflow client on a bad line.

    Attributes:
        asked: Names of the requests so far, also of those that failed.
        fault: Given the number of a request, counted from 0: `lost` (never carried out),
            `unanswered` (carried out), or empty.
        seconds: How long each request takes.
    """

    def __init__(self, client: object) -> None:
        self._client = client
        self._lock = threading.Lock()
        self.asked: list[str] = []
        self.fault: Callable[[int], str] = lambda count: ""
        self.seconds = 0.0

    def __getattr__(self, name: str) -> Callable[..., object]:
        method = getattr(self._client, name)

        def call(*arguments: object, **named: object) -> object:
            with self._lock:
                fault = self.fault(len(self.asked))
                self.asked.append(name)
            time.sleep(self.seconds)
            if fault == "lost":
                raise requests.ConnectionError("lost")
            result = method(*arguments, **named)
            if fault:
                raise requests.ConnectionError("no answer")
            return result

        return call


@pytest.fixture
def on_a_bad_line() -> Callable[[MlflowStudy], FaultyClient]:
    """Gives a study that is not opened yet a client whose faults can be chosen."""

    def replace_client(study: MlflowStudy) -> FaultyClient:
        connection = study._connection
        faulty = FaultyClient(connection._client)
        connection._client = faulty
        return faulty

    return replace_client
