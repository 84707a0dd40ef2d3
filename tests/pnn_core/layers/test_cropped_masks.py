"""Masks on maps that are smaller than they: the upper left part of them, and never another size."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pnn_core.config import MaskConfig
from pnn_core.layers.map_layer import MapLayer
from pnn_core.layers.perturbation import BatchedPerturbation, Perturbation

SIDE = 9


def masks(*, crop: bool = True, unique: bool = True, trained: bool = False) -> Perturbation:
    return Perturbation(
        3,
        fan_out=2,
        height=SIDE,
        width=SIDE,
        mask=MaskConfig(noise_level=0.5, unique_masks=unique, trained_masks=trained),
        crop=crop,
        generator=torch.Generator().manual_seed(0),
    )


edges = st.integers(1, SIDE)


@given(height=edges, width=edges, unique=st.booleans(), trained=st.booleans())
def test_smaller_maps_get_what_lies_there_on_the_largest(height, width, unique, trained):
    source = masks(unique=unique, trained=trained)
    x = torch.randn(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))
    for made in (source, BatchedPerturbation([source])):
        assert torch.equal(made(x[:, :, :height, :width]), made(x)[:, :, :height, :width])


@pytest.mark.parametrize("last", [torch.contiguous_format, torch.channels_last])
def test_fused_operators_give_what_torchs_own_give(last, use_plain_operators):
    results = []
    for plain in (False, True):
        use_plain_operators(plain)
        layer = MapLayer(masks(), 3, 4, order="noise_relu_bn_conv", bias=False).double()
        with torch.no_grad():
            layer.combine.conv.weight.copy_(torch.linspace(-1, 1, 24).reshape(4, 6, 1, 1))
        layer.to(memory_format=last)
        x = torch.randn(2, 3, 5, 7, generator=torch.Generator().manual_seed(1)).double()
        x = x.to(memory_format=last).requires_grad_()
        y = layer(x)
        y.square().sum().backward()
        results.append((y.detach(), x.grad, layer.combine.conv.weight.grad))
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other)


def test_larger_maps_are_refused_and_smaller_ones_where_masks_are_not_to_be_cropped():
    for source, size in ((masks(), SIDE + 1), (masks(crop=False), SIDE - 1)):
        with pytest.raises(ValueError, match=rf"the masks are 9×9 .* the feature map is {size}×9"):
            source(torch.zeros(1, 3, size, 9))
