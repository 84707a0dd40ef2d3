"""A detector begins with another network's weights, of the same layers, and masks of its own."""

from dataclasses import replace
from pathlib import Path
from urllib.error import URLError

import pytest
import torch
from torch import nn
from torchvision import models

from pnn_core.config import DETECTION, DatasetShape, ModelConfig, StemConfig, TrialConfig
from pnn_core.models.build import build_model
from pnn_core.models.detector import Detector
from pnn_core.models.imagenet_weights import imagenet_refusal, renamed_weights
from pnn_core.models.initial_weights import ImageNetWeights, SavedWeights
from pnn_core.models.saved_network import NetworkCard, encode_network

SHAPE = DatasetShape(channels=3, height=64, width=64, classes=3, task=DETECTION)
PHOTOGRAPHS = DatasetShape(channels=3, height=32, width=32, classes=10)
PLAIN = ModelConfig(dataset=SHAPE, network="resnet8", mask_count=4)
IMAGENET = ModelConfig(
    dataset=SHAPE, network="resnet18", layer="conv3x3", first_layer=StemConfig(stem="conv7x7")
)


def saved(folder: Path, model: ModelConfig) -> Path:
    """Write a network of seed 7 and return its file."""
    card = NetworkCard(
        trial=TrialConfig(model=model, seed=7),
        classes=tuple(map(str, range(model.dataset.classes))),
        mean=(0.5,) * model.dataset.channels,
        std=(0.25,) * model.dataset.channels,
    )
    path = folder / "network.safetensors"
    path.write_bytes(encode_network(build_model(model, 7), card))
    return path


def backbone(network: nn.Module) -> dict[str, torch.Tensor]:
    """Tensors by the names that a classifier has them under."""
    if not isinstance(network, Detector):
        return network.state_dict()
    return {**network.features.state_dict(), **network.regions.box_head.state_dict()}


@pytest.mark.parametrize("dataset", [PHOTOGRAPHS, SHAPE, SHAPE.on_canvas(96)])
@pytest.mark.parametrize("layer", ["perturbation", "conv3x3", "local_binary"])
def test_a_network_of_ones_own_gives_all_but_its_masks_and_heads(
    layer: str, dataset: DatasetShape, tmp_path: Path
) -> None:
    config = replace(PLAIN, layer=layer)
    path = saved(tmp_path, replace(config, dataset=dataset))
    theirs = backbone(build_model(replace(config, dataset=dataset), 7))
    drawn = build_model(config, 0)
    begun = build_model(config, 0, SavedWeights.read(path))
    for name, tensor in backbone(begun).items():
        is_mask = name.endswith("masks")
        expected = backbone(drawn)[name] if is_mask else theirs[name]
        assert torch.equal(tensor, expected), name
    for name, tensor in begun.state_dict().items():
        if name.startswith(("proposals", "regions.box_predictor")):
            assert torch.equal(tensor, drawn.state_dict()[name])
    norms = [m for m in begun.modules() if isinstance(m, nn.BatchNorm2d)]
    assert all(parameter.requires_grad for norm in norms for parameter in norm.parameters())


