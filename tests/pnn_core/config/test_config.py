"""A training run is described in one place, and refused with the value that is wrong."""

import subprocess
import sys
from dataclasses import fields, replace
from typing import Any, get_args

import pytest
import torch
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from pnn_core.config import (
    CANVAS,
    DETECTION,
    PADDING,
    PARAMETER_NAMES,
    Activation,
    BeforeAddition,
    DatasetShape,
    Initialisation,
    MaskConfig,
    ModelConfig,
    NoiseDistribution,
    OptimConfig,
    Order,
    Pooling,
    StemConfig,
    TrialConfig,
)
from pnn_core.models.build import build_model
from pnn_core.parts.layers import SPATIAL_LAYERS
from pnn_core.parts.stems import STEMS

SHAPE = DatasetShape(channels=1, height=16, width=16, classes=10)


def test_parameters_and_with_parameters_are_inverse() -> None:
    config = TrialConfig(
        model=ModelConfig(
            dataset=SHAPE,
            network="resnet8",
            mask_count=32,
            fan_out=4,
            mask=MaskConfig(noise_level=0.7, noise_distribution="normal"),
            order="noise_relu_conv",
            grouped=True,
            first_layer=StemConfig(stem="perturbation", stem_fan_out=5),
        ),
        optim=OptimConfig(optimizer="sgd", learning_rate=0.1, batch_size=20, weight_decay=1e-4),
        epochs=3,
        seed=9,
        initialisation_seed=1,
        augment="crop",
        mask_seed=2,
        data_order_seed=3,
    )
    default = TrialConfig(model=ModelConfig(dataset=SHAPE))
    of_other_layers_or_tasks = {"nonzero_share", CANVAS, PADDING, "initial_weights"}
    assert set(config.parameters()) == set(PARAMETER_NAMES) - of_other_layers_or_tasks
    assert default.with_parameters(config.parameters()) == config


def test_the_canvas_is_a_setting_of_detection_alone() -> None:
    boxes = DatasetShape(channels=3, height=320, width=320, classes=2, task=DETECTION)
    default = TrialConfig(model=ModelConfig(dataset=boxes, network="resnet8"))
    config = default.with_parameters({CANVAS: 160})
    assert config.model.dataset == boxes.on_canvas(160)
    assert config.parameters()[CANVAS] == 160
    assert "initial_weights" not in config.parameters()
    begun = config.with_parameters({"initial_weights": "imagenet", "normalisation": "imagenet"})
    assert default.with_parameters(begun.parameters()) == begun
    assert default.with_parameters(config.parameters()) == config
    with pytest.raises(ValueError, match=r"canvas \(=160\) is a setting of detection"):
        TrialConfig(model=ModelConfig(dataset=SHAPE)).with_parameters({CANVAS: 160})


def test_padding_is_a_setting_of_detection_alone_and_to_the_canvas_where_nobody_asks() -> None:
    boxes = DatasetShape(channels=3, height=320, width=320, classes=2, task=DETECTION)
    default = TrialConfig(model=ModelConfig(dataset=boxes, network="resnet8"))
    assert default.parameters()[PADDING] == "canvas"
    assert "padding" not in boxes.document()  # as in files of earlier versions
    assert DatasetShape(**boxes.document()) == boxes
    config = default.with_parameters({PADDING: "batch", CANVAS: 160})
    assert config.model.dataset == replace(boxes.on_canvas(160), padding="batch")
    assert config.parameters()[PADDING] == "batch"
    shape = config.model.dataset
    assert DatasetShape(**shape.document()) == shape != boxes
    assert default.with_parameters(config.parameters()) == config
    assert config.with_parameters({PADDING: "canvas", CANVAS: 320}) == default
    with pytest.raises(ValueError, match=r"padding \(='image'\) must be one of"):
        default.with_parameters({PADDING: "image"})
    with pytest.raises(ValueError, match=r"padding \(=batch\) is a setting of detection"):
        TrialConfig(model=ModelConfig(dataset=SHAPE)).with_parameters({PADDING: "batch"})


