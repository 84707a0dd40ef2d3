"""Each GPU of a cluster holds as many trials as fit into it: the first case of `different_gpus.py`.

In a process of its own, as Ray takes up its authentication once in a process, and its own test
cluster knows none. The other cases, of nodes that leave, join or are held by another study, need
minutes of both cores each: `pytest tests/study/engine/tune/different_gpus.py` runs them.
"""

import os
import subprocess
import sys
from pathlib import Path

CASES = Path(__file__).with_name("different_gpus.py")
FIRST = "test_each_gpu_is_filled_with_as_many_trials_as_fit_into_it"
SECONDS = 400.0


def test_each_gpu_is_filled_with_as_many_trials_as_fit_into_it() -> None:
    # Ray's own test cluster knows no authentication: its workers could not reach a driver of one.
    variables = {name: value for name, value in os.environ.items() if "RAY_AUTH" not in name}
    words = ("-q", "-p", "no:cacheprovider", "-p", "no:xdist", f"{CASES}::{FIRST}")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        env=variables | {"RAY_AUTH_MODE": "disabled"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
