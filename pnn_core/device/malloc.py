"""The host's memory, in a process that trains on the CPU."""

import ctypes
import sys

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4
"""Parameters of the C library's `mallopt` (malloc.h)."""

_INT_MAX = 2**31 - 1


def keep_freed_memory() -> None:
    """Keep freed memory in this process for the next allocation, if the C library is glibc.

    By default glibc returns every large tensor's memory to the system at once, and each page of the
    next one is then mapped and cleared anew: with tensors of tens of megabytes, a third of a
    training step (`benchmarks/layer.py`).
    """
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        libc.mallopt(_M_MMAP_MAX, 0)
        libc.mallopt(_M_TRIM_THRESHOLD, _INT_MAX)
