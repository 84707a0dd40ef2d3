"""The host's memory, in a process that trains on the CPU."""

import ctypes
import sys

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4
"""Of the C library's `mallopt` (malloc.h)."""

_MOST = 2**31 - 1


def keep_freed_memory() -> None:
    """Have this process use freed memory again, where the C library is glibc.

    By default it returns every large tensor's memory to the system at once and then has each page
    of the next one made anew, and cleared: with tensors of tens of megabytes, a third of a training
    step (`benchmarks/layer.py`).
    """
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        libc.mallopt(_M_MMAP_MAX, 0)
        libc.mallopt(_M_TRIM_THRESHOLD, _MOST)