@pytest.mark.parametrize(
    ("parameters", "left_out"),
    [
        ({"layer": "conv3x3"}, {"fan_out", "order", "noise_level", "unique_masks", "grouped"}),
        ({"layer": "local_binary"}, {"noise_level", "grouped"}),
        ({}, {"nonzero_share", "stem_noise_level", "momentum", "mask_seed"}),
        ({"network": "vgg16"}, {"before_addition"}),
        ({"layer": "conv3x3", "network": "resnet50"}, {"pooling"}),
        ({"noise_level": 0.0}, {"noise_distribution"}),
    ],
)
def test_settings_that_change_nothing_are_left_out(
    parameters: dict[str, object], left_out: set[str]
) -> None:
    default = TrialConfig(model=ModelConfig(dataset=SHAPE))
    config = default.with_parameters(parameters)
    assert not left_out & set(config.parameters())
    assert default.with_parameters(config.parameters()) == config


VALUES: dict[str, tuple[Any, ...]] = {
    "network": ("resnet8", "lenet", "vgg16", "resnet50"),
    "layer": tuple(SPATIAL_LAYERS),
    "mask_count": (4, 6),
    "fan_out": (1, 2),
    "order": get_args(Order),
    "grouped": (False, True),
    "mix_maps": (False, True),
    "pooling": get_args(Pooling),
    "before_addition": get_args(BeforeAddition),
    "dropout": (0.0, 0.5),
    "initialisation": get_args(Initialisation),
    "noise_level": (0.0, 0.1, 0.5, 2.0, 5.0),
    "noise_distribution": get_args(NoiseDistribution),
    "unique_masks": (True, False),
    "trained_masks": (False, True),
    "nonzero_share": (0.5, 0.1, 1.0),
    "stem": tuple(STEMS),
    "stem_noise_level": (0.1, 0.0, 0.5),
    "stem_fan_out": (1, 3),
    "stem_activation": get_args(Activation),
}
"""Of every setting of a network. The other ResNets are built as resnet8 is; and no network is
of width 1, which leaves nothing to group."""


def buildable(settings: dict[str, Any]) -> ModelConfig | None:
    try:
        return TrialConfig(model=ModelConfig(dataset=SHAPE)).with_parameters(settings).model
    except ValueError:
        return None


def what_is_built(config: ModelConfig) -> tuple[object, ...]:
    """Modules, what is learned, every number, and what four images give in training."""
    model = build_model(config, 0)
    # + 0 makes a 0 of −0, which no noise may be as well.
    state = [(n, t.shape, (t + 0).numpy().tobytes()) for n, t in model.state_dict().items()]
    images = torch.randn(4, 1, 16, 16, generator=torch.Generator().manual_seed(1))
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(2)  # of dropout
        logits = model.double()(images.double())
        # A constant that a normalisation takes out in training is there in evaluation.
        evaluated = model.eval()(images.double())
    # Rounded: a kernel may add in another order where its tensors lie otherwise in memory.
    both = torch.cat([logits.flatten(), evaluated.flatten()]).tolist()
    rounded = [round(logit, 9) + 0.0 for logit in both]
    return repr(model), [name for name, _ in model.named_parameters()], state, rounded


def without_what_the_layer_has_not(chosen: dict[str, Any]) -> dict[str, Any]:
    idle = {"fan_out": 1, "grouped": False, "mix_maps": False, "trained_masks": False}
    uses = SPATIAL_LAYERS[chosen["layer"]].uses
    if chosen["noise_level"] == 0:
        uses = uses - {"trained_masks"}
    return {**chosen, **{name: value for name, value in idle.items() if name not in uses}}


anything = st.fixed_dictionaries({name: st.sampled_from(v) for name, v in VALUES.items()})
networks = anything.map(without_what_the_layer_has_not)


def test_every_setting_of_a_network_is_among_those_that_are_tried() -> None:
    others = {f.name for f in fields(OptimConfig)} | {f.name for f in fields(TrialConfig)}
    assert set(VALUES) == set(PARAMETER_NAMES) - others - {CANVAS, PADDING}


