"""Controls differ from the perturbation layer in their maps, and only as they say."""

import math
from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from pnn_core.config import DatasetShape, MaskConfig, ModelConfig
from pnn_core.fused.operators import are_built
from pnn_core.layers.fresh_masks import FreshMasks, MaskStream
from pnn_core.layers.perturbation import Perturbation
from pnn_core.layers.shift import STEPS, Shift
from pnn_core.layers.spatial_maps import AveragedMaps, DepthwiseMaps
from pnn_core.models.build import build_model
from pnn_core.models.costs import count_costs
from pnn_core.rng.seeds import Seeds

DATA = DatasetShape(channels=2, height=9, width=8, classes=3)


def network(layer: str, level: float = 0.5, fan_out: int = 1) -> ModelConfig:
    return ModelConfig(
        dataset=DATA,
        network="resnet8",
        layer=layer,
        mask_count=8 * fan_out,
        fan_out=fan_out,
        mask=MaskConfig(noise_level=level),
    )


def step(config: ModelConfig) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """Give the logits and gradients of a training step."""
    model = build_model(config, 3).train()
    images = torch.randn(4, 2, 9, 8, generator=torch.Generator().manual_seed(1))
    logits = model(images)
    logits.square().sum().backward()
    gradients = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
    return logits.detach(), gradients


@pytest.mark.parametrize("fan_out", [1, 2])
@pytest.mark.parametrize(
    "layer", ["perturbation", "constant_masks", "fresh_masks", "blurred_masks"]
)
def test_without_noise_each_layer_of_noise_is_noise_off_to_the_last_bit(
    layer: str, fan_out: int
) -> None:
    quiet, (logits, gradients) = network(layer, 0.0, fan_out), step(network("noise_off", 0.5))
    if fan_out > 1:
        logits, gradients = step(network("noise_off", 0.5, fan_out))
    own_logits, own_gradients = step(quiet)
    assert torch.equal(own_logits, logits)
    assert own_gradients.keys() == gradients.keys()
    assert all(torch.equal(own_gradients[name], gradients[name]) for name in gradients)
    assert not torch.equal(step(network(layer, 0.5, fan_out))[0], logits)


@pytest.mark.parametrize(
    ("layer", "fixed"),
    [
        ("noise_off", 0),
        ("constant_masks", 1),
        ("fresh_masks", 0),
        ("shift", 0),
        ("random_depthwise", 9),
        ("average", 0),
    ],
)
@pytest.mark.parametrize("fan_out", [1, 3])
def test_controls_have_the_learnable_parameters_of_a_perturbation_layer(
    layer: str, fixed: int, fan_out: int
) -> None:
    """And so many fixed numbers for each map of the six layers."""
    costs = count_costs(network(layer, fan_out=fan_out))
    noisy = count_costs(network("perturbation", fan_out=fan_out))
    assert costs.learnable_params == noisy.learnable_params
    assert costs.mask_values == fixed * sum([8, 8, 8, 16, 16, 32]) * fan_out


def test_a_depthwise_network_has_nine_weights_a_map_more() -> None:
    deep, noisy = (count_costs(network(layer, fan_out=3)) for layer in ("depthwise", "noise_off"))
    maps = 3 * sum([8, 8, 8, 16, 16, 32])
    assert deep.learnable_params == noisy.learnable_params + 9 * maps
    pixels = 3 * (8 * 72 + 8 * 72 + 8 * 72 + 16 * 20 + 16 * 20 + 32 * 6)
    assert deep.macs == noisy.macs + 9 * pixels


def test_steps_of_noise_off_are_fan_out_times_as_large() -> None:
    """Equal maps have equal gradients, and the weight of a channel is the sum of theirs."""
    one, three = (build_model(network("noise_off", fan_out=k), 0).double() for k in (1, 3))
    blocks = [model.get_submodule("blocks.0.first.layer") for model in (one, three)]
    with torch.no_grad():
        weight = blocks[0].combine.conv.weight
        blocks[1].combine.conv.weight.copy_(weight.repeat_interleave(3, dim=1) / 3)
        blocks[1].combine.conv.bias.copy_(blocks[0].combine.conv.bias)
    x = torch.randn(4, 8, 9, 8, dtype=torch.float64)
    outputs = [block(x) for block in blocks]
    torch.testing.assert_close(*outputs)
    for output in outputs:
        output.square().sum().backward()
    single, triple = (block.combine.conv.weight.grad for block in blocks)
    torch.testing.assert_close(triple.unflatten(1, (8, 3)).sum(2), 3 * single)


