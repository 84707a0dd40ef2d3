"""A detector is Faster R-CNN on the features of a network of ours."""

import subprocess
import sys
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torchvision.models.detection import faster_rcnn
from torchvision.models.detection.generalized_rcnn import GeneralizedRCNN
from torchvision.models.detection.transform import GeneralizedRCNNTransform

from pnn_core import load_network
from pnn_core.config import (
    DETECTION,
    DatasetShape,
    MaskConfig,
    ModelConfig,
    StemConfig,
    TrialConfig,
)
from pnn_core.fused import operators
from pnn_core.fused.compile import build
from pnn_core.models.build import build_model
from pnn_core.models.detections import Detections
from pnn_core.models.detector import (
    DETECTION_OVERLAP,
    DETECTIONS_KEPT,
    PROPOSAL_OVERLAP,
    PROPOSALS_KEPT,
    PROPOSALS_RANKED,
    REGIONS_SAMPLED,
    SCORE_THRESHOLD,
    Detector,
)
from pnn_core.models.saved_network import NetworkCard, encode_network

CANVAS = 64
SHAPE = DatasetShape(channels=3, height=CANVAS, width=CANVAS, classes=3, task=DETECTION)
PLAIN = ModelConfig(
    dataset=SHAPE,
    network="resnet8",
    mask_count=4,
    first_layer=StemConfig(stem="conv7x7"),
)
NETWORKS = [
    PLAIN,
    replace(PLAIN, network="resnet18", layer="conv3x3"),
    replace(PLAIN, network="resnet50"),
    replace(PLAIN, network="resnet20", layer="local_binary"),
    replace(PLAIN, network="vgg16", first_layer=StemConfig(), mask_count=2),
]
each_network = pytest.mark.parametrize("config", NETWORKS, ids=lambda c: c.network)


@dataclass
class Objects:
    boxes: torch.Tensor
    labels: torch.Tensor


NONE = Objects(torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64))
TWO = Objects(torch.tensor([[4.0, 8, 30, 40], [20, 30, 64, 64]]), torch.tensor([2, 0]))


def images(count: int = 2) -> torch.Tensor:
    drawn = torch.randn(count, 3, CANVAS, CANVAS, generator=torch.Generator().manual_seed(3))
    return drawn.to(memory_format=torch.channels_last)


def detector(config: ModelConfig = PLAIN, seed: int = 0) -> Detector:
    built = build_model(config, seed)
    assert isinstance(built, Detector)
    return built.to(memory_format=torch.channels_last)


def step(built: Detector, *objects: Objects, seed: int = 1) -> torch.Tensor:
    """Give the loss of one step of training, whose gradients are there then."""
    built.train().zero_grad()
    torch.manual_seed(seed)
    loss = built.losses(images(len(objects)), objects)
    loss.backward()
    return loss.detach()


def gradients(built: Detector) -> list[torch.Tensor]:
    return [p.grad for p in built.parameters() if p.grad is not None]


@torch.no_grad()
def found(built: Detector, count: int = 2) -> list[Detections]:
    result: list[Detections] = built.eval()(images(count))
    return result


def test_the_limits_are_the_published_ones() -> None:
    assert PROPOSALS_RANKED == {"training": 12_000, "testing": 6_000}
    assert PROPOSALS_KEPT == {"training": 2_000, "testing": 300}
    assert (PROPOSAL_OVERLAP, DETECTION_OVERLAP, SCORE_THRESHOLD) == (0.7, 0.3, 0.0)
    assert (REGIONS_SAMPLED, DETECTIONS_KEPT) == (128, 100)