@settings(max_examples=30, deadline=None)
@given(chosen=networks, others=anything)
def test_unused_settings_change_nothing_about_the_network(
    chosen: dict[str, Any], others: dict[str, Any]
) -> None:
    config = buildable(chosen)
    assert config is not None
    changed = dict(chosen)
    for name in sorted(config.unused()):
        attempt = {**changed, name: others[name]}
        # A 1×1 uses its order at some values of it.
        is_unused = (model := buildable(attempt)) is not None and name in model.unused()
        changed = attempt if is_unused else changed
    assume(changed != chosen)
    other = buildable(changed)
    assert other is not None
    assert what_is_built(other) == what_is_built(config)


@pytest.mark.parametrize("noise_level", [0.0, 2.0])  # weak noise may leave all maps above 0
@pytest.mark.parametrize("network", ["resnet8", "lenet"])
@pytest.mark.parametrize("layer", SPATIAL_LAYERS)
@settings(max_examples=2, deadline=None, phases=[Phase.generate])  # to shrink takes minutes
@given(drawn=anything)
def test_every_other_setting_has_a_value_that_changes_it(
    layer: str, network: str, noise_level: float, drawn: dict[str, Any]
) -> None:
    fixed = {"layer": layer, "network": network, "noise_level": noise_level}
    chosen = without_what_the_layer_has_not({**drawn, **fixed})
    # Without a ReLU before it, a normalisation takes every constant away.
    assume((layer, chosen["order"]) != ("constant_masks", "noise_conv_bn_relu"))
    config = buildable(chosen)
    assert config is not None
    built = what_is_built(config)
    for name in VALUES.keys() - config.unused():
        values = [value for value in VALUES[name] if value != chosen[name]]
        others = [other for v in values if (other := buildable({**chosen, name: v})) is not None]
        changes = (what_is_built(other) != built for other in others)
        assert not others or any(changes), name


def test_width_is_mask_count_over_fan_out() -> None:
    assert ModelConfig(dataset=SHAPE, mask_count=32, fan_out=4).width == 8


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"mask_count": 30, "fan_out": 4}, r"fan_out \(=4\) must divide mask_count \(=30\)"),
        ({"mask_count": 0}, r"mask_count \(=0\)"),
        ({"mask_count": 1.5}, r"mask_count \(=1.5\)"),
        ({"noise_level": -0.1}, r"noise_level \(=-0.1\)"),
        ({"noise_level": float("nan")}, r"noise_level \(=nan\)"),
        ({"learning_rate": 0}, r"learning_rate \(=0\)"),
        ({"batch_size": True}, r"batch_size \(=True\)"),
        ({"optimizer": "adamw"}, r"optimizer \(='adamw'\) .* adam, sgd; did you mean adam\?"),
        ({"noise": 0.1}, r"'noise' is not a parameter"),
        ({"epochs": 0}, r"epochs \(=0\)"),
        ({"normalisation": "publisht"}, r"did you mean published\?"),
        ({"normalisation": "published"}, r"needs images of 3 channels, not 1"),
        ({"normalisation": "imagenet"}, r"\(='imagenet'\) needs images of 3 channels, not 1"),
        ({"initial_weights": "imagenet"}, r"in classification all weights are drawn"),
        ({"mask_seed": -1}, r"mask_seed \(=-1\)"),
        ({"grouped": 1}, r"grouped \(=1\) must be True or False"),
        ({"dropout": 1.0}, r"dropout \(=1.0\) must lie below 1"),
        ({"nonzero_share": 0}, r"nonzero_share \(=0\) must lie above 0"),
        ({"layer": "conv3x3", "fan_out": 2}, r"fan_out \(=2\) must be 1 with layer \(=conv3x3\)"),
        ({"layer": "local_binary", "grouped": True}, r"grouped \(=True\) must be False with layer"),
        ({"layer": "conv1x1", "trained_masks": True}, r"trained_masks \(=True\) must be False"),
        ({"trained_masks": True, "noise_level": 0}, r"needs a noise_level \(=0\) above 0"),
    ],
)
def test_what_cannot_be_trained_is_refused_by_name_and_value(
    parameters: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        TrialConfig(model=ModelConfig(dataset=SHAPE)).with_parameters(parameters)


def test_the_words_cost_no_torch_import() -> None:
    code = "import sys, pnn_core.config; sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
