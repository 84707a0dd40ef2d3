"""Any network's convolutions become another layer, and what stays says why."""

import pytest
import torch
import torchvision
from torch import nn

from pnn_core import PerturbationLayer, convert
from pnn_core.layers.map_layer import MapLayer
from pnn_core.parts.layers import SPATIAL_LAYERS

IMAGES = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def small_network() -> nn.Module:
    """First convolution, a strided one, a depthwise one, groups, no padding and a 1×1."""
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        nn.Conv2d(8, 8, 5, stride=2, padding=2, bias=False),
        nn.Conv2d(8, 16, 3, padding=1, groups=8),
        nn.Conv2d(16, 16, 3, padding=1, groups=4),
        nn.Conv2d(16, 16, 3),
        nn.Conv2d(16, 4, 1),
    ).eval()


@pytest.mark.parametrize("layer", list(SPATIAL_LAYERS))
def test_every_layer_takes_a_convolutions_place_at_its_shapes(layer: str) -> None:
    network = small_network()
    shapes = [module(IMAGES).shape for module in (network[:2], network[:3], network)]
    found = convert(network, IMAGES, layer, keep_first=False)
    turned = found.network
    assert [m(IMAGES).shape for m in (turned[:2], turned[:3], turned)] == shapes
    assert {"0", "1"} <= set(found.turned)


def test_what_stays_says_why() -> None:
    found = convert(small_network(), IMAGES, keep=["2"])
    assert found.turned == ("1",)
    assert found.kept["0"] == "first convolution (keep_first)"
    assert found.kept["2"] == "named in keep"
    assert found.kept["3"] == "4 groups of several channels"
    assert found.kept["4"].startswith("padding (0, 0) gives maps of 14×14")
    assert "5" not in found.kept  # a 1×1 sees no neighbours
    assert "turned 1:\n  1\nkept 4:\n  0: first" in str(found)


def test_the_module_stays_as_it_is_and_the_rest_keeps_its_weights() -> None:
    network = small_network().train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    random_state = torch.get_rng_state()
    found = convert(network, IMAGES)
    assert torch.equal(torch.get_rng_state(), random_state)
    assert all(m.training for m in network.modules())
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, before[name])
    for name in ("0", "3", "4", "5"):
        assert torch.equal(found.network.get_submodule(name).weight, before[f"{name}.weight"])


def test_a_seed_gives_the_same_network_and_settings_reach_the_layer() -> None:
    def state(**settings):
        return convert(small_network(), IMAGES, **settings).network.state_dict()

    once, again, other = state(seed=1), state(seed=1), state(seed=2)
    masks = "1.0.perturb.masks"
    assert torch.equal(once[masks], again[masks]) and not torch.equal(once[masks], other[masks])
    strong = state(noise_level=2.0, fan_out=3)
    assert strong[masks].shape == (1, 24, 32, 32)
    assert 1.9 < strong[masks].abs().max() <= 2.0


def test_a_depthwise_convolution_keeps_its_channels_apart() -> None:
    found = convert(small_network(), IMAGES)
    layer = found.network[2]
    assert isinstance(layer, MapLayer)
    x = torch.zeros(1, 8, 16, 16)
    changed = x.clone()
    changed[:, 3] = 1.0
    differs = (layer(x) != layer(changed)).any(dim=(0, 2, 3))
    assert differs.nonzero().flatten().tolist() == [6, 7]


def test_a_convolution_used_twice_is_turned_once_if_its_maps_have_one_size() -> None:
    shared = nn.Conv2d(3, 3, 3, padding=1)
    found = convert(nn.Sequential(shared, nn.ReLU(), shared), IMAGES, keep_first=False)
    assert found.turned == ("0", "2")
    assert found.network[0] is found.network[2]
    halved = nn.Sequential(shared, nn.MaxPool2d(2), shared)
    with pytest.raises(ValueError, match="0: called with maps of 2 sizes"):
        convert(halved, IMAGES, keep_first=False)


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v3_small"])
def test_known_networks_train_and_are_exported_once_converted(name: str) -> None:
    original = getattr(torchvision.models, name)(num_classes=4)
    network = convert(original, IMAGES, noise_level=0.5).network
    loss = network.train()(IMAGES).square().sum()
    loss.backward()
    assert all(p.grad is not None for p in network.parameters())
    network.eval()
    exported = torch.export.export(network, (IMAGES,)).module()
    assert torch.allclose(exported(IMAGES), network(IMAGES), atol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"layer": "perturbtion"}, "did you mean perturbation"),
        ({"noise_levle": 1.0}, "did you mean noise_level"),
        ({"keep": ["9"]}, "'9' is not a k×k convolution of this network"),
        ({"noise_level": -1.0}, "noise_level"),
        ({"keep": ["0", "1", "2"]}, "no k×k convolution can be turned into perturbation: 0: named"),
    ],
)
def test_what_cannot_be_is_said(arguments, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        convert(small_network(), IMAGES, **arguments)


def test_a_network_without_convolutions_is_refused() -> None:
    with pytest.raises(ValueError, match="the network calls none"):
        convert(nn.Flatten(), IMAGES)


def test_a_layer_by_itself_says_which_size_it_needs() -> None:
    layer = PerturbationLayer(4, 6, fan_out=2)
    assert layer(torch.randn(2, 4, 32, 32)).shape == (2, 6, 32, 32)
    with pytest.raises(ValueError, match="masks are 32×32 pixels and the feature map is 16×16"):
        layer(torch.randn(2, 4, 16, 16))
