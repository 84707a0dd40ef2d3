"""Costs of a network, counted on the network itself."""

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

import torch
from torch import nn
from torch.func import functional_call

from pnn_core.architecture.parameter_count import count_backbone_params
from pnn_core.config import DETECTION, Costs, DatasetShape, ModelConfig
from pnn_core.layers.leaf_module import LeafModule
from pnn_core.models.build import build_shapes
from pnn_core.models.counted_parts import CountedInParts, CountedPart
from pnn_core.parts.feature_map import FeatureMap
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
        backbone_params=_count_backbone(config),
    )


def _count_backbone(config: ModelConfig) -> int:
    return count_backbone_params(config) if config.dataset.task == DETECTION else 0


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
    too, and in detection as many regions as a step of training samples.
    """
    model, dataset = build_shapes(config), config.dataset
    layers = [module for module in model.modules() if not list(module.children())]
    each = dict.fromkeys(layers, 1)
    if not isinstance(model, CountedInParts):
        return _sum_outputs(_whole(model, dataset), each, batch=_counted_batch(config))
    parts = model.counted_parts(dataset, training=True)
    # What comes into a part may have been made between two of them, as aligned regions are.
    given = sum(part.times * part.inputs.channels * part.inputs.pixels for part in parts)
    return given + sum(_sum_outputs(part, each) for part in parts)


def count_macs(model: nn.Module, dataset: DatasetShape, *, batch: int = 0) -> int:
    """Count multiply-accumulates of all convolutions and linear layers for one image.

    In detection that is of the whole image, and of as many regions as an evaluation keeps at most.
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
    if isinstance(model, CountedInParts):
        parts = model.counted_parts(dataset, training=False)
        return sum(_sum_outputs(part, each, batch=batch) for part in parts)
    return _sum_outputs(_whole(model, dataset), each, batch=batch)


def _whole(model: nn.Module, dataset: DatasetShape) -> CountedPart:
    """Take a network as the one part that it has."""
    image = FeatureMap(channels=dataset.channels, height=dataset.height, width=dataset.width)
    return CountedPart(module=model, inputs=image, times=1)


def _counted_batch(config: ModelConfig) -> int:
    """Return the number of images to count on: code of other people may need one."""
    return int(NETWORKS[config.network].has_own_widths)


def _sum_outputs(part: CountedPart, each: Mapping[nn.Module, int], *, batch: int = 0) -> int:
    """Sum what a part's layers give for one image, each value times its layer's factor."""
    model, inputs, total = part.module, part.inputs, 0

    def add(layer: nn.Module, _: tuple[torch.Tensor, ...], output: object) -> None:
        nonlocal total
        for given in output if isinstance(output, (tuple, list)) else (output,):
            if isinstance(given, torch.Tensor):
                total += given.shape[1:].numel() * each[layer]

    handles = [m.register_forward_hook(add) for m in model.modules() if m in each]
    state = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    shapes = {name: torch.empty(t.shape, dtype=t.dtype) for name, t in state.items()}
    image = torch.zeros(batch, inputs.channels, inputs.height, inputs.width)
    # Where gradients are on, all modules are called: operators for the CPU go round some of them.
    with torch.enable_grad():
        functional_call(model.eval(), shapes, image)
    for handle in handles:
        handle.remove()
    return part.times * total