def test_each_constant_mask_is_one_number_of_the_same_distribution() -> None:
    config = network("constant_masks", level=0.7)
    config = replace(config, mask_count=512)
    model = build_model(config, 0)
    masks = [m.masks for m in model.modules() if isinstance(m, Perturbation)]
    assert {mask.shape[2:] for mask in masks} == {(1, 1)}
    values = torch.cat([mask.flatten() for mask in masks])
    assert 0.69 < values.abs().max() <= 0.7
    assert values.std().item() == pytest.approx(0.7 / 3**0.5, rel=0.05)
    assert count_costs(config).mask_values == values.numel()


def test_constant_masks_do_not_tell_where_an_image_is() -> None:
    """An image that is moved gives maps that are moved, away from the border."""
    model = build_model(network("constant_masks"), 0).eval()
    layer = model.get_submodule("blocks.0.first.layer")
    x = torch.randn(1, 8, 9, 8)
    torch.testing.assert_close(layer(x.roll(1, 3)), layer(x).roll(1, 3))
    noisy = build_model(network("perturbation"), 0).eval().get_submodule("blocks.0.first.layer")
    assert not torch.allclose(noisy(x.roll(1, 3)), noisy(x).roll(1, 3), atol=0.01)


def fresh(**settings: object) -> FreshMasks:
    mask = MaskConfig(noise_level=0.5, **settings)  # type: ignore[arg-type]
    return FreshMasks(3, fan_out=2, mask=mask, streams=[MaskStream(torch.Generator())])


def test_fresh_masks_are_new_at_every_step_and_the_batchs_own() -> None:
    module, x = fresh(), torch.randn(4, 3, 5, 6)
    noise = [module(x) - x.repeat_interleave(2, dim=1) for _ in range(3)]
    for drawn in noise:
        torch.testing.assert_close(drawn, drawn[:1].expand_as(drawn))
        assert drawn.abs().max() <= 0.5 + 1e-6
        assert drawn[0].flatten(1).std(dim=1).min() > 0.1
    assert not torch.allclose(noise[0], noise[1])
    assert not torch.allclose(noise[1], noise[2])


def test_fresh_masks_of_all_channels_are_shared_where_they_are_not_unique() -> None:
    x = torch.randn(4, 3, 5, 6)
    noise = (fresh(unique_masks=False)(x) - x.repeat_interleave(2, dim=1)).unflatten(1, (3, 2))
    torch.testing.assert_close(noise, noise[:, :1].expand_as(noise))


def test_fresh_masks_are_their_mean_at_evaluation_and_draw_nothing() -> None:
    module, x = fresh().eval(), torch.randn(4, 3, 5, 6)
    torch.testing.assert_close(module(x), x.repeat_interleave(2, dim=1), rtol=0, atol=0)
    assert module.streams[0].drawn == 0


@pytest.fixture(params=[True, False], ids=["plain", "fused"])
def plain(request: pytest.FixtureRequest, use_plain_operators: object) -> Iterator[None]:
    if not request.param and not are_built():
        pytest.skip("the fused operators are not built here")
    use_plain_operators(request.param)  # type: ignore[operator]
    return iter(())


@pytest.mark.usefixtures("plain")
def test_each_layer_draws_once_a_step_whichever_operators_compute() -> None:
    model = build_model(network("fresh_masks"), 0).train()
    for _ in range(3):
        model(torch.randn(4, 2, 9, 8))
    layers = [m for m in model.modules() if isinstance(m, FreshMasks)]
    assert [layer.streams[0].drawn for layer in layers] == [3] * 6


def test_packed_fresh_masks_draw_what_each_replicate_would() -> None:
    alone, packed = [fresh(), fresh()], [fresh(), fresh()]
    for modules in (alone, packed):
        modules[1].streams[0].seed += 1
    pack, x = FreshMasks.pack(packed), torch.randn(4, 6, 5, 6)
    for _ in range(2):
        expected = [one(own) for one, own in zip(alone, x.chunk(2, dim=1), strict=True)]
        assert torch.equal(pack(x), torch.cat(expected, dim=1))
    # Each goes on alone.
    assert torch.equal(packed[1](x[:, :3]), alone[1](x[:, :3]))


