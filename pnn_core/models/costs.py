"""Costs of a network, counted on the network itself."""

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

import torch
from torch import nn
from torch.func import functional_call

from pnn_core.config import Costs, DatasetShape, ModelConfig
from pnn_core.layers.leaf_module import LeafModule
from pnn_core.models.build import build_shapes
from pnn_core.parts.networks import NETWORKS


def count_costs(config: ModelConfig) -> Costs:
    """Build a network's shapes and count its parameters, mask values and multiply-accumulates.

    No number is drawn and none is computed, so that this takes some hundredths of a second for
    every network at every image size, but for networks of other people, which are built and given
    one image. Networks that differ in nothing but how strong their noise is, as most trials of a
    search do, are counted once.
    """
    return _count_costs(replace(config, mask=replace(config.mask, noise_level=1.0)))


@lru_cache(maxsize=1024)
def _count_costs(config: ModelConfig) -> Costs:
    model = build_shapes(config)
    return Costs(
        learnable_params=sum(p.numel() for p in model.parameters() if p.requires_grad),
        mask_values=count_mask_values(model),
        macs=count_macs(model, config.dataset, batch=_counted_batch(config)),
    )


def count_mask_values(model: nn.Module) -> int:
    """Count fixed numbers: all that is not learned, but for batch normalisation's statistics."""
    buffers = [
        buffer
        for module in model.modules()
        if not isinstance(module, nn.BatchNorm2d)
        for buffer in module.buffers(recurse=False)
    ]
    frozen = [parameter for parameter in model.parameters() if not parameter.requires_grad]
    return sum(values.numel() for values in buffers + frozen)


def count_activations(config: ModelConfig) -> int:
    """Count the values that all layers of a network give for one image, each layer's once.

    An upper bound of what training keeps for the backward pass: layers that work in place count,
    too.
    """
    model = build_shapes(config)
    layers = [module for module in model.modules() if not list(module.children())]
    return _sum_outputs(
        model, dict.fromkeys(layers, 1), config.dataset, batch=_counted_batch(config)
    )


def count_macs(model: nn.Module, dataset: DatasetShape, *, batch: int = 0) -> int:
    """Count multiply-accumulates of all convolutions and linear layers for one image.

    Counted on a batch of no images, which has all the shapes and none of the arithmetic. Neither
    torch's own `FlopCounterMode` nor an image on its meta device would do: each imports a compiler
    first, which would cost each worker process a second or two.

    Args:
        model: Network on any device, the meta device too; is put into evaluation mode.
        dataset: Shape of the image.
        batch: Number of images to count on: 1 for a network that cannot take none.
    """
    each: dict[nn.Module, int] = {
        m: m.macs_per_output if isinstance(m, LeafModule) else m.weight[0].numel()
        for m in model.modules()
        if isinstance(m, nn.Conv2d | nn.Linear | LeafModule)
    }
    return _sum_outputs(model, each, dataset, batch=batch)


def _counted_batch(config: ModelConfig) -> int:
    """Return the number of images to count on: code of other people may need one."""
    return int(NETWORKS[config.network].has_own_widths)


def _sum_outputs(
    model: nn.Module, each: Mapping[nn.Module, int], dataset: DatasetShape, *, batch: int
) -> int:
    """Sum what layers give for one image, each value times its layer's factor."""
    total = 0

    def add(layer: nn.Module, _: tuple[torch.Tensor, ...], output: object) -> None:
        nonlocal total
        for given in output if isinstance(output, (tuple, list)) else (output,):
            if isinstance(given, torch.Tensor):
                total += given.shape[1:].numel() * each[layer]

    handles = [layer.register_forward_hook(add) for layer in each]
    state = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    shapes = {name: torch.empty(t.shape, dtype=t.dtype) for name, t in state.items()}
    image = torch.zeros(batch, dataset.channels, dataset.height, dataset.width)
    # Where gradients are on, all modules are called: operators for the CPU go round some of them.
    with torch.enable_grad():
        functional_call(model.eval(), shapes, image)
    for handle in handles:
        handle.remove()
    return total
