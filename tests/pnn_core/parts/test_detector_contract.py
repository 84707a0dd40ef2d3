"""Every spatial layer stands in every network that can be a detector; sizes are what they say."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from pnn_core.architecture import (
    SIZE_TOLERANCE,
    control,
    count_backbone_params,
    count_learnable_params,
    width_for,
)
from pnn_core.config import (
    CLASSIFICATION,
    DETECTION,
    DatasetShape,
    MaskConfig,
    ModelConfig,
    StemConfig,
    TrialConfig,
)
from pnn_core.layers.perturbation import Perturbation
from pnn_core.models.build import build_model, build_network, build_shapes
from pnn_core.models.costs import count_activations, count_costs
from pnn_core.models.detector import PROPOSALS_KEPT, REGIONS_SAMPLED, Detector
from pnn_core.parts.layers import SPATIAL_LAYERS
from pnn_core.parts.networks import NETWORKS
from pnn_core.parts.networks.detector_network import DetectorNetwork
from pnn_core.parts.stems import STEMS
from pnn_core.rng.mask_regeneration import describe_draw, replay_masks
from pnn_core.rng.seeds import Seeds

DETECTORS = [name for name, network in NETWORKS.items() if DETECTION in network.tasks]
# Built as resnet18 and resnet20 are, of more blocks.
DEEPER = ("resnet34", "resnet56", "resnet110")
each_network = pytest.mark.parametrize("network", [n for n in DETECTORS if n not in DEEPER])
each_layer = pytest.mark.parametrize("layer", [*SPATIAL_LAYERS])

PUBLISHED = {
    "vgg16": StemConfig(),
    "resnet18": StemConfig(stem="conv7x7"),
    "resnet34": StemConfig(stem="conv7x7"),
    "resnet50": StemConfig(stem="conv7x7"),
}


def shape(canvas: int, classes: int = 3) -> DatasetShape:
    return DatasetShape(channels=3, height=canvas, width=canvas, classes=classes, task=DETECTION)


def config(network: str, layer: str = "perturbation", canvas: int = 64) -> ModelConfig:
    return ModelConfig(dataset=shape(canvas), network=network, layer=layer, mask_count=4)


def detector(model: ModelConfig) -> Detector:
    built = build_model(model, 0)
    assert isinstance(built, Detector)
    return built


@each_layer
@each_network
def test_the_closed_forms_equal_a_count_on_the_detector(layer: str, network: str) -> None:
    models = [config(network, layer)]
    if "trained_masks" in SPATIAL_LAYERS[layer].uses:
        models.append(replace(models[0], mask=MaskConfig(trained_masks=True)))
    for model in models:
        built = build_shapes(model)
        assert isinstance(built, Detector)
        counted = count_costs(model)
        assert count_learnable_params(model) == counted.learnable_params
        assert count_backbone_params(model) == counted.backbone_params
        assert counted.backbone_params == sum(
            parameter.numel()
            for part in (built.features, built.regions.box_head)
            for name, parameter in part.named_parameters()
            if parameter.requires_grad and "hidden" not in name
        )


@pytest.mark.parametrize("stem", [*STEMS])
@each_network
def test_the_closed_forms_hold_with_every_stem(stem: str, network: str) -> None:
    first_layer = StemConfig(stem=stem, stem_fan_out=3)
    model = replace(config(network, canvas=256), first_layer=first_layer)
    counted = count_costs(model)
    assert count_learnable_params(model) == counted.learnable_params
    features = build_shapes(model).features
    maps = features.to_empty(device="cpu").eval()(torch.zeros(0, 3, 256, 256))
    entry = NETWORKS[network]
    assert isinstance(entry, DetectorNetwork)
    said = entry.detector(model)
    assert maps.shape[1:] == (said.features.channels, said.features.height, said.features.width)
    assert said.features.height * said.stride == 256


@pytest.mark.parametrize(
    ("network", "params", "backbone_params"),
    [("vgg16", 124_015_062, 1_656_128), ("resnet50", 18_416_918, 13_459_584)],
)
def test_the_papers_networks_at_canvas_608_have_these_sizes(
    network: str, params: int, backbone_params: int
) -> None:
    """PNN-VGG-16: stem 1,920; 1×1s of 1,634,304 weights and 4,160 biases; BN of 7,424 + 8,320."""
    model = ModelConfig(
        dataset=shape(608, classes=20), network=network, first_layer=PUBLISHED[network]
    )
    counted = count_costs(model)
    assert count_learnable_params(model) == counted.learnable_params == params
    assert count_backbone_params(model) == counted.backbone_params == backbone_params
    entry = NETWORKS[network]
    assert isinstance(entry, DetectorNetwork)
    assert entry.detector(model).stride == 16


def test_plain_vgg16_is_the_published_one_but_for_its_normalisations() -> None:
    """137.1 million: 14.7 of 13 convolutions, 2.4 of proposals, 119.5 of fc6 and fc7."""
    model = ModelConfig(dataset=shape(608, classes=20), network="vgg16", layer="conv3x3")
    convolutions, norms = 14_714_688, 2 * 4_224
    proposals = (9 * 512 + 1) * 512 + 513 * 45
    hidden = (512 * 49 + 1) * 4096 + 4097 * 4096
    assert count_backbone_params(model) == convolutions + norms
    assert count_learnable_params(model) == convolutions + norms + proposals + hidden + 4097 * 105


@pytest.mark.parametrize(
    ("network", "layer"),
    [
        *(("resnet8", layer) for layer in SPATIAL_LAYERS),
        ("resnet18", "conv3x3"),
        ("resnet20", "perturbation"),
        ("resnet50", "perturbation"),
        ("vgg16", "conv3x3"),
    ],
)
def test_macs_are_those_of_the_image_and_of_as_many_regions_as_an_evaluation_keeps(
    layer: str, network: str, use_plain_operators: Callable[[bool], None]
) -> None:
    use_plain_operators(True)  # the counter knows torch's own alone
    model = config(network, layer)
    built = detector(model).eval()
    with FlopCounterMode(display=False) as flops, torch.no_grad():
        maps = built.features(torch.zeros(1, 3, 64, 64))
        built.proposals.head([maps])
        regions = torch.zeros(PROPOSALS_KEPT["testing"], maps.shape[1], 7, 7)
        built.regions.box_predictor(built.regions.box_head(regions))
    assert count_costs(model).macs == flops.get_total_flops() // 2


@each_network
def test_activations_bound_what_a_training_step_keeps(network: str) -> None:
    model = config(network)
    built = detector(model).train()
    learned = {values.untyped_storage().data_ptr() for values in built.state_dict().values()}
    kept: dict[int, int] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        place = tensor.untyped_storage().data_ptr()
        if place not in learned:
            kept[place] = tensor.numel()
        return tensor

    built_objects = (Objects(torch.tensor([[8.0, 8, 40, 40]]), torch.tensor([1])),)
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        built.losses(torch.randn(1, 3, 64, 64), built_objects)
    assert REGIONS_SAMPLED * 49 < sum(kept.values()) < count_activations(model)


class Objects:
    def __init__(self, boxes: torch.Tensor, labels: torch.Tensor) -> None:
        self.boxes, self.labels = boxes, labels


@each_layer
@each_network
def test_every_layer_has_masks_of_its_own_maps_and_of_7x7_in_the_head(
    layer: str, network: str
) -> None:
    built = build_shapes(config(network, layer))
    assert isinstance(built, Detector)
    sizes = {
        part: [
            noise.masks.shape[2:] for noise in module.modules() if isinstance(noise, Perturbation)
        ]
        for part, module in (("features", built.features), ("head", built.regions.box_head))
    }
    if layer == "constant_masks":
        assert {*sizes["features"], *sizes["head"]} == {(1, 1)}
    elif layer in ("perturbation", "blurred_masks"):
        sides = [height for height, width in sizes["features"] if height == width]
        assert len(sides) == len(sizes["features"]) > 0
        assert sides[-1] == built.shape.features.height or network == "vgg16"
        assert set(sizes["head"]) == (set() if network == "vgg16" else {(7, 7)})
    else:
        assert not sizes["features"] + sizes["head"]


@each_network
def test_masks_drawn_again_without_torch_are_those_of_the_detector(network: str) -> None:
    trial = TrialConfig(model=config(network), seed=3)
    built = build_model(trial.model, Seeds.of(trial))
    first = next(part for part in built.modules() if isinstance(part, Perturbation))
    drawn = replay_masks(describe_draw(trial, "layer"))
    np.testing.assert_allclose(drawn, first.noise()[0].numpy(), rtol=0, atol=2e-7)


@each_network
def test_a_detector_begins_with_the_weights_and_masks_of_its_classifier(network: str) -> None:
    """As one seed draws them: stem and blocks come first in both."""
    if network == "vgg16":
        pytest.skip("a classifier of this size has no hidden layers")
    model = config(network)
    classifier = build_model(replace(model, dataset=replace(shape(64), task=CLASSIFICATION)), 0)
    built = detector(model)
    for name, tensor in classifier.state_dict().items():
        if name.startswith("stem"):
            assert torch.equal(tensor, built.features.state_dict()[name])


@each_layer
def test_controls_have_a_backbone_of_the_same_size(layer: str) -> None:
    original = replace(config("resnet18"), mask_count=64)
    found = control(original, layer)
    ratio = count_backbone_params(found.model) / count_backbone_params(original) - 1
    assert found.size_difference == pytest.approx(ratio)
    assert abs(ratio) <= 3 * SIZE_TOLERANCE
    assert width_for(original, count_backbone_params(original)) == 64


def test_a_backbone_out_of_reach_is_said_in_its_own_words() -> None:
    with pytest.raises(ValueError, match=r"backbone_params \(=1\) is out of reach of resnet18"):
        width_for(config("resnet18"), 1)


@pytest.mark.parametrize("network", ["lenet", "nin", "torchvision:resnet18", "timm:resnet18"])
def test_networks_without_features_for_regions_are_refused(network: str) -> None:
    with pytest.raises(ValueError, match=rf"network \(={network}\) has no single-scale features"):
        config(network)


@pytest.mark.parametrize(
    ("network", "canvas", "said"),
    [
        ("resnet18", 600, r"canvas \(=600\).* multiples of 16 from 64 on.* are 592 and 608"),
        ("vgg16", 50, r"canvas \(=50\).* multiples of 16 from 64 on, of which the nearest is 64"),
        ("resnet8", 33, r"canvas \(=33\).* multiples of 8 from 32 on.* are 32 and 40"),
        ("resnet8", 24, r"canvas \(=24\).* multiples of 8 from 32 on, .* is 32"),
    ],
)
def test_a_canvas_that_cannot_be_halved_is_refused_before_anything_is_built(
    network: str, canvas: int, said: str
) -> None:
    stem = StemConfig(stem="conv3x3" if network == "vgg16" else "conv7x7")
    model = replace(config(network, canvas=canvas), first_layer=stem)
    assert NETWORKS[network].refusal(model)
    with pytest.raises(ValueError, match=said):
        build_network(model, torch.Generator())
    with pytest.raises(ValueError, match=said):
        control(model, "conv1x1")


def test_published_weights_are_drawn_in_the_backbone_alone() -> None:
    model = replace(config("resnet8"), initialisation="published", mask_count=32)
    built = detector(model)
    proposals = [m for m in built.proposals.modules() if isinstance(m, nn.Conv2d)]
    assert proposals[0].weight.std().item() == pytest.approx(0.01, rel=0.1)
    stem = next(m for m in built.features.modules() if isinstance(m, nn.Conv2d))
    assert stem.weight.std().item() == pytest.approx((2 / (9 * 32)) ** 0.5, rel=0.1)
