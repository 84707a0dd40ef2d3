"""A control is the same network with another layer, of the nearest size that there is."""

from dataclasses import fields, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pnn_core.architecture.matched_size import SIZE_TOLERANCE, control, width_for
from pnn_core.architecture.parameter_count import count_learnable_params
from pnn_core.config import DatasetShape, MaskConfig, ModelConfig, StemConfig
from pnn_core.parts.layers import SPATIAL_LAYERS
from pnn_core.parts.networks import NETWORKS

CIFAR = DatasetShape(channels=3, height=32, width=32, classes=10)
WITHOUT_NOISE: tuple[str, ...] = ("conv3x3", "conv1x1", "local_binary")


def at_width(config: ModelConfig, width: int) -> ModelConfig:
    return replace(config, mask_count=width * config.fan_out)


def size_at(config: ModelConfig, width: int) -> int:
    return count_learnable_params(at_width(config, width))


@pytest.mark.parametrize("layer", ["conv1x1", "local_binary"])
@pytest.mark.parametrize("mask_count", range(16, 161, 16))
def test_controls_with_1x1s_of_pnn_resnet18_come_within_2_percent(
    mask_count: int, layer: str
) -> None:
    found = control(ModelConfig(dataset=CIFAR, mask_count=mask_count), layer)
    assert abs(found.size_difference) <= SIZE_TOLERANCE


@pytest.mark.parametrize("mask_count", [48, 88, 96, 112, 128, 144, 160])
def test_3x3_controls_of_pnn_resnet18_come_within_2_percent_at_these_mask_counts(
    mask_count: int,
) -> None:
    found = control(ModelConfig(dataset=CIFAR, mask_count=mask_count), "conv3x3")
    assert abs(found.size_difference) <= SIZE_TOLERANCE


def test_a_control_that_no_width_brings_near_says_how_far_off_it_is() -> None:
    """ResNet-18 with 3×3s has 69,395 weights at width 5 and 99,616 at 6: too coarse a step."""
    original = ModelConfig(dataset=CIFAR, mask_count=16)
    found = control(original, "conv3x3")
    assert found.model.width == 6
    assert found.size_difference == pytest.approx(99_616 / 93_338 - 1)


@settings(max_examples=80, deadline=None)
@given(
    network=st.sampled_from([*NETWORKS]),
    layer=st.sampled_from(WITHOUT_NOISE),
    width=st.integers(1, 64),
    fan_out=st.sampled_from([1, 2, 8, 64]),
    grouped=st.booleans(),
    trained=st.booleans(),
)
def test_no_width_comes_nearer_than_the_controls(
    network: str, layer: str, width: int, fan_out: int, grouped: bool, trained: bool
) -> None:
    original = ModelConfig(
        dataset=CIFAR,
        network=network,
        mask_count=width * fan_out,
        fan_out=fan_out,
        grouped=grouped,
        mask=MaskConfig(trained_masks=trained),
    )
    size = count_learnable_params(original)
    found = control(original, layer)
    best = found.model
    assert found.size_difference == count_learnable_params(best) / size - 1
    miss = abs(count_learnable_params(best) - size)
    assert not NETWORKS[network].refusal(best)
    for near in (best.width - 1, best.width + 1):
        can_stand = near and not NETWORKS[network].refusal(at_width(best, near))
        assert not can_stand or miss <= abs(size_at(best, near) - size)


def test_a_control_keeps_everything_but_the_layer_its_width_and_the_noises_switches() -> None:
    original = ModelConfig(
        dataset=CIFAR,
        network="resnet8",
        mask_count=64,
        fan_out=8,
        mask=MaskConfig(noise_level=0.3, trained_masks=True),
        order="noise_relu_conv_bn_relu",
        grouped=True,
        mix_maps=True,
        pooling="average",
        before_addition="bn_relu",
        dropout=0.2,
        first_layer=StemConfig(stem="conv7x7"),
    )
    model = control(original, "conv1x1").model
    changed = {
        f.name for f in fields(ModelConfig) if getattr(model, f.name) != getattr(original, f.name)
    }
    assert changed == {"layer", "mask_count", "fan_out", "mask", "grouped", "mix_maps"}
    assert model.mask == replace(original.mask, trained_masks=False)
    assert (model.layer, model.fan_out, model.grouped, model.mix_maps) == (
        "conv1x1",
        1,
        False,
        False,
    )


def test_a_local_binary_control_keeps_the_fan_out_where_sizes_fit() -> None:
    original = ModelConfig(dataset=CIFAR, mask_count=64, fan_out=4)
    found = control(original, "local_binary")
    assert (found.model.fan_out, found.model.mask_count, found.size_difference) == (4, 64, 0.0)


def test_a_local_binary_control_gives_up_the_fan_out_for_a_nearer_size() -> None:
    """Grouped, 64 masks a channel weigh little; ungrouped, one width more is a large step."""
    original = ModelConfig(
        dataset=CIFAR, network="resnet8", mask_count=64 * 10, fan_out=64, grouped=True
    )
    found = control(original, "local_binary")
    assert found.model.fan_out == 1
    assert abs(found.size_difference) <= SIZE_TOLERANCE


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("layer", SPATIAL_LAYERS)
@pytest.mark.parametrize("width", [1, 7, 40])
def test_width_for_finds_the_width_that_has_the_size(network: str, layer: str, width: int) -> None:
    config = ModelConfig(dataset=CIFAR, network=network, layer=layer, mask_count=3)
    assert width_for(config, size_at(config, width)) == width


def test_width_for_refuses_a_size_that_no_width_has() -> None:
    config = ModelConfig(dataset=CIFAR, layer="conv3x3")
    with pytest.raises(ValueError, match=r"=93000\).*width 5 has 69395 and width 6 has 99616"):
        width_for(config, 93_000)
    with pytest.raises(ValueError, match=r"=10\).*width 1 has 2991; accepted"):
        width_for(config, 10)
