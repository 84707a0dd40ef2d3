"""Freed memory is used again."""

import platform
import subprocess
import sys

import pytest

PROGRAM = """
import resource
import torch
from pnn_core.device.malloc import keep_freed_memory

if {keep}:
    keep_freed_memory()
for _ in range(20):
    torch.ones(2**23)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    torch.ones(2**23)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library is not glibc")
def test_tensors_take_the_memory_that_others_left() -> None:
    def pages_made_anew(*, keep: bool) -> int:
        program = PROGRAM.format(keep=keep)
        return int(subprocess.check_output([sys.executable, "-c", program]))

    pages = 10 * 4 * 2**23 // 2**12
    assert pages_made_anew(keep=False) > pages / 2
    assert pages_made_anew(keep=True) < pages / 100
