"""Tests have caches of their own: they find nothing of a user's there, and leave nothing either."""

import os
import subprocess
import sys
from pathlib import Path

from pnn_core.fused.compile import library_path
from study.results.mlflow import schema_cache

PROGRAM = "from pnn_core.fused.compile import library_path; print(library_path())"


def test_no_cache_is_the_users() -> None:
    own = Path(os.environ["XDG_CACHE_HOME"])
    assert own == Path(__file__).parents[1] / ".pytest_cache" / "caches"
    assert library_path().is_relative_to(own)
    assert schema_cache._tables().is_relative_to(own)


def test_processes_that_tests_start_have_the_same_cache() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, check=True)
    assert Path(done.stdout.decode().strip()) == library_path()


def test_only_the_two_caches_and_rays_token_ask_for_a_home_folder() -> None:
    """Whoever adds a cache gives it a place below `XDG_CACHE_HOME`, or tests would touch it."""
    root = Path(__file__).parents[1]
    asking = {
        str(path.relative_to(root))
        for package in ("pnn_core", "search_spaces", "study", "dashboards")
        for path in (root / package).rglob("*.py")
        if "Path.home()" in path.read_text() or "expanduser" in path.read_text()
    }
    assert asking == {
        "pnn_core/fused/compile.py",
        "study/results/mlflow/schema_cache.py",
        "study/engine/cluster/private_files.py",
    }
