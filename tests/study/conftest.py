"""Small studies."""

from collections.abc import Callable
from pathlib import Path

import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution

from pnn_core.config import DatasetShape
from search_spaces import SearchSpace
from study.config import Resources, StudyConfig
from study.results.objective import parse_objectives

MakeConfig = Callable[..., StudyConfig]


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
            "resources": Resources(),
        }
        return StudyConfig(**{**settings, **changes})

    return make
