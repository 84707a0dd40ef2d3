"""The Triton kernels do what the plain layer does: `kernel_claims.py`, interpreted and on a GPU.

In processes of their own: triton decides when it is imported whether it interprets.
"""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
CLAIMS = ["-m", "pytest", "--noconftest", "-p", "no:cacheprovider", str(HERE / "kernel_claims.py")]

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("triton") is None, reason="triton is not installed"
)
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")


def run(*arguments: str, **environment: str) -> str:
    """Standard output of a Python process that ends well."""
    process = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert process.returncode == 0, process.stdout + process.stderr
    return process.stdout


@pytest.mark.parametrize(
    "interpret", ["1", pytest.param("0", marks=needs_gpu)], ids=["interpreted", "on a GPU"]
)
def test_all_claims_about_the_kernels_hold(interpret: str) -> None:
    assert " passed" in run(*CLAIMS, TRITON_INTERPRET=interpret)


def test_every_kernel_compiles_for_a_gpu_of_capability_9(tmp_path: Path) -> None:
    compiled = run(
        str(HERE / "compile_kernels.py"),
        "90",
        TRITON_CACHE_DIR=str(tmp_path),
        TRITON_INTERPRET="0",
        PYTHONPATH=str(ROOT),
    )
    source = (ROOT / "pnn_core/fused/triton_kernels.py").read_text(encoding="utf-8")
    kernels = {line.split("(")[0][4:] for line in source.splitlines() if "_kernel(" in line}
    assert set(compiled.split()) == kernels
