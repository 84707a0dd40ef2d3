"""Hand-made studies with confirmed runs."""

from collections.abc import Callable

import pytest

from pnn_core.config import ConfirmResult, Costs, DatasetShape, ModelConfig, TrialConfig
from study.results.confirmed_run import ConfirmedRun
from study.results.mlflow.loaded_study import LoadedStudy
from study.results.objective import parse_objectives
from study.results.record import TrialRecord, TrialState
from study.results.study_info import StudyInfo

CIFAR = DatasetShape(channels=3, height=32, width=32, classes=10)

MakeRuns = Callable[..., list[ConfirmedRun]]
MakeStudy = Callable[..., LoadedStudy]


@pytest.fixture(scope="session")
def make_runs() -> MakeRuns:
    """One seed for each accuracy, with any setting of the training run changed."""

    def make(
        accuracies: list[float | None],
        *,
        trial: int = 0,
        params: int | None = 1_400_000,
        size_difference: float = 0.0,
        inflation: float = 0.03,
        reason: str = "out of memory",
        device: str = "one GPU",
        **settings: object,
    ) -> list[ConfirmedRun]:
        config = TrialConfig(model=ModelConfig(dataset=CIFAR), epochs=12)
        config = config.with_parameters(settings)
        costs = params and Costs(learnable_params=params, mask_values=1, macs=1)
        return [
            ConfirmedRun(
                trial=trial,
                layer=config.model.layer,
                seed=seed,
                state=TrialState.FAILED if accuracy is None else TrialState.COMPLETE,
                parameters={**config.parameters(), "seed": seed},
                size_difference=size_difference,
                costs=costs or None,
                result=None
                if accuracy is None
                else ConfirmResult(
                    train_loss=0.1,
                    test_accuracy=accuracy,
                    published_test_accuracy=accuracy + inflation,
                    train_seconds=600.0,
                ),
                device=device,
                reason=reason if accuracy is None else "",
            )
            for seed, accuracy in enumerate(accuracies, start=100)
        ]

    return make


@pytest.fixture(scope="session")
def make_study() -> MakeStudy:
    """A study of the given confirmed runs."""

    def make(
        *groups: list[ConfirmedRun],
        name: str = "masks",
        dataset: str = "cifar10",
        **changes: object,
    ) -> LoadedStudy:
        confirmed = [run for group in groups for run in group]
        facts = {
            "space": "controls",
            "seed": 0,
            "trials": 8,
            "epochs": 12,
            "replicates": 2,
            "confirm": 5,
            "sampler": "grid",
            "scheduler": "fifo",
            "objectives": parse_objectives("val_accuracy,learnable_params"),
            "git_commit": "0123abc",
            "versions": {"python": "3.11.7", "torch": "2.14.1"},
        }
        return LoadedStudy(
            info=StudyInfo(name=name, study_id="0" * 32, dataset=dataset, **{**facts, **changes}),
            records=tuple(
                TrialRecord(
                    number=trial, state=TrialState.COMPLETE, parameters={"layer": "perturbation"}
                )
                for trial in sorted({run.trial for run in confirmed})
            ),
            confirmed=tuple(confirmed),
            undecodable=(),
        )

    return make
