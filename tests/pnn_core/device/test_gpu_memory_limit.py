"""A process keeps to its memory limit on a GPU, and counts as free what it may still fill."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pnn_core.device.gpu_memory_limit import (
    CONTEXT_BYTES,
    allocator_fraction,
    free_gpu_bytes,
    limit_gpu_memory,
)
from pnn_core.device.selection import free_bytes

GPU = torch.device("cuda")
GIB = 2**30
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")


class PretendedGpu:
    """Stand-in for torch's view of a GPU of 80 GiB, with the fraction that was set.

    The fraction is set through torch's own functions, which do not take every device.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.free, self.allocated, self.reserved = 80 * GIB, 0, 0
        self.fraction = 1.0
        for name, answer in {
            "mem_get_info": lambda device: (self.free, 80 * GIB),
            "memory_allocated": lambda device: self.allocated,
            "memory_reserved": lambda device: self.reserved,
            "current_device": lambda: 0,
            "memory._lazy_init": lambda: None,
        }.items():
            monkeypatch.setattr(f"torch.cuda.{name}", answer)
        for name, answer in {
            "_cuda_getMemoryFraction": lambda index: self.fraction,
            "_cuda_setMemoryFraction": lambda fraction, index: setattr(self, "fraction", fraction),
        }.items():
            monkeypatch.setattr(torch._C, name, answer, raising=False)


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> PretendedGpu:
    return PretendedGpu(monkeypatch)


@given(trials=st.integers(1, 64), total=st.integers(GIB, 200 * GIB))
def test_allocators_and_contexts_of_all_trials_fit_on_the_gpu(trials: int, total: int) -> None:
    own = allocator_fraction(1 / trials, total)
    assert 0.5 - 1e-9 <= own * trials <= 1 + 1e-9
    if total >= 2 * trials * CONTEXT_BYTES:
        assert trials * (own * total + CONTEXT_BYTES) <= total * (1 + 1e-9)


def test_a_quarter_of_a_gpu_is_bounded_and_a_whole_one_is_not(gpu: PretendedGpu) -> None:
    limit_gpu_memory(GPU, 1.0)
    assert gpu.fraction == 1.0
    limit_gpu_memory(GPU, 0.25)
    assert gpu.fraction == pytest.approx((20 * GIB - CONTEXT_BYTES) / (80 * GIB))


def test_a_cpu_is_not_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "set_per_process_memory_fraction", pytest.fail)
    limit_gpu_memory(torch.device("cpu"), 0.25)


@pytest.mark.parametrize(
    ("fraction", "free", "reserved", "allocated", "may_fill"),
    [
        (1.0, 70, 8, 5, 73),  # what is held unused is free to this process
        (0.25, 70, 8, 5, 15),  # the rest of its 20 GiB
        (0.25, 6, 8, 5, 9),  # others took more than their fraction
        (0.25, 70, 25, 25, 0),
    ],
)
def test_free_is_what_this_process_may_fill(
    gpu: PretendedGpu, fraction: float, free: int, reserved: int, allocated: int, may_fill: int
) -> None:
    gpu.fraction, gpu.free = fraction, free * GIB
    gpu.reserved, gpu.allocated = reserved * GIB, allocated * GIB
    assert free_gpu_bytes(GPU) == free_bytes(GPU) == may_fill * GIB


@needs_gpu
def test_a_process_that_takes_more_than_its_share_runs_out_of_memory() -> None:
    total = torch.cuda.mem_get_info(GPU)[1]
    try:
        limit_gpu_memory(GPU, 0.25)
        half = torch.empty(total // 8, dtype=torch.uint8, device=GPU)
        with pytest.raises(torch.OutOfMemoryError):
            torch.empty(total // 4, dtype=torch.uint8, device=GPU)
        assert half.numel() <= total / 4 - free_gpu_bytes(GPU)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
