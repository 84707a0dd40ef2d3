"""Networks of other people are built by name or by a file, and turned, in a study as by hand."""

from collections.abc import Callable
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest
import torch
import torchvision
from torch import nn

from pnn_core import load_network
from pnn_core.architecture import control, width_for
from pnn_core.config import DatasetShape, ModelConfig, TrialConfig
from pnn_core.models.build import build_model
from pnn_core.models.costs import count_activations, count_costs
from pnn_core.models.library_networks import build_library_network
from pnn_core.models.own_network import require_convertible
from pnn_core.models.saved_network import NetworkCard, NetworkFileError, encode_network
from pnn_core.parts import network_libraries
from pnn_core.parts.networks import NETWORKS
from pnn_core.parts.networks.converted import ConvertedNetwork
from pnn_core.parts.own_code import Kind, find_code
from pnn_core.parts.own_parts import add_part
from pnn_core.rng.seeds import Seeds

GREY = DatasetShape(channels=1, height=8, width=8, classes=10)
COLOUR = DatasetShape(channels=3, height=32, width=32, classes=7)
SHUFFLE = "torchvision:shufflenet_v2_x0_5"
SQUEEZE = "torchvision:squeezenet1_1"
EXAMPLE = Path(__file__).parents[3] / "examples" / "own_network.py"


def model(network: str, dataset: DatasetShape = COLOUR, **settings) -> ModelConfig:
    trial = TrialConfig(model=ModelConfig(dataset=dataset))
    return trial.with_parameters({"network": network, **settings}).model


@pytest.fixture
def own() -> str:
    """Name of the example's network, which this process knows."""
    code = find_code(Kind.NETWORK, str(EXAMPLE))
    add_part(code)
    return code.name


def test_with_its_own_convolutions_it_is_the_librarys_network_to_the_bit() -> None:
    seeds = Seeds.same(3)
    ours = build_model(model(SQUEEZE, layer="conv3x3"), seeds).state_dict()
    with torch.random.fork_rng():
        torch.manual_seed(seeds.generator_seed("initialisation"))
        theirs = torchvision.models.squeezenet1_1(num_classes=7).state_dict()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


@pytest.mark.parametrize("network", [SHUFFLE, "own_network.py"])
def test_each_seed_decides_its_own_share_of_the_network(network: str, own: str) -> None:
    config = model(network, GREY, noise_level=0.5, fan_out=2)

    def tensors(initialisation: int, masks: int) -> dict[str, torch.Tensor]:
        seeds = Seeds(initialisation=initialisation, masks=masks, data_order=0)
        return build_model(config, seeds).state_dict()

    random_state = torch.get_rng_state()
    first, other_masks, other_weights = tensors(0, 0), tensors(0, 1), tensors(1, 0)
    assert torch.equal(torch.get_rng_state(), random_state)
    masks = {name for name in first if name.endswith(".masks")}
    assert masks
    for name, tensor in first.items():
        assert torch.equal(tensor, other_masks[name]) == (name not in masks)
        if name in masks:
            assert torch.equal(tensor, other_weights[name])


@pytest.mark.parametrize("network", [SHUFFLE, SQUEEZE, "own_network.py"])
@pytest.mark.parametrize("layer", ["perturbation", "conv1x1", "conv3x3"])
def test_costs_are_those_of_the_network_that_is_built(network: str, layer: str, own: str) -> None:
    config = model(network, layer=layer, mask_count=6, fan_out=3 if layer[0] == "p" else 1)
    built = build_model(config, 0).eval()
    costs = count_costs(config)
    assert costs.learnable_params == sum(p.numel() for p in built.parameters())
    assert costs.mask_values == sum(b.numel() for n, b in built.named_buffers() if "masks" in n)
    macs = 0

    def add(module: nn.Module, _: object, output: torch.Tensor) -> None:
        nonlocal macs
        macs += output[0].numel() * module.weight[0].numel()

    for module in built.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.register_forward_hook(add)
    assert built(torch.zeros(1, 3, 32, 32)).shape == (1, 7)
    assert costs.macs == macs
    assert count_activations(config) > 0


def test_settings_that_change_nothing_are_no_settings_of_the_network(own: str) -> None:
    trial = TrialConfig(model=model(own, fan_out=3, mask_count=64))
    named = trial.parameters()
    idle = {"mask_count", "stem", "stem_fan_out", "dropout", "pooling", "before_addition"}
    assert not idle & named.keys()
    again = TrialConfig(model=ModelConfig(dataset=COLOUR)).with_parameters(named)
    assert again.parameters() == named
    for name, value in {"mask_count": 6, "stem": "conv7x7", "dropout": 0.5}.items():
        changed = trial.with_parameters({name: value}).model
        assert count_costs(changed) == count_costs(trial.model)
    with pytest.raises(ValueError, match="has widths of its own, so that it has one size"):
        width_for(trial.model, 1000)


def test_a_control_keeps_the_widths_and_tells_how_the_size_differs(own: str) -> None:
    config = model(own, fan_out=4, mask_count=64)
    size = count_costs(config).learnable_params
    for layer in ("conv1x1", "conv3x3", "noise_off", "local_binary"):
        found = control(config, layer)
        other = count_costs(found.model).learnable_params
        assert found.size_difference == other / size - 1
    assert control(config, "noise_off").size_difference == 0
    assert control(config, "conv3x3").size_difference > 1


def test_a_layer_that_would_mix_channels_is_no_control_of_a_depthwise_network() -> None:
    with pytest.raises(ValueError, match=r"local_binary cannot stand for .*branch1\.0.* depthwise"):
        control(model(SHUFFLE), "local_binary")


def test_what_is_turned_and_what_stays_is_told(own: str) -> None:
    said = require_convertible(own, GREY)
    assert said.startswith(
        "3 of the 4 k×k convolutions of own_network.py become the layer; 0 stays"
    )


