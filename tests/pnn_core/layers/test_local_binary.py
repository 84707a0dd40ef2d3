"""The local binary layer does what Eq. 1 says."""

import io

import pytest
import torch
from torch import nn

from pnn_core.config import Order
from pnn_core.layers.local_binary import LocalBinaryLayer


def layer(order: Order = "noise_relu_conv", *, seed: int = 0) -> LocalBinaryLayer:
    return LocalBinaryLayer(
        3,
        5,
        fan_out=2,
        nonzero_share=0.5,
        order=order,
        bias=True,
        generator=torch.Generator().manual_seed(seed),
    )


def equation_1(module: LocalBinaryLayer, x: torch.Tensor) -> torch.Tensor:
    """Paper Eq. 1, written out: y[t] = Σᵢ relu(Σₛ b[i, s] * x[s]) · W[t, i]."""
    conv = module.combine.conv
    assert conv.bias is not None
    padded = nn.functional.pad(x, (1, 1, 1, 1))
    height, width = x.shape[2:]
    output = conv.bias.view(1, -1, 1, 1).repeat(len(x), 1, height, width)
    for i, binary in enumerate(module.filter.filters):
        response = torch.zeros(len(x), height, width, dtype=x.dtype)
        for s in range(x.shape[1]):
            for row in range(3):
                for column in range(3):
                    window = padded[:, s, row : row + height, column : column + width]
                    response += binary[s, row, column] * window
        for t in range(output.shape[1]):
            output[:, t] += response.clamp(min=0) * conv.weight[t, i, 0, 0]
    return output


def test_the_layer_equals_a_loop_over_equation_1() -> None:
    module = layer().double()
    x = torch.randn(2, 3, 4, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(module(x), equation_1(module, x))


@pytest.mark.parametrize(
    "order", ["noise_relu_bn_conv", "noise_relu_conv_bn_relu", "noise_conv_bn_relu"]
)
def test_the_order_says_what_stands_before_the_1x1(order: Order) -> None:
    module = layer(order)
    x = torch.randn(4, 3, 4, 6, generator=torch.Generator().manual_seed(0))
    maps = nn.functional.conv2d(x, module.filter.filters, padding=1)
    if order != "noise_conv_bn_relu":
        maps = maps.relu()
    if order == "noise_relu_bn_conv":
        maps = nn.functional.batch_norm(maps, None, None, training=True)
    conv = module.combine.conv
    expected = nn.functional.conv2d(maps, conv.weight, conv.bias)
    torch.testing.assert_close(module(x), expected)


def test_only_the_1x1_is_learnable() -> None:
    module = layer()
    assert [name for name, _ in module.named_parameters()] == [
        "combine.conv.weight",
        "combine.conv.bias",
    ]
    assert module.combine.conv.weight.shape == (5, 6, 1, 1)


def test_filters_survive_a_checkpoint() -> None:
    module, other = layer(seed=1), layer(seed=2)
    file = io.BytesIO()
    torch.save(module.state_dict(), file)
    file.seek(0)
    assert not torch.equal(other.filter.filters, module.filter.filters)
    other.load_state_dict(torch.load(file, weights_only=True))
    assert torch.equal(other.filter.filters, module.filter.filters)


def test_filters_never_train() -> None:
    module = layer()
    before = module.filter.filters.clone()
    optimizer = torch.optim.SGD(module.parameters(), lr=1.0)
    module(torch.randn(2, 3, 4, 6)).square().mean().backward()
    optimizer.step()
    assert torch.equal(module.filter.filters, before)
