"""A training run is described in one place, and refused with the value that is wrong."""

import subprocess
import sys

import pytest

from pnn_core.config import (
    PARAMETER_NAMES,
    DatasetShape,
    MaskConfig,
    ModelConfig,
    OptimConfig,
    StemConfig,
    TrialConfig,
)

SHAPE = DatasetShape(channels=1, height=8, width=8, classes=10)


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
        mask_seed=2,
        data_order_seed=3,
    )
    default = TrialConfig(model=ModelConfig(dataset=SHAPE))
    assert set(config.parameters()) == set(PARAMETER_NAMES) - {"nonzero_share"}
    assert default.with_parameters(config.parameters()) == config


@pytest.mark.parametrize(
    ("parameters", "left_out"),
    [
        ({"layer": "conv3x3"}, {"fan_out", "order", "noise_level", "unique_masks", "grouped"}),
        ({"layer": "local_binary"}, {"noise_level", "grouped"}),
        ({}, {"nonzero_share", "stem_noise_level", "momentum", "mask_seed"}),
        ({"network": "vgg16"}, {"before_addition"}),
    ],
)
def test_settings_that_change_nothing_are_left_out(
    parameters: dict[str, object], left_out: set[str]
) -> None:
    default = TrialConfig(model=ModelConfig(dataset=SHAPE))
    config = default.with_parameters(parameters)
    assert not left_out & set(config.parameters())
    assert default.with_parameters(config.parameters()) == config


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
        ({"optimizer": "adamw"}, r"optimizer \(='adamw'\) must be one of adam, sgd"),
        ({"noise": 0.1}, r"'noise' is not a parameter"),
        ({"epochs": 0}, r"epochs \(=0\)"),
        ({"mask_seed": -1}, r"mask_seed \(=-1\)"),
        ({"grouped": 1}, r"grouped \(=1\) must be True or False"),
        ({"dropout": 1.0}, r"dropout \(=1.0\) must lie below 1"),
        ({"nonzero_share": 0}, r"nonzero_share \(=0\) must lie above 0"),
        ({"layer": "conv3x3", "fan_out": 2}, r"fan_out \(=2\) must be 1 with layer \(=conv3x3\)"),
        ({"layer": "local_binary", "grouped": True}, r"grouped \(=True\) needs layer perturbation"),
        ({"layer": "conv1x1", "trained_masks": True}, r"trained_masks \(=True\) needs layer pert"),
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
