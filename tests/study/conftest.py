"""Small studies, and small recorded tables, made up."""

from collections.abc import Callable
from pathlib import Path

import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from pnn_core.config import Costs, DatasetShape, EpochResult
from search_spaces import SearchSpace
from study.config import StudyConfig
from study.recording.table import Configuration, Provenance, RecordedTable
from study.results.objective import parse_objectives
from study.results.settings import MOASHA

MakeConfig = Callable[..., StudyConfig]
DIGITS = DatasetShape(channels=1, height=8, width=8, classes=10)


@pytest.fixture
def make_config(tmp_path: Path) -> MakeConfig:
    """A study of tiny networks on the digits, with any of its settings changed."""

    def make(**changes: object) -> StudyConfig:
        settings: dict = {
            "name": "test",
            "study_id": "0" * 32,
            "space": SearchSpace(
                name="tiny",
                summary="",
                axes={
                    "mask_count": CategoricalDistribution((2, 4)),
                    "noise_level": FloatDistribution(0.01, 5.0, log=True),
                },
                fixed={"network": "resnet8", "batch_size": 200},
                grid={"noise_level": (0.1, 1.0)},
            ),
            "dataset": "digits",
            "shape": DatasetShape(channels=1, height=8, width=8, classes=10),
            "trials": 3,
            "epochs": 2,
            "replicates": 1,
            "confirm": 0,
            "seed": 0,
            "objectives": parse_objectives("val_accuracy,learnable_params"),
            "sampler": "random",
            "output": tmp_path,
            "storage": None,
            "checkpoints": str(tmp_path / "checkpoints"),
            "keep_checkpoints": False,
            "address": None,
        }
        if rungs := changes.pop("rungs", None):
            settings["scheduler"] = MOASHA
            settings["first_rung"] = rungs.first
            settings["reduction_factor"] = rungs.reduction_factor
        return StudyConfig(**{**settings, **changes})

    return make


def curve(epochs: int, final: float, seconds: float = 1.0) -> tuple[EpochResult, ...]:
    """An accuracy that rises evenly to its last value."""
    return tuple(
        EpochResult(
            epoch=epoch,
            train_loss=2.0 - epoch / epochs,
            val_loss=2.5 - epoch / epochs,
            val_accuracy=final * epoch / epochs,
            train_seconds=0.75 * seconds,
            val_seconds=0.25 * seconds,
        )
        for epoch in range(1, epochs + 1)
    )


@pytest.fixture(scope="session")
def small_space() -> SearchSpace:
    """Two layers, one without noise; a continuous axis with three values in its grid."""
    return SearchSpace(
        name="small",
        summary="for tests",
        axes={
            "layer": CategoricalDistribution(("perturbation", "conv3x3")),
            "mask_count": IntDistribution(4, 12, step=4),
            "noise_level": FloatDistribution(0.01, 1.0, log=True),
        },
        fixed={"network": "resnet8", "batch_size": 200},
        grid={"noise_level": (0.01, 0.1, 1.0)},
    )


@pytest.fixture(scope="session")
def make_table(small_space: SearchSpace) -> Callable[..., RecordedTable]:
    """The whole grid of the small space: larger networks are more accurate, slower and larger."""

    def make(*, epochs: int = 4, replicates: int = 2) -> RecordedTable:
        configurations = []
        for number, point in enumerate(small_space.grid_points(DIGITS)):
            first_seed = number * replicates
            trial = small_space.configure(point, dataset=DIGITS, epochs=epochs, seed=first_seed)
            settings = trial.parameters()
            masks = int(settings["mask_count"])
            noise = float(settings.get("noise_level", 0.3))
            accuracy = 0.4 + 0.03 * masks + 0.1 * noise
            configurations.append(
                Configuration(
                    number=number,
                    parameters={n: v for n, v in settings.items() if n not in ("epochs", "seed")},
                    costs=Costs(learnable_params=100 * masks, mask_values=masks, macs=1000 * masks),
                    first_seed=first_seed,
                    curves=tuple(
                        curve(epochs, accuracy + 0.01 * seed, seconds=masks / 4)
                        for seed in range(replicates)
                    ),
                )
            )
        return RecordedTable(
            space=small_space,
            dataset="digits",
            shape=DIGITS,
            epochs=epochs,
            replicates=replicates,
            provenance=Provenance(
                study="made-up",
                command="python -m study.run --space small",
                git_commit="",
                versions={"python": "3.11.2"},
                processor="none",
                recorded=("2026-01-01", "2026-01-02"),
            ),
            configurations=tuple(configurations),
        )

    return make
