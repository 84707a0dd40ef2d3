"""The perturbation layer does what Eq. 2 says, and nothing else."""

import io

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from pnn_core.config import MaskConfig, Order
from pnn_core.layers.map_layer import MapLayer
from pnn_core.layers.perturbation import Perturbation


def layer(
    in_channels: int = 3,
    out_channels: int = 5,
    *,
    fan_out: int = 2,
    height: int = 4,
    width: int = 6,
    level: float = 0.5,
    order: Order = "noise_relu_conv",
    bias: bool = True,
    seed: int = 0,
) -> MapLayer:
    return MapLayer(
        Perturbation(
            in_channels,
            fan_out=fan_out,
            height=height,
            width=width,
            mask=MaskConfig(noise_level=level),
            generator=torch.Generator().manual_seed(seed),
        ),
        in_channels,
        out_channels,
        order=order,
        bias=bias,
    )


def equation_2(module: MapLayer, x: torch.Tensor) -> torch.Tensor:
    """Paper Eq. 2, written out: y[t] = Σᵢ relu(N[i] + x[i // fan_out]) · V[t, i]."""
    weight = module.combine.conv.weight[:, :, 0, 0]
    output = torch.zeros(len(x), *weight.shape[:1], *x.shape[2:], dtype=x.dtype)
    for t in range(weight.shape[0]):
        for i in range(weight.shape[1]):
            perturbed = x[:, i // module.perturb.fan_out] + module.perturb.masks[0, i]
            output[:, t] += perturbed.clamp(min=0) * weight[t, i]
        if module.combine.conv.bias is not None:
            output[:, t] += module.combine.conv.bias[t]
    return output


@settings(max_examples=30, deadline=None)
@given(
    in_channels=st.integers(1, 5),
    out_channels=st.integers(1, 5),
    fan_out=st.integers(1, 8),
    height=st.integers(1, 7),
    width=st.integers(1, 7),
    batch=st.integers(1, 3),
    bias=st.booleans(),
    seed=st.integers(0, 2**32),
)
def test_the_layer_equals_a_double_loop_over_equation_2(
    in_channels: int,
    out_channels: int,
    fan_out: int,
    height: int,
    width: int,
    batch: int,
    bias: bool,
    seed: int,
) -> None:
    module = layer(
        in_channels,
        out_channels,
        fan_out=fan_out,
        height=height,
        width=width,
        bias=bias,
        seed=seed,
    ).double()
    x = torch.randn(
        batch, in_channels, height, width, dtype=torch.float64, generator=torch.Generator()
    )

    torch.testing.assert_close(module(x), equation_2(module, x), rtol=1e-12, atol=1e-12)


def test_zero_noise_equals_relu_and_1x1() -> None:
    module = layer(fan_out=1, level=0.0).double()
    x = torch.randn(2, 3, 4, 6, dtype=torch.float64)
    plain = nn.functional.conv2d(x.relu(), module.combine.conv.weight, module.combine.conv.bias)
    # Two kernels may add in another order, and processors round sums differently.
    torch.testing.assert_close(module(x), plain, rtol=1e-12, atol=1e-12)


def test_the_published_order_normalises_between_relu_and_1x1() -> None:
    module = layer(order="noise_relu_bn_conv")
    x = torch.randn(8, 3, 4, 6)
    maps = (x.repeat_interleave(2, dim=1) + module.perturb.masks).relu()
    mean = maps.mean(dim=(0, 2, 3), keepdim=True)
    variance = maps.var(dim=(0, 2, 3), keepdim=True, unbiased=False)
    normalised = (maps - mean) / (variance + 1e-5).sqrt()
    expected = nn.functional.conv2d(
        normalised, module.combine.conv.weight, module.combine.conv.bias
    )
    torch.testing.assert_close(module(x), expected, rtol=1e-4, atol=1e-5)


def test_gradients_equal_finite_differences() -> None:
    module = layer().double()
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2, 3, 4, 6, dtype=torch.float64, generator=generator, requires_grad=True)
    # Kinks of the ReLU have no derivative; this input keeps away from them.
    assert (x.repeat_interleave(2, 1) + module.perturb.masks).abs().min() > 1e-4
    assert torch.autograd.gradcheck(
        lambda image, *_: module(image), (x, *module.parameters()), eps=1e-6
    )


def test_gradients_are_those_of_equation_29_behind_the_relu() -> None:
    """∂y/∂x = Σᵢ vᵢ·[x + nᵢ > 0] and ∂y/∂vᵢ = relu(x + nᵢ): Eq. 29 with the ReLU of Eq. 2."""
    module = layer(1, 1, fan_out=4, bias=False).double()
    x = torch.randn(1, 1, 4, 6, dtype=torch.float64, requires_grad=True)
    module(x).sum().backward()
    perturbed = x.detach() + module.perturb.masks
    weight = module.combine.conv.weight
    expected_x = ((perturbed > 0) * weight.detach().view(1, -1, 1, 1)).sum(1, keepdim=True)
    torch.testing.assert_close(x.grad, expected_x)
    assert weight.grad is not None
    torch.testing.assert_close(weight.grad[0, :, 0, 0], perturbed.relu().sum(dim=(0, 2, 3)))


def test_only_the_1x1_is_learnable() -> None:
    module = layer(bias=False)
    assert [name for name, _ in module.named_parameters()] == ["combine.conv.weight"]
    assert module.combine.conv.weight.shape == (5, 6, 1, 1)


def test_masks_survive_a_checkpoint() -> None:
    module = layer(seed=1)
    file = io.BytesIO()
    torch.save(module.state_dict(), file)
    file.seek(0)
    other = layer(seed=2)
    assert not torch.equal(other.perturb.masks, module.perturb.masks)
    other.load_state_dict(torch.load(file, weights_only=True))
    assert torch.equal(other.perturb.masks, module.perturb.masks)


def test_masks_never_train() -> None:
    module = layer()
    before = module.perturb.masks.clone()
    optimizer = torch.optim.SGD(module.parameters(), lr=1.0)
    for _ in range(3):
        module(torch.randn(2, 3, 4, 6)).square().mean().backward()
        optimizer.step()
    assert not module.perturb.masks.requires_grad
    assert torch.equal(module.perturb.masks, before)


def test_masks_move_with_the_module() -> None:
    module = layer().to(torch.bfloat16)
    assert module.perturb.masks.dtype == torch.bfloat16
    assert module(torch.randn(2, 3, 4, 6, dtype=torch.bfloat16)).dtype == torch.bfloat16
    assert layer().to("meta").perturb.masks.device.type == "meta"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_the_gpu_agrees_with_the_cpu() -> None:
    module = layer().double()
    x = torch.randn(2, 3, 4, 6, dtype=torch.float64)
    expected = module(x)
    torch.testing.assert_close(module.cuda()(x.cuda()).cpu(), expected)


def test_the_same_seed_draws_the_same_masks_and_another_draws_others() -> None:
    assert torch.equal(layer(seed=3).perturb.masks, layer(seed=3).perturb.masks)
    assert not torch.equal(layer(seed=3).perturb.masks, layer(seed=4).perturb.masks)


def test_a_grouped_1x1_needs_a_multiple_of_the_input_channels() -> None:
    with pytest.raises(ValueError, match=r"out_channels \(=5\) .* in_channels \(=3\)"):
        MapLayer(
            Perturbation(
                3,
                fan_out=2,
                height=4,
                width=4,
                mask=MaskConfig(),
                generator=torch.Generator(),
            ),
            3,
            5,
            order="noise_relu_conv",
            bias=True,
            grouped=True,
        )