class Images(nn.Module):
    """Network that gives something else than logits."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images


class Viewing(nn.Module):
    """Network that takes no images as training lays them out in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3, padding=1)
        self.linear = nn.Linear(128, 10)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.linear(self.conv(images).view(len(images), -1))


def small(*middle: nn.Module) -> nn.Module:
    head = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, 10))
    return nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), *middle, *head)


SAME = small(nn.Conv2d(2, 2, 3, padding=1))
UNSEEDED = torch.Generator()


def unseeded(images: DatasetShape) -> nn.Module:
    network = small(nn.Conv2d(2, 2, 3, padding=1))
    nn.init.uniform_(network[-1].bias, generator=UNSEEDED)
    return network


@pytest.mark.parametrize(
    ("builder", "said"),
    [
        (lambda images: 1, "gives int: accepted is a function to a torch.nn.Module"),
        (lambda images: 1 // 0, "cannot be built for images of 1×8×8: it raised ZeroDivisionError"),
        (lambda: small(), "cannot be built for images of 1×8×8: it raised TypeError"),
        (lambda images: Images(), r"gives \[1, 1, 8, 8\] for 1 image: logits of shape \[1, 10\]"),
        (
            lambda images: Viewing(),
            "cannot take images of 1×8×8: it raised RuntimeError: view size",
        ),
        (lambda images: small(nn.MaxPool2d(16)), "cannot take images of 1×8×8: it raised Runtime"),
        (lambda images: small(), r"has no k×k convolution to turn: 0 stays: first convolution"),
        (
            lambda images: nn.Sequential(nn.Flatten(), nn.Linear(64, 10)),
            "has no k×k convolution to turn: it has none",
        ),
        (lambda images: SAME, "gives the same network again: each call must build a new one"),
        (unseeded, r"gives other weights \(.*bias\) at the same seed: accepted are"),
    ],
)
def test_what_no_study_can_train_is_refused_in_one_sentence(
    builder: Callable[..., nn.Module], said: str
) -> None:
    NETWORKS.add("bad.py", ConvertedNetwork(name="bad.py", builder=builder))
    with pytest.raises(ValueError, match=said) as refused:
        require_convertible("bad.py", GREY)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("network", "said"),
    [
        ("torchvision:mobilenet_v3_smal", "'mobilenet_v3_smal': did you mean mobilenet_v3_small?"),
        ("torchvision:fcn_resnet50", "torchvision has no classification network"),
        (SQUEEZE, "cannot take images of 1×8×8"),
    ],
)
def test_a_librarys_network_that_cannot_be_had_is_refused(network: str, said: str) -> None:
    with pytest.raises(ValueError) as refused:
        require_convertible(network, GREY)
    assert said in str(refused.value)


def test_networks_of_timm_are_built_for_the_images_without_downloads() -> None:
    pytest.importorskip("timm", reason="pip install 'pnn-study[timm]' is missing")
    assert require_convertible("timm:test_resnet", GREY).startswith("9 of the 10 k×k convolutions")
    for network in ("timm:test_resnet", "timm:test_vit"):  # the latter has one size for each build
        built = build_library_network(network, COLOUR).eval()
        assert built(torch.zeros(1, 3, 32, 32)).shape == (1, 7)
    with pytest.raises(ValueError, match="'tset_resnet': did you mean test_resnet"):
        build_library_network("timm:tset_resnet", COLOUR)
    with pytest.raises(ValueError, match="has no classification network 'hf-hub:timm/resnet18'"):
        build_library_network("timm:hf-hub:timm/resnet18", COLOUR)


def card(config: ModelConfig) -> NetworkCard:
    channels, classes = config.dataset.channels, config.dataset.classes
    return NetworkCard(
        trial=TrialConfig(model=config),
        classes=tuple(map(str, range(classes))),
        mean=(0.5,) * channels,
        std=(0.25,) * channels,
    )


def without_libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    def version(library: str) -> str:
        raise PackageNotFoundError(library)

    monkeypatch.setattr(network_libraries, "version", version)


def test_a_saved_network_of_a_library_needs_the_library_alone(tmp_path, monkeypatch) -> None:
    config = model(SHUFFLE, GREY, fan_out=2)
    network = build_model(config, 0).eval()
    path = tmp_path / "network.safetensors"
    path.write_bytes(encode_network(network, card(config)))
    images = torch.rand(3, 1, 8, 8)
    loaded = load_network(path)
    assert torch.equal(loaded(images), network((images - 0.5) / 0.25)) or torch.allclose(
        loaded(images), network((images - 0.5) / 0.25), atol=1e-4
    )
    without_libraries(monkeypatch)
    with pytest.raises(NetworkFileError, match=r"needs the package torchvision, .*: pip install"):
        load_network(path)
    with pytest.raises(ValueError, match=r"needs the package timm, .*pip install 'pnn-study\[timm"):
        find_code(Kind.NETWORK, "timm:resnet18")


def test_a_saved_network_of_ones_own_needs_its_file_as_it_was(own: str, tmp_path) -> None:
    config = model(own, GREY)
    path = tmp_path / "network.safetensors"
    path.write_bytes(encode_network(build_model(config, 0), card(config)))
    NETWORKS._added.clear()  # as in a process of its own
    with pytest.raises(
        NetworkFileError, match=r"network own_network\.py is none of .*--network-file"
    ):
        load_network(path)
    assert load_network(path, network_file=EXAMPLE).classes == tuple("0123456789")
    changed = tmp_path / EXAMPLE.name
    changed.write_text(EXAMPLE.read_text() + "\n")
    with pytest.raises(NetworkFileError, match="was built by other code of that name"):
        load_network(path, network_file=changed)