@given(st.integers(1, 20), st.integers(1, 3), st.integers(1, 5), st.integers(1, 5))
def test_map_i_is_moved_by_step_i_mod_9(channels: int, fan_out: int, h: int, w: int) -> None:
    x = torch.randn(2, channels, h, w)
    moved = Shift(fan_out)(x)
    padded = torch.nn.functional.pad(x, (1, 1, 1, 1))
    for i in range(fan_out * channels):
        rows, columns = STEPS[i % 9]
        expected = padded[:, i // fan_out, 1 - rows : 1 - rows + h, 1 - columns : 1 - columns + w]
        assert torch.equal(moved[:, i], expected)


@given(st.integers(1, 60))
def test_shifts_are_as_many_of_each_step_as_can_be(maps: int) -> None:
    image = torch.zeros(1, maps, 3, 3)
    image[:, :, 1, 1] = 1
    counts = Shift(1)(image).sum(dim=(0, 1)).flatten().int().tolist()
    assert max(counts) - min(counts) <= 1
    assert counts[4] == max(counts)  # the centre
    assert sum(counts) == maps


def test_the_gradient_of_a_shift_is_the_shift_back() -> None:
    x = torch.randn(2, 11, 4, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(Shift(2), x)


def test_a_depthwise_map_sees_the_neighbourhood_of_one_channel() -> None:
    module, x = DepthwiseMaps(3, 2), torch.randn(2, 3, 4, 5)
    weight = module.conv.weight
    for i in range(6):
        expected = functional.conv2d(x[:, [i // 2]], weight[[i]], padding=1)
        torch.testing.assert_close(module(x)[:, [i]], expected)


def test_random_depthwise_filters_are_fixed_and_regrow_from_the_masks_seed() -> None:
    config = network("random_depthwise")
    one, other = (
        build_model(config, Seeds(initialisation=i, masks=4, data_order=0)) for i in (0, 1)
    )
    filters = [
        model.get_submodule("blocks.0.first.layer.perturb.conv").weight for model in (one, other)
    ]
    assert torch.equal(*filters)
    assert not filters[0].requires_grad
    published = build_model(replace(config, initialisation="published"), 4)
    drawn = published.get_submodule("blocks.2.second.layer.perturb.conv").weight
    assert drawn.std().item() == pytest.approx((2 / (9 * 32)) ** 0.5, rel=0.1)


def test_an_average_is_of_the_pixels_inside() -> None:
    x = torch.randn(2, 3, 4, 5, dtype=torch.float64)
    means = AveragedMaps(2)(x)
    torch.testing.assert_close(means[:, 2, 0, 0], x[:, 1, :2, :2].mean(dim=(1, 2)))
    torch.testing.assert_close(means[:, 3, 2, 2], x[:, 1, 1:4, 1:4].mean(dim=(1, 2)))
    torch.testing.assert_close(AveragedMaps(1)(torch.ones(1, 1, 1, 1)), torch.ones(1, 1, 1, 1))


def test_blurred_masks_keep_their_variance_at_every_pixel_and_are_correlated() -> None:
    mask = MaskConfig(noise_level=0.6)
    generator = torch.Generator().manual_seed(0)
    masks = Perturbation(
        4000, fan_out=1, height=7, width=12, mask=mask, blur=2.0, generator=generator
    ).masks[0]
    deviations = masks.std(dim=0)
    torch.testing.assert_close(
        deviations, torch.full_like(deviations, 0.6 / 3**0.5), rtol=0.05, atol=0
    )
    neighbours = (masks[:, :, 1:] * masks[:, :, :-1]).mean() / deviations.square().mean()
    assert neighbours.item() == pytest.approx(math.exp(-1 / 16), abs=0.02)


def test_a_mask_of_one_pixel_has_nothing_to_blur() -> None:
    drawn = [
        Perturbation(
            5,
            fan_out=1,
            height=1,
            width=1,
            mask=MaskConfig(),
            blur=blur,
            generator=torch.Generator().manual_seed(1),
        ).masks
        for blur in (0.0, 2.0)
    ]
    assert torch.equal(*drawn)
