"""The default device, its name and its free memory."""

import platform
import re
from pathlib import Path

import torch

from pnn_core.data.memory import memory_bytes
from pnn_core.device.gpu_memory_limit import free_gpu_bytes

_MEMORY_FILE = Path("/proc/meminfo")
"""File in which Linux reports the use of its memory."""


def default_device() -> torch.device:
    """Return the first GPU if there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def describe_device(device: torch.device) -> str:
    """Return a device's name, such as `NVIDIA H100 80GB HBM3` or `cpu (x86_64)`."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{device.type} ({platform.machine()})"


def free_bytes(device: torch.device) -> int:
    """Return the bytes that this process may fill, within its limit on a GPU or its container."""
    if device.type == "cuda":
        return free_gpu_bytes(device)
    used_for = _MEMORY_FILE.read_text() if _MEMORY_FILE.is_file() else ""
    available = re.search(r"^MemAvailable: *(\d+) kB$", used_for, re.MULTILINE)
    limit = memory_bytes()
    return min(limit, int(available[1]) * 1024) if available else limit
