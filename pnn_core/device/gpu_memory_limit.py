"""Limit of a process's memory on a GPU that other processes train on, too."""

import gc
from contextlib import suppress

import torch

CONTEXT_BYTES = 2**30
"""Bytes that CUDA takes for each process outside torch's allocator: its context and loaded kernels.
An estimate: torch cannot measure it, and drivers differ in it."""


def limit_gpu_memory(device: torch.device, fraction: float) -> None:
    """Limit the memory that this process may take of a GPU.

    Above the limit torch raises `OutOfMemoryError` in this process: a trial that takes too much
    fails, and none of its neighbours does.

    Args:
        device: The GPU; on a CPU nothing is limited, as torch cannot.
        fraction: Fraction of the GPU's memory, above 0; from 1 on nothing is limited.
    """
    if device.type != "cuda" or fraction >= 1:
        return
    total = torch.cuda.mem_get_info(device)[1]
    # This function alone needs the GPU's index, which the device `cuda` has not.
    torch.cuda.set_per_process_memory_fraction(allocator_fraction(fraction, total), device.index)


def allocator_fraction(fraction: float, total: int) -> float:
    """Return the fraction left for torch's allocator; at least half of the process's.

    Args:
        fraction: Fraction of the GPU's memory for the process.
        total: Memory of the GPU, in bytes.
    """
    return max(fraction - CONTEXT_BYTES / total, fraction / 2)


def free_gpu_bytes(device: torch.device) -> int:
    """Return the bytes of a GPU that this process may still fill, those held unused included."""
    free, total = torch.cuda.mem_get_info(device)
    filled = torch.cuda.memory_allocated(device)
    unused = torch.cuda.memory_reserved(device) - filled
    allowed = int(torch.cuda.get_per_process_memory_fraction(device.index) * total) - filled
    return max(0, min(free + unused, allowed))


def release_gpu_memory(device: torch.device) -> None:
    """Release the GPU memory that this process holds unused, so that another one can take it.

    Does nothing on a CPU: there is no hurry, and with torch and Ray loaded a garbage collection
    takes a third of a second. Does nothing if the allocator refuses, as it does after a CUDA error
    or a failed capture: the trial reports that error.
    """
    if device.type == "cuda":
        gc.collect()
        with suppress(RuntimeError):
            torch.cuda.empty_cache()
