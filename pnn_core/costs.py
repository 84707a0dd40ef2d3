"""What a network costs, counted on the network itself."""

import torch
from torch.utils.flop_counter import FlopCounterMode

from pnn_core.config import Costs, ModelConfig
from pnn_core.perturbation import PerturbationLayer
from pnn_core.resnet import PerturbationResNet


def count_costs(config: ModelConfig) -> Costs:
    """Count parameters, mask values and multiply-accumulates without allocating the network."""
    with torch.device("meta"):
        model = PerturbationResNet(config, torch.Generator()).eval()
        data = config.dataset
        image = torch.empty(1, data.channels, data.height, data.width)
        with FlopCounterMode(display=False) as flops, torch.no_grad():
            model(image)
    return Costs(
        learnable_params=sum(p.numel() for p in model.parameters() if p.requires_grad),
        mask_values=sum(
            layer.masks.numel() for layer in model.modules() if isinstance(layer, PerturbationLayer)
        ),
        # The counter counts a multiply-accumulate as two operations.
        macs=flops.get_total_flops() // 2,
    )
