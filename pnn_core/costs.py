"""What a network costs, counted on the network itself."""

import torch
from torch import nn

from pnn_core.config import Costs, ModelConfig
from pnn_core.model import build_model
from pnn_core.perturbation import PerturbationLayer


def count_costs(config: ModelConfig) -> Costs:
    """Build a network and count its parameters, mask values and multiply-accumulates."""
    model = build_model(config, seed=0).eval()
    data = config.dataset
    return Costs(
        learnable_params=sum(p.numel() for p in model.parameters() if p.requires_grad),
        mask_values=sum(
            layer.masks.numel() for layer in model.modules() if isinstance(layer, PerturbationLayer)
        ),
        macs=count_macs(model, torch.zeros(1, data.channels, data.height, data.width)),
    )


def count_macs(model: nn.Module, image: torch.Tensor) -> int:
    """Multiply-accumulates of all convolutions and linear layers for one image.

    Counted here because torch's own `FlopCounterMode` imports its compiler first, which would
    cost each worker process two seconds.

    Args:
        model: In evaluation mode.
        image: `[1, channels, height, width]`.
    """
    macs = 0

    def add(
        layer: nn.Conv2d | nn.Linear, _: tuple[torch.Tensor, ...], output: torch.Tensor
    ) -> None:
        nonlocal macs
        macs += output.numel() * layer.weight[0].numel()

    layers = [m for m in model.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    handles = [layer.register_forward_hook(add) for layer in layers]
    with torch.inference_mode():
        model(image)
    for handle in handles:
        handle.remove()
    return macs
