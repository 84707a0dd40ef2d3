"""Memory of this machine, and if images fit in it."""

import os
from pathlib import Path

_CGROUP_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
"""Files in which Linux states the memory that a container may use: second and first version of
control groups."""

MEMORY_SHARE = 0.25
"""Share of all memory for one copy of the images: loading holds two for a moment, and Ray's object
store, 30% of memory by default, holds one."""


def memory_bytes() -> int:
    """Read the memory of this machine, or of the container if it has a limit."""
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limits = [Path(path).read_text() for path in _CGROUP_LIMITS if Path(path).is_file()]
    return min([physical, *(int(limit) for limit in limits if limit.strip() != "max")])


def fits_in_memory(size: int) -> bool:
    """Return True if images of `size` bytes are held in memory: if they take at most a quarter."""
    return size <= MEMORY_SHARE * memory_bytes()
