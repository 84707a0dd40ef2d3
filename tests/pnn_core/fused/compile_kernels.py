"""Compile every kernel of one step for a GPU that need not be there: `compile_kernels.py 90`.

Run by `test_triton_kernels.py` in a process of its own, because triton's driver is replaced.
"""

import sys

import torch
import triton
from triton.backends.compiler import GPUTarget
from triton.runtime.driver import driver

from pnn_core.fused.triton_layer import perturb_relu_norm_combine

compiled: set[str] = set()


class Driver:
    """What triton asks of a GPU before it compiles."""

    def get_current_target(self) -> GPUTarget:
        return GPUTarget("cuda", int(sys.argv[1]), 32)

    def get_current_device(self) -> int:
        return 0

    def get_current_stream(self, device: int) -> int:
        return 0


def compile_only(kernel, grid):
    """In the place of a launch."""

    def launch(*arguments, **constants) -> None:
        binary = kernel.warmup(*arguments, grid=grid, **constants)
        assert binary.asm["cubin"]
        compiled.add(kernel.fn.__name__)

    return launch


driver.set_active(Driver())
triton.JITFunction.__getitem__ = compile_only
x = torch.randn(2, 16, 4, 4, dtype=torch.bfloat16, requires_grad=True)
weight, bias = torch.randn(16, 16, 1, 1, requires_grad=True), torch.randn(16, requires_grad=True)
norm = torch.nn.BatchNorm2d(16)
perturb_relu_norm_combine(x, torch.randn(1, 16, 4, 4), weight, bias, norm).sum().backward()
print(*sorted(compiled))