@each_network
def test_detections_lie_on_the_canvas_and_the_surest_come_first(config: ModelConfig) -> None:
    for each in found(detector(config)):
        count = len(each.scores)
        assert 0 < count <= DETECTIONS_KEPT
        assert each.boxes.shape == (count, 4)
        assert ((each.boxes >= 0) & (each.boxes <= CANVAS)).all()
        assert (each.boxes[:, 2:] > each.boxes[:, :2]).all()
        assert set(each.labels.tolist()) <= {0, 1, 2}
        assert (each.scores.diff() <= 0).all()
        assert ((each.scores > 0) & (each.scores <= 1)).all()


@each_network
def test_a_step_of_training_reaches_every_learnable_weight(config: ModelConfig) -> None:
    built = detector(config)
    assert step(built, TWO, NONE).isfinite()
    for parameter in (p for p in built.parameters() if p.requires_grad):
        assert parameter.grad is not None
        assert parameter.grad.isfinite().all()


@each_network
def test_an_image_without_objects_alone_in_its_batch_can_be_learned_from(
    config: ModelConfig,
) -> None:
    built = detector(config)
    assert step(built, NONE).isfinite()
    assert all(gradient.isfinite().all() for gradient in gradients(built))


def test_one_seed_gives_one_detector_one_step_and_one_result() -> None:
    one, again, other = detector(), detector(), detector(seed=1)
    losses = [step(built, TWO, NONE) for built in (one, again, other)]
    assert torch.equal(losses[0], losses[1])
    assert all(map(torch.equal, gradients(one), gradients(again)))
    assert not torch.equal(losses[0], losses[2])
    first, second = found(one), found(again)
    assert all(torch.equal(a.boxes, b.boxes) for a, b in zip(first, second, strict=True))
    assert all(torch.equal(a.scores, b.scores) for a, b in zip(first, second, strict=True))


def test_building_draws_from_no_other_generator() -> None:
    before = torch.get_rng_state()
    build_model(PLAIN, 0)
    assert torch.equal(torch.get_rng_state(), before)


def test_an_evaluation_draws_nothing() -> None:
    built = detector()
    before = torch.get_rng_state()
    found(built)
    assert torch.equal(torch.get_rng_state(), before)


@each_network
def test_it_is_torchvisions_faster_rcnn_of_the_same_parts(config: ModelConfig) -> None:
    built = detector(config)
    transform = GeneralizedRCNNTransform(
        CANVAS, CANVAS, [0.0] * 3, [1.0] * 3, size_divisible=CANVAS, _skip_resize=True
    )
    theirs = GeneralizedRCNN(built.features, built.proposals, built.regions, transform)
    for ours, expected in zip(found(built), theirs.eval()([*images()]), strict=True):
        torch.testing.assert_close(ours.boxes, expected["boxes"])
        torch.testing.assert_close(ours.scores, expected["scores"])
        assert torch.equal(ours.labels + 1, expected["labels"])
    loss = step(deepcopy(built), TWO, NONE)
    torch.manual_seed(1)
    targets = [{"boxes": o.boxes, "labels": o.labels + 1} for o in (TWO, NONE)]
    losses: dict[str, Any] = theirs.train()([*images()], targets)
    assert len(losses) == 4
    torch.testing.assert_close(loss, sum(losses.values()).detach())


def test_proposals_and_predictor_have_torchvisions_shapes() -> None:
    """Where the features have up to 512 channels; published ResNets propose with 512 of 1024."""
    built = detector(replace(PLAIN, network="vgg16", first_layer=StemConfig()))
    channels = built.shape.features.channels
    rpn = faster_rcnn.RPNHead(channels, 9)
    assert sorted(p.shape for p in rpn.parameters()) == sorted(
        p.shape for p in built.proposals.head.parameters()
    )
    wide = detector(replace(PLAIN, network="resnet50", mask_count=64))
    assert wide.shape.features.channels == 1024
    assert wide.proposals.head.each.conv.out_channels == 512


