"""Objectives of one's own: any number, and a sentence for anything else."""

from pathlib import Path

import pytest
import torch

from pnn_core.config import ModelConfig, TrialConfig
from pnn_core.data import TrainingData
from pnn_core.models.build import build_model
from pnn_core.models.saved_network import encode_network
from pnn_core.parts.own_code import Kind, find_code
from pnn_core.training.network_card import network_card
from study.engine.cluster.worker_settings import WorkerSettings
from study.engine.tune.measured_values import measure_network

FILE = """
import numpy as np
def good(network, validation, curve): return np.float32(len(validation) + len(curve))
def tensor(network, validation, curve): return network.factor.sum() * 0 + 2
def classes(network, validation, curve): return len(network.card.classes)
def none(network, validation, curve): return None
def nan(network, validation, curve): return float("nan")
def text(network, validation, curve): return "0.5"
def truth(network, validation, curve): return True
def raising(network, validation, curve): return 1 / 0
"""


def measure(name: str, data: TrainingData, folder: Path) -> float:
    (folder / "mine.py").write_text(FILE)
    code = find_code(Kind.OBJECTIVE, f"{folder / 'mine.py'}:{name}")
    settings = WorkerSettings(
        cpus=1,
        store=None,
        keep_checkpoints=False,
        keep_weights=False,
        stop_key="",
        own=() if "_" in name else (code,),
        measured=(name,),
    )
    trial = TrialConfig(model=ModelConfig(dataset=data.shape, network="resnet8", mask_count=4))
    network = build_model(trial.model, 0)
    card = network_card(trial, data.traits, data.classes, data.train)
    if name == "file_bytes":
        assert measure_network(network, card, data.validation, [], settings) == {
            name: len(encode_network(network, card))
        }
    return measure_network(network, card, data.validation, [], settings)[name]


@pytest.mark.parametrize(("name", "value"), [("good", 287), ("tensor", 2), ("classes", 10)])
def test_any_number_is_a_value(
    name: str, value: float, digits: TrainingData, tmp_path: Path
) -> None:
    assert measure(name, digits, tmp_path) == value


@pytest.mark.parametrize("name", ["latency_ms", "peak_memory_bytes", "file_bytes"])
def test_built_in_measurements_are_positive(
    name: str, digits: TrainingData, tmp_path: Path
) -> None:
    assert measure(name, digits, tmp_path) > 0


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("none", "objective none of mine.py returned None: a finite number is needed"),
        ("nan", "returned nan"),
        ("text", "returned '0.5'"),
        ("truth", "returned True"),
        ("raising", "objective raising of mine.py raised ZeroDivisionError"),
    ],
)
def test_what_is_no_number_is_said_in_one_sentence(
    name: str, said: str, digits: TrainingData, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=said):
        measure(name, digits, tmp_path)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)
