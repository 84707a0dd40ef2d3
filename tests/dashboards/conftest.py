"""Hand-made trials."""

from collections.abc import Callable

import pytest

from pnn_core.config import Costs, DatasetShape, EpochResult, ModelConfig, TrialConfig
from study.results.record import TrialRecord, TrialState

MakeTrial = Callable[..., TrialRecord]

DIGITS = DatasetShape(channels=1, height=8, width=8, classes=10)


@pytest.fixture(scope="session")
def make_trial() -> MakeTrial:
    """A trial of the given accuracy and learnable parameters, with any parameter changed."""

    def make(
        number: int,
        accuracy: float = 0.5,
        params: int = 1000,
        *,
        macs: int = 5000,
        loss: float = 1.0,
        seconds: float = 2.0,
        state: TrialState = TrialState.COMPLETE,
        **parameters: object,
    ) -> TrialRecord:
        settings = TrialConfig(model=ModelConfig(dataset=DIGITS), seed=number).parameters()
        result = EpochResult(
            epoch=1,
            train_loss=1.5,
            val_loss=loss,
            val_accuracy=accuracy,
            train_seconds=seconds,
            val_seconds=0.1,
        )
        return TrialRecord(
            number=number,
            state=state,
            parameters={**settings, **parameters},
            costs=Costs(learnable_params=params, mask_values=64, macs=macs),
            replicates=((result,),),
        )

    return make