@each_network
def test_fused_operators_give_what_torchs_own_give(
    config: ModelConfig, use_plain_operators: Callable[[bool], None]
) -> None:
    try:
        build()
    except FileNotFoundError as missing:
        pytest.skip(str(missing))
    operators.are_built.cache_clear()
    results = []
    for plain in (False, True):
        use_plain_operators(plain)
        built = detector(config).double()
        built.train()
        torch.manual_seed(1)
        objects = [Objects(o.boxes.double(), o.labels) for o in (TWO, NONE)]
        loss = built.losses(images().double(), objects)
        loss.backward()
        results.append((loss.detach(), gradients(built)))
    (fused, fused_gradients), (own, own_gradients) = results
    torch.testing.assert_close(fused, own, rtol=1e-9, atol=1e-9)
    for one, other in zip(fused_gradients, own_gradients, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-9)


LOCAL = replace(
    PLAIN,
    dataset=replace(SHAPE, padding="batch"),
    mask=MaskConfig(noise_level=1.0),
    first_layer=StemConfig(stem="perturbation", stem_noise_level=1.0, stem_fan_out=2),
)
"""A network that looks at no neighbour of a pixel, so that no edge is felt beside it."""


@pytest.mark.parametrize(("height", "width"), [(64, 48), (40, 64), (32, 32)])
def test_features_of_a_smaller_image_are_the_upper_left_part_of_those_of_the_canvas(
    height: int, width: int
) -> None:
    built = detector(LOCAL).double().eval()
    image = images(1).double()
    stride = built.shape.stride
    with torch.no_grad():
        whole, part = built.features(image), built.features(image[:, :, :height, :width])
    upper_left = whole[:, :, : height // stride, : width // stride]
    torch.testing.assert_close(part, upper_left, rtol=1e-9, atol=1e-9)


def test_an_image_that_cannot_be_halved_down_is_padded_by_what_is_missing() -> None:
    built = detector(replace(PLAIN, dataset=replace(SHAPE, padding="batch"))).eval()
    image = images(1)[:, :, :45, :50]
    padded = torch.zeros(1, 3, 48, 56)  # the stride is 8
    padded[:, :, :45, :50] = image
    with torch.no_grad():
        (one,), (other,) = built(image), built(padded)
    torch.testing.assert_close(one.boxes, other.boxes)
    torch.testing.assert_close(one.scores, other.scores)
    assert len(one.boxes) > 0
    assert (one.boxes[:, 2] <= 56).all() and (one.boxes[:, 3] <= 48).all()


def test_a_network_for_whole_canvases_refuses_a_smaller_image() -> None:
    with pytest.raises(ValueError, match="fixed masks fit images of one size"):
        detector().eval()(images(1)[:, :, :32, :])


def test_how_images_lie_in_memory_changes_nothing() -> None:
    built = detector().double()
    with torch.no_grad():
        one = built.eval()(images().double())
        other = built(images().double().contiguous())
    for a, b in zip(one, other, strict=True):
        torch.testing.assert_close(a.boxes, b.boxes, rtol=1e-9, atol=1e-9)


def test_without_noise_it_is_the_layer_without_noise() -> None:
    silent = detector(replace(PLAIN, mask=MaskConfig(noise_level=0.0)))
    assert torch.equal(
        step(silent, TWO, NONE), step(detector(PLAIN.with_layer("noise_off")), TWO, NONE)
    )
    assert not torch.equal(step(silent, TWO, NONE), step(detector(), TWO, NONE))


def test_one_image_can_be_learned_by_heart() -> None:
    built = detector(replace(PLAIN, mask_count=8))
    image = torch.zeros(1, 3, CANVAS, CANVAS)
    image[:, :, 16:40, 12:36] = 2.0
    target = Objects(torch.tensor([[12.0, 16, 36, 40]]), torch.tensor([1]))
    optimizer = torch.optim.SGD(built.parameters(), lr=0.05, momentum=0.9)
    torch.manual_seed(0)
    losses = []
    for _ in range(40):
        loss = built.train().losses(image, [target])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 3
    with torch.no_grad():
        surest = built.eval()(image)[0].labels[0]
    assert surest == 1


def test_a_diverged_detector_has_a_loss_that_says_so() -> None:
    built = detector()
    with torch.no_grad():
        built.proposals.head.each.boxes.weight.fill_(torch.nan)
    assert not built.train().losses(images(1), [NONE]).isfinite()
    assert [len(each.boxes) for each in found(built)] == [0, 0]


def test_boxes_have_no_half_precision() -> None:
    built = detector().eval()
    with torch.autocast("cpu", torch.bfloat16), torch.no_grad():
        (each,) = built(images(1))
    assert each.boxes.dtype == each.scores.dtype == torch.float32


def test_frozen_normalisations_stay_as_they_are_in_training() -> None:
    built = detector()
    built.freeze_norms()
    before = deepcopy(built.state_dict())
    step(built, TWO, NONE)
    names = [n for n, m in built.named_modules() if isinstance(m, nn.BatchNorm2d)]
    after = built.state_dict()
    for name in names:
        assert all(torch.equal(before[n], after[n]) for n in after if n.startswith(f"{name}."))
    assert not any(p.requires_grad for n in names for p in built.get_submodule(n).parameters())
    assert all(m.training for m in built.modules() if not isinstance(m, nn.BatchNorm2d))


def test_a_detector_survives_a_file(tmp_path: Path) -> None:
    trial = TrialConfig(model=PLAIN, seed=5)
    card = NetworkCard(trial=trial, classes=("a", "b", "c"), mean=(0.5,) * 3, std=(0.25,) * 3)
    built = detector()
    step(built, TWO, NONE)
    path = tmp_path / "detector.safetensors"
    path.write_bytes(encode_network(built, card))
    loaded = load_network(path)
    assert loaded.card.trial == trial
    pixels = images() * 0.25 + 0.5
    with torch.no_grad():
        expected = built.eval()(
            ((pixels * 255 / 255 - 0.5) / 0.25).contiguous(memory_format=torch.channels_last)
        )
        given = loaded(pixels)
    for one, other in zip(given, expected, strict=True):
        torch.testing.assert_close(one.boxes, other.boxes, rtol=1e-3, atol=1e-3)


def test_a_saved_detector_takes_smaller_images_where_it_learned_from_such(tmp_path: Path) -> None:
    small, path = torch.full((1, 3, 40, 64), 0.5), tmp_path / "detector.safetensors"
    for padding in ("canvas", "batch"):
        model = replace(PLAIN, dataset=replace(SHAPE, padding=padding))
        trial = TrialConfig(model=model)
        card = NetworkCard(trial=trial, classes=("a", "b", "c"), mean=(0.5,) * 3, std=(0.25,) * 3)
        path.write_bytes(encode_network(detector(model), card))
        loaded = load_network(path)
        assert loaded.card.trial == trial
        larger = torch.zeros(1, 3, 40, CANVAS + 1)
        refused = [larger] if padding == "batch" else [larger, small]
        for images_ in refused:
            with pytest.raises(ValueError, match=r"must be \[batch, 3, 64, 64\]"):
                loaded(images_)
    with torch.no_grad():
        (each,) = loaded(small)
    assert len(each.boxes) > 0
    assert (each.boxes[:, 3] <= 40).all()


def test_a_classifier_needs_no_torchvision() -> None:
    code = (
        "import sys; from dataclasses import replace; "
        "from pnn_core.config import DatasetShape, ModelConfig; "
        "from pnn_core.models.build import build_model; "
        "from pnn_core.models.costs import count_costs; "
        "import pnn_core.training.trainer; "
        "shape = DatasetShape(channels=3, height=8, width=8, classes=2); "
        "config = ModelConfig(dataset=shape, network='resnet8'); "
        "build_model(config, 0); count_costs(config); "
        "sys.exit('torchvision' if 'torchvision' in sys.modules else None)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