def test_hidden_layers_of_vgg16_are_taken_where_the_classifier_has_them(tmp_path: Path) -> None:
    large = replace(PHOTOGRAPHS, height=224, width=224)
    config = replace(PLAIN, network="vgg16", layer="conv1x1", mask_count=1)
    path = saved(tmp_path, replace(config, dataset=large))
    theirs = build_model(replace(config, dataset=large), 7)
    begun = build_model(config, 0, SavedWeights.read(path))
    linear, own = (
        [m.weight for m in network.modules() if isinstance(m, nn.Linear)]
        for network in (theirs, begun)
    )
    assert all(map(torch.equal, linear[:2], own[:2]))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"network": "resnet18"}, r"a network of network \(=resnet8\).* here of .*\(=resnet18\)"),
        ({"layer": "conv1x1"}, r"a network of layer \(=perturbation\).*\(=conv1x1\)"),
        ({"mask_count": 8}, r"a network of width \(=4\).*\(=8\)"),
        ({"mask_count": 8, "fan_out": 2}, r"a network of fan_out \(=1\).*\(=2\)"),
        ({"first_layer": StemConfig(stem="conv7x7")}, r"a network of stem \(=conv3x3\)"),
        ({"dataset": replace(SHAPE, channels=1)}, r"\[4, 3, 3, 3\] numbers at stem.0.weight"),
        ({"dataset": PHOTOGRAPHS}, r"task \(=classification\) begins with drawn weights"),
    ],
)
def test_weights_of_another_network_are_refused(changed, said: str, tmp_path: Path) -> None:
    path = saved(tmp_path, PLAIN)
    with pytest.raises(ValueError, match=said):
        build_model(replace(PLAIN, **changed), 0, SavedWeights.read(path))


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="there is no file"):
        SavedWeights.read(tmp_path / "none.safetensors")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"network": "resnet8"}, r"network \(=resnet8\).*: accepted is resnet18, resnet34"),
        ({"layer": "perturbation"}, r"layer \(=perturbation\).*: accepted is conv3x3"),
        ({"mask_count": 32}, r"mask_count \(=32\).*: accepted is 64"),
        ({"first_layer": StemConfig()}, r"stem \(=conv3x3\).*: accepted is conv7x7"),
    ],
)
def test_networks_that_imagenet_has_no_weights_of_are_refused(changed, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        build_model(replace(IMAGENET, **changed), 0, ImageNetWeights())


@pytest.mark.parametrize("network", ["resnet18", "resnet34", "resnet50", "vgg16"])
def test_torchvisions_features_are_ours_under_our_names(network: str) -> None:
    stem = "conv3x3" if network == "vgg16" else "conv7x7"
    config = replace(IMAGENET, network=network, first_layer=StemConfig(stem=stem))
    assert not imagenet_refusal(config)
    library = "vgg16_bn" if network == "vgg16" else network
    with torch.random.fork_rng(devices=[]):
        theirs = (
            models.get_model(library, weights=None, init_weights=False)
            if (network == "vgg16")
            else models.get_model(library, weights=None)
        )
    theirs.eval()
    state = renamed_weights(network, theirs.state_dict())
    built = build_model(config, 0)
    assert isinstance(built, Detector)
    own = backbone(built)
    hidden = {"hidden.0": "hidden.0", "hidden.1": "hidden.3"}
    renamed = {hidden.get(n[:8], n[:8]) + n[8:]: tensor for n, tensor in state.items()}
    assert set(renamed) == set(own)
    for name, tensor in own.items():
        tensor.copy_(renamed[name])
    images = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0)).double()
    children = [*theirs.children()]
    body = children[0][:-1] if network == "vgg16" else nn.Sequential(*children[:-3])
    with torch.no_grad():
        torch.testing.assert_close(built.double().eval().features(images), body.double()(images))


def test_imagenet_freezes_normalisations(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With a file of drawn weights in the place where torch keeps what it has downloaded."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    weights = models.ResNet18_Weights.IMAGENET1K_V1
    (tmp_path / "hub" / "checkpoints").mkdir(parents=True)
    with torch.random.fork_rng(devices=[]):
        drawn = models.resnet18(weights=None)
    torch.save(drawn.state_dict(), tmp_path / "hub" / "checkpoints" / Path(weights.url).name)
    begun = build_model(IMAGENET, 0, ImageNetWeights())
    assert isinstance(begun, Detector)
    assert torch.equal(begun.features.state_dict()["stem.0.weight"], drawn.conv1.weight)
    norms = [m for m in begun.train().modules() if isinstance(m, nn.BatchNorm2d)]
    assert not any(norm.training or norm.weight.requires_grad for norm in norms)


def test_without_a_network_one_sentence_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))

    def fail(*_: object, **__: object) -> None:
        raise URLError("no route to host")

    monkeypatch.setattr("torch.hub.urlopen", fail)
    with pytest.raises(ValueError, match=r"of resnet18 cannot be had here .*: bring https://"):
        build_model(IMAGENET, 0, ImageNetWeights())
