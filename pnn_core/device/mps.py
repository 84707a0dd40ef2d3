"""CUDA's multi-process service (MPS): kernels of several processes run on a GPU at once with it.

Without it processes take turns on a GPU. CUDA itself connects each process to the service where its
control daemon runs; nothing in a program asks for it.
https://docs.nvidia.com/deploy/mps/index.html
"""

import os
from pathlib import Path

DEFAULT_FOLDER = Path("/tmp/nvidia-mps")  # noqa: S108  # where CUDA looks, too
"""Folder of the daemon's pipes where `CUDA_MPS_PIPE_DIRECTORY` names no other."""

_PID_FILE = "nvidia-cuda-mps-control.pid"


def mps_runs() -> bool:
    """Return True if the control daemon that this process would connect to is alive."""
    folder = Path(os.environ.get("CUDA_MPS_PIPE_DIRECTORY") or DEFAULT_FOLDER)
    try:
        os.kill(int((folder / _PID_FILE).read_text(encoding="ascii")), 0)
    except PermissionError:  # alive, and another user's
        return True
    except (OSError, ValueError, OverflowError):
        return False
    return True
