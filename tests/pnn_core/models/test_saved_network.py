"""A saved network is the network that was trained, and a file is checked before it is built."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, safe_open, save_file

from pnn_core import load_network
from pnn_core.config import DatasetShape, ModelConfig, TrialConfig
from pnn_core.dataloader.batches import Normalise
from pnn_core.models.build import build_model
from pnn_core.models.saved_network import NetworkCard, NetworkFileError, encode_network
from pnn_core.parts.layers import SPATIAL_LAYERS

SHAPE = DatasetShape(channels=3, height=8, width=8, classes=2)
RNG = np.random.default_rng(0)
IMAGES = torch.from_numpy(RNG.integers(0, 256, (4, 3, 8, 8), dtype=np.uint8))


def card(layer: str = "perturbation") -> NetworkCard:
    model = ModelConfig(dataset=SHAPE, network="resnet8", layer=layer, mask_count=4)
    return NetworkCard(
        trial=TrialConfig(model=model, epochs=3, seed=5),
        classes=("cat", "犬"),
        mean=(0.5, 0.4, 0.3),
        std=(0.2, 0.25, 0.3),
    )


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "network.safetensors"
    path.write_bytes(encode_network(build_model(card().trial.model, 1), card()))
    return path


@pytest.mark.parametrize("layer", list(SPATIAL_LAYERS))
def test_every_layer_comes_back_to_the_last_bit_and_normalises_itself(tmp_path, layer) -> None:
    network = build_model(card(layer).trial.model, 1)
    network.train()(torch.randn(8, 3, 8, 8))  # statistics that are not those of the start
    path = tmp_path / "network.safetensors"
    path.write_bytes(encode_network(network, card(layer)))
    loaded = load_network(path)
    assert loaded.card == card(layer)
    assert loaded.classes == ("cat", "犬")
    normalise = Normalise(card().mean, card().std, torch.device("cpu"))
    trained = network.eval().to(memory_format=torch.channels_last)  # as a trainer has it
    expected = trained(normalise(IMAGES))
    assert torch.equal(loaded(IMAGES), expected)
    torch.testing.assert_close(loaded(IMAGES / 255), expected)
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (card().mean, card().std))
    torch.testing.assert_close(trained((IMAGES / 255 - mean) / std), expected)


def test_images_of_another_shape_are_refused(saved: Path) -> None:
    with pytest.raises(ValueError, match=r"images \(=\[4, 3, 9, 8\]\) must be \[batch, 3, 8, 8\]"):
        load_network(saved)(torch.zeros(4, 3, 9, 8))


def rewrite(path: Path, **changed: str) -> None:
    with safe_open(path, framework="pt") as file:
        metadata = dict(file.metadata())
    save_file(load_file(path), path, {**metadata, **changed})


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"format": "pnn-network/2"}, "format is 'pnn-network/2'"),
        ({"parameters": json.dumps({"mask_count": 8, "network": "resnet8"})}, "its tensor"),
        ({"parameters": json.dumps({"mask_count": 10**15})}, "holds no network"),
        ({"parameters": json.dumps({"mask_count": 10**400})}, "holds no network"),
        ({"parameters": "[" * 100_000}, "holds no network"),
        ({"parameters": json.dumps({"masks": 1})}, "not a parameter"),
        ({"dataset": json.dumps({"channels": 3})}, "holds no network"),
        ({"classes": json.dumps(["cat"])}, r"classes \(=1\) must be as many"),
        ({"std": json.dumps([0, 1, 1])}, "must be above 0"),
        ({"shorter_edge": "7"}, r"shorter_edge \(=7\) must leave room for a crop of 8 x 8"),
        ({"shorter_edge": '"9"'}, "is no whole number"),
    ],
)
def test_a_file_that_describes_another_network_is_refused(saved, changed, said) -> None:
    rewrite(saved, **changed)
    with pytest.raises(NetworkFileError, match=said):
        load_network(saved)


def test_what_is_no_such_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NetworkFileError, match="there is no file"):
        load_network(tmp_path / "none.safetensors")
    other = tmp_path / "other.safetensors"
    other.write_bytes(b"\xff" * 64)
    with pytest.raises(NetworkFileError, match="holds no network"):
        load_network(other)
    torch.save({"weight": torch.zeros(2)}, other)
    with pytest.raises(NetworkFileError, match="holds no network"):
        load_network(other)


def test_files_from_before_photographs_were_described_are_read(saved: Path) -> None:
    with safe_open(saved, framework="pt") as file:
        metadata = {k: v for k, v in file.metadata().items() if k != "shorter_edge"}
    save_file(load_file(saved), saved, metadata)
    assert load_network(saved).card.shorter_edge is None


def test_tied_weights_are_saved_under_each_name(tmp_path: Path) -> None:
    network = build_model(card("conv1x1").trial.model, 1)
    layers = [m for m in network.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    same = next(m for m in layers[1:] if m.num_features == layers[0].num_features)
    same.weight = layers[0].weight
    path = tmp_path / "network.safetensors"
    path.write_bytes(encode_network(network, card("conv1x1")))
    loaded = load_network(path).network.state_dict()
    assert all(torch.equal(loaded[name], v) for name, v in network.state_dict().items())
