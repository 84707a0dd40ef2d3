"""A process's share of a GPU that others train on, too."""

import gc
from contextlib import suppress

import torch

CONTEXT_BYTES = 2**30
"""What CUDA takes for each process beside torch's own allocator: its context and the kernels that
it loads. An allowance: torch cannot see it, and drivers differ in it."""


def limit_gpu_memory(device: torch.device, share: float) -> None:
    """Bound what this process may take of a GPU's memory.

    Beyond it torch raises that memory is short, in this process: a trial that takes too much costs
    itself and none of its neighbours.

    Args:
        device: The GPU; nothing is bounded on a CPU, which has no such bound.
        share: Of all of its memory, above 0; nothing is bounded from 1 on.
    """
    if device.type != "cuda" or share >= 1:
        return
    total = torch.cuda.mem_get_info(device)[1]
    # Of all that torch asks of a GPU, the fraction alone wants its number: `cuda` has none.
    torch.cuda.set_per_process_memory_fraction(allocator_fraction(share, total), device.index)


def allocator_fraction(share: float, total: int) -> float:
    """What is left of a process's share for torch's allocator; at least half of it.

    Args:
        share: Of all memory.
        total: All of it, in bytes.
    """
    return max(share - CONTEXT_BYTES / total, share / 2)


def free_gpu_bytes(device: torch.device) -> int:
    """Bytes of a GPU that this process may still fill: what it holds unused is free to it."""
    free, total = torch.cuda.mem_get_info(device)
    filled = torch.cuda.memory_allocated(device)
    unused = torch.cuda.memory_reserved(device) - filled
    allowed = int(torch.cuda.get_per_process_memory_fraction(device.index) * total) - filled
    return max(0, min(free + unused, allowed))


def release_gpu_memory(device: torch.device) -> None:
    """Give a GPU back what this process holds unused, before another one asks for it.

    Nothing on a CPU: there is no hurry, and with torch and Ray loaded the collection takes a third
    of a second. Nothing either where the allocator refuses, as it does after an error of CUDA's or
    a recording that failed: the trial tells what that was.
    """
    if device.type == "cuda":
        gc.collect()
        with suppress(RuntimeError):
            torch.cuda.empty_cache()
