"""VGG-16 is torchvision's, LeNet is LeNet-5's size, both with any layer at any image size."""

import pytest
import torch
import torchvision
from torch import nn

from pnn_core.config import DatasetShape, ModelConfig, StemConfig
from pnn_core.layers.map_layer import MapLayer
from pnn_core.models.build import build_model
from pnn_core.models.costs import count_costs
from pnn_core.models.vgg_lenet import PlainNetwork

IMAGENET = DatasetShape(channels=3, height=224, width=224, classes=1000)
CIFAR = DatasetShape(channels=3, height=32, width=32, classes=10)
MNIST = DatasetShape(channels=1, height=28, width=28, classes=10)


def test_with_3x3_convolutions_vgg16_is_as_large_as_torchvisions() -> None:
    with torch.device("meta"):
        theirs = torchvision.models.vgg16_bn()
    costs = count_costs(ModelConfig(dataset=IMAGENET, network="vgg16", layer="conv3x3"))
    assert costs.learnable_params == sum(p.numel() for p in theirs.parameters()) == 138_365_992


def test_with_3x3_convolutions_vgg16_computes_what_torchvisions_does() -> None:
    config = ModelConfig(dataset=CIFAR, network="vgg16", layer="conv3x3", mask_count=64)
    # In training, for else a max-pool before the BN would give the same, and in float64: 13
    # normalisations over a handful of pixels make much of float32's roundings.
    ours = build_model(config, 0).double().train()
    with torch.device("meta"):
        theirs = torchvision.models.vgg16_bn().features
    theirs.to_empty(device="cpu").double().train()
    features = {k: v for k, v in ours.state_dict().items() if not k.startswith("classify")}
    theirs.load_state_dict(dict(zip(theirs.state_dict(), features.values(), strict=True)))
    x = torch.randn(2, 3, 32, 32, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert isinstance(ours, PlainNetwork)
    torch.testing.assert_close(ours.layers(ours.stem(x)), theirs(x))


def test_small_images_get_one_linear_layer_behind_a_global_pool() -> None:
    small = build_model(ModelConfig(dataset=CIFAR, network="vgg16", mask_count=4), 0)
    linear = [m for m in small.modules() if isinstance(m, nn.Linear)]
    assert [(m.in_features, m.out_features) for m in linear] == [(32, 10)]


@pytest.mark.parametrize(("size", "hidden"), [(223, False), (224, True)])
def test_images_from_224_pixels_get_vggs_own_classifier(size: int, hidden: bool) -> None:
    data = DatasetShape(channels=3, height=300, width=size, classes=10)
    costs = count_costs(ModelConfig(dataset=data, network="vgg16", mask_count=1))
    assert (costs.learnable_params > 4096 * 4096) == hidden


def test_lenet_has_the_classifier_of_lenet5() -> None:
    model = build_model(ModelConfig(dataset=MNIST, network="lenet", mask_count=6), 0)
    linear = [m for m in model.modules() if isinstance(m, nn.Linear)]
    assert [(m.in_features, m.out_features) for m in linear] == [
        (12 * 7 * 7, 120),
        (120, 84),
        (84, 10),
    ]


def test_lenet_is_stem_pool_layer_pool_classifier() -> None:
    config = ModelConfig(
        dataset=MNIST, network="lenet", mask_count=6, fan_out=3, order="noise_relu_conv"
    )
    model = build_model(config, 0).eval()
    assert isinstance(model, PlainNetwork)
    (unit,) = model.layers
    assert isinstance(unit.layer, MapLayer)
    x = torch.randn(2, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    y = nn.functional.conv2d(x, model.stem[0].weight, model.stem[0].bias, padding=1)
    y = nn.functional.max_pool2d(model.stem[1](y).relu(), 2)
    maps = (y.repeat_interleave(3, dim=1) + unit.layer.perturb.masks).relu()
    conv = unit.layer.combine.conv
    y = nn.functional.max_pool2d(nn.functional.conv2d(maps, conv.weight, conv.bias), 2)
    y = unit.norm(y).relu().flatten(1)
    first, second, last = (m for m in model.classify if isinstance(m, nn.Linear))
    torch.testing.assert_close(model(x), last(second(first(y).relu()).relu()))


@pytest.mark.parametrize("layer", ["perturbation", "conv3x3", "conv1x1", "local_binary"])
@pytest.mark.parametrize("network", ["vgg16", "lenet"])
@pytest.mark.parametrize(("size", "stem"), [(8, "conv7x7"), (13, "conv3x3")])
def test_every_network_maps_images_of_any_size_to_logits(
    network: str, layer: str, size: int, stem: str
) -> None:
    shape = DatasetShape(channels=2, height=size, width=size + 1, classes=7)
    config = ModelConfig(
        dataset=shape,
        network=network,
        layer=layer,
        mask_count=2,
        first_layer=StemConfig(stem=stem),
    )
    logits = build_model(config, 0).eval()(torch.randn(3, 2, size, size + 1))
    assert logits.shape == (3, 7)
    assert logits.isfinite().all()
