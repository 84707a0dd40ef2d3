"""Maps stay channels last through every layer, and no channel is repeated in memory for it."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from pnn_core.config import DatasetShape, MaskConfig, ModelConfig
from pnn_core.layers.map_layer import MapLayer
from pnn_core.models.build import build_model
from pnn_core.parts.layers import SPATIAL_LAYERS
from pnn_core.replicates.batched_modules import DropoutGenerators, batched_network

CONFIG = ModelConfig(
    dataset=DatasetShape(channels=3, height=8, width=8, classes=4), network="resnet8", mask_count=12
)
CPU, LAST = torch.device("cpu"), torch.channels_last


class Names(TorchDispatchMode):
    """Names of the operations that are called."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.names.add(func.overloadpacket.__name__)
        return func(*args, **(kwargs or {}))


def changed(layer: str, fan_out: int) -> ModelConfig:
    used = fan_out if "fan_out" in SPATIAL_LAYERS[layer].uses else 1
    return replace(CONFIG, layer=layer, fan_out=used)


@pytest.mark.parametrize("kind", ["alone", "batched"])
@pytest.mark.parametrize("fan_out", [1, 3])
@pytest.mark.parametrize("layer", SPATIAL_LAYERS)
def test_maps_of_every_layer_stay_channels_last(
    layer: str, fan_out: int, kind: str, use_plain_operators: Callable[[bool], None]
) -> None:
    use_plain_operators(True)
    networks = [build_model(changed(layer, fan_out), seed) for seed in (0, 1)]
    network = (
        networks[0] if kind == "alone" else batched_network(networks, DropoutGenerators(CPU))
    ).to(memory_format=LAST)
    odd: list[str] = []
    for name, module in network.named_modules():

        def look(_module, _inputs, output, name=name) -> None:
            is_map = output.ndim == 4 and output.shape[2] > 1
            if is_map and not output.is_contiguous(memory_format=LAST):
                odd.append(name)

        module.register_forward_hook(look)
    images = torch.randn(4, 3 if kind == "alone" else 6, 8, 8)
    network(images.contiguous(memory_format=LAST))
    assert odd == []


@pytest.mark.parametrize("unique_masks", [True, False])
def test_a_fan_out_repeats_no_channel_in_memory_and_adds_the_same_values(
    unique_masks: bool, use_plain_operators: Callable[[bool], None]
) -> None:
    use_plain_operators(True)
    mask = MaskConfig(unique_masks=unique_masks)
    network = build_model(replace(CONFIG, fan_out=3, mask=mask), 0).to(memory_format=LAST)
    layer = next(module for module in network.modules() if isinstance(module, MapLayer))
    x = torch.randn(5, 4, 8, 8).contiguous(memory_format=LAST).requires_grad_()
    with Names() as called:
        maps = layer.perturb(x)
    assert "index_select" not in called.names
    assert not called.names & {"repeat_interleave", "clone", "_unsafe_view"} or not unique_masks
    x_again = x.detach().clone().requires_grad_()
    expected = x_again.repeat_interleave(3, dim=1) + layer.perturb.noise()
    assert torch.equal(maps, expected)
    weights = torch.randn_like(expected)
    (maps * weights).sum().backward()
    (expected * weights).sum().backward()
    torch.testing.assert_close(x.grad, x_again.grad)
