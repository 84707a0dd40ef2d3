"""Records and studies to keep."""

from collections.abc import Callable

import pytest

from pnn_core.config import Costs, DatasetShape, EpochResult, ModelConfig, TrialConfig
from study.results.objective import parse_objectives
from study.results.record import TrialRecord, TrialState
from study.results.study_info import StudyInfo


@pytest.fixture
def info(request: pytest.FixtureRequest) -> StudyInfo:
    """A study whose name no other test uses."""
    return StudyInfo(
        name=request.node.name,
        space="noise",
        dataset="digits",
        seed=7,
        trials=24,
        epochs=15,
        replicates=1,
        confirm=0,
        sampler="tpe",
        scheduler="fifo",
        objectives=parse_objectives("val_accuracy,learnable_params"),
        git_commit="0123abc-dirty",
        versions={"python": "3.11.7", "torch": "2.14.1"},
    )


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
def record(epoch: Callable[[int], EpochResult]) -> Callable[..., TrialRecord]:
    """Makes the record of a trial."""

    def make(number: int, state: TrialState, epochs: int = 0, reason: str = "") -> TrialRecord:
        shape = DatasetShape(channels=1, height=8, width=8, classes=10)
        config = TrialConfig(model=ModelConfig(dataset=shape), seed=number)
        running = state is TrialState.RUNNING
        return TrialRecord(
            number=number,
            state=state,
            parameters=config.parameters(),
            costs=None
            if running
            else Costs(learnable_params=10**9 + number, mask_values=0, macs=3),
            replicates=(tuple(epoch(e) for e in range(1, epochs + 1)),) if epochs else (),
            device="Some GPU <b>&amp;</b>",
            reason=reason,
        )

    return make
