"""Lower bound of a training step's time: bytes that must move, and matrix products."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from pnn_core.layers.map_layer import MapLayer
from pnn_core.layers.perturbation import Perturbation

COPIED_BYTES = 2**28
MATRIX_SIZE = {"cpu": 1024, "cuda": 8192}
REPEATS = 20

ADAM_PASSES = 7
"""Passes of Adam: weight, gradient and both moments are read; weight and moments are written."""


@dataclass(frozen=True, kw_only=True)
class Floor:
    """Lower bound of a training step's time.

    Attributes:
        bytes_moved: Each layer's input and output and their gradients once each, the masks, the
            weights, and Adam's moments. Operations between two layers (BN, ReLU, pool, addition)
            count as free, and so does the second reading that BN's statistics need, so that no
            form can be faster.
        flops: Operations of the matrix products, forward and backward.
        bandwidth: Bytes per second of the fastest copy, read and written.
        rate: Operations per second of the fastest large matrix product.
    """

    bytes_moved: float
    flops: float
    bandwidth: float
    rate: float

    @property
    def seconds(self) -> float:
        """Seconds of the slower of the two, as if they overlapped perfectly."""
        return max(self.bytes_moved / self.bandwidth, self.flops / self.rate)


def measure_floor(model: nn.Module, images: torch.Tensor, dtype: torch.dtype) -> Floor:
    """Count on the network, measure on the device.

    Args:
        model: The project's network.
        images: A batch.
        dtype: Type of the tensors between layers.
    """
    bytes_moved, flops = count(model, images, dtype.itemsize)
    source = torch.ones(COPIED_BYTES, dtype=torch.uint8, device=images.device)
    target = torch.empty_like(source)
    copying = measure_seconds(lambda: target.copy_(source), images.device)
    size = MATRIX_SIZE[images.device.type]
    factor = torch.ones(size, size, dtype=dtype, device=images.device)
    product = torch.empty_like(factor)
    multiplying = measure_seconds(lambda: torch.mm(factor, factor, out=product), images.device)
    return Floor(
        bytes_moved=bytes_moved,
        flops=flops,
        bandwidth=2 * COPIED_BYTES / copying,
        rate=2 * size**3 / multiplying,
    )


def count(model: nn.Module, images: torch.Tensor, itemsize: int) -> tuple[float, float]:
    """Count bytes and operations of one training step of a batch.

    Args:
        model: Network, which is left as it was but for its statistics.
        images: The batch.
        itemsize: Bytes of a number between layers.
    """
    bytes_moved = flops = 0.0

    def add(
        layer: MapLayer | nn.Conv2d | nn.Linear,
        inputs: tuple[torch.Tensor, ...],
        output: torch.Tensor,
    ) -> None:
        nonlocal bytes_moved, flops
        combination = layer.combine.conv if isinstance(layer, MapLayer) else layer
        x, of_image = inputs[0], inputs[0] is images
        # Forward: x is read, y written. Backward: x and ∂y are read, ∂x written.
        bytes_moved += itemsize * ((2 if of_image else 3) * x.numel() + 2 * output.numel())
        products = 2 if of_image else 3  # for y, ∂V and ∂x
        flops += 2 * products * output[:, 0].numel() * combination.weight.numel()

    combining = [m for m in model.modules() if isinstance(m, MapLayer)]
    inner = {m.combine.conv for m in combining}
    weighing = [m for m in model.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    outer = [*combining, *(m for m in weighing if m not in inner)]
    handles = [m.register_forward_hook(add) for m in outer]
    with torch.no_grad():
        model(images)
    for handle in handles:
        handle.remove()
    learned = sum(p.numel() * p.element_size() for p in model.parameters())
    noise = [m.masks for m in model.modules() if isinstance(m, Perturbation)]
    masks = sum(m.numel() * m.element_size() for m in noise)
    # Masks and weights are read forward and backward, gradients of the weights written.
    return bytes_moved + (ADAM_PASSES + 3) * learned + 2 * masks, flops


def measure_seconds(work: Callable[[], object], device: torch.device) -> float:
    """Return the least wall time, so that other programs on the machine do not raise the bound."""
    seconds = []
    for _ in range(REPEATS):
        synchronize(device)
        start = time.perf_counter()
        work()
        synchronize(device)
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def synchronize(device: torch.device) -> None:
    """Wait for all work of a GPU."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
