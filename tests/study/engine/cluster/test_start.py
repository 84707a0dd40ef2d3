"""A cluster of one keeps what it makes to its owner; where it cannot start, the place is named."""

import errno
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from study.engine.cluster.start_failures import describe_start

START = """
from pathlib import Path
import ray
from study.engine.cluster.connect import connected

try:
    with connected(None):
        folder = Path(ray.nodes()[0]["RayletSocketName"]).parents[1]
        for path in (folder, Path.home() / ".ray", Path.home() / ".ray" / "auth_token"):
            print(oct(path.stat().st_mode & 0o777))
except OSError as error:
    print(error)
"""


def start(**variables: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", START], capture_output=True, text=True, env=os.environ | variables
    )
    return done.stdout.splitlines()


def test_what_ray_makes_is_its_owners_alone(tmp_path: Path) -> None:
    (tmp_path / ".ray").mkdir(mode=0o755)
    assert start(HOME=str(tmp_path)) == ["0o700", "0o700", "0o600"]


def test_a_long_temporary_path_says_which_variable_to_set(tmp_path: Path) -> None:
    long = tmp_path / ("x" * 90)
    long.mkdir()
    (said,) = start(TMPDIR=str(long))
    assert said == (
        f"{long}: its path is too long for the sockets that Ray makes in it: set RAY_TMPDIR to "
        "another folder, with a short path, such as /tmp"
    )


def test_a_place_out_of_reach_is_named_and_not_blamed_on_ray(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (said,) = start(RAY_TMPDIR=str(tmp_path / "file"))
    assert said.startswith(f"{tmp_path}/file/ray cannot be used: not a directory: make it usable")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "/t, where Ray keeps its files: no spa"),
        (
            PermissionError(errno.EACCES, "Permission denied", "/t/ray"),
            "/t/ray cannot be used: per",
        ),
        (OSError(errno.EROFS, "Read-only file system", "/h/.ray/auth_token"), "of your HOME"),
        (
            RuntimeError("the node\n died"),
            "Ray could not be started on this machine: the node died",
        ),
        (RuntimeError(), "Ray could not be started on this machine: RuntimeError"),
    ],
)
def test_the_reason_names_the_place(
    error: Exception, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_TMPDIR", "/t")
    monkeypatch.setenv("HOME", "/h")
    assert said in describe_start(error)


def test_the_driver_waits_for_its_control_store_as_long_as_is_set_and_not_rays_minute(
    tmp_path: Path,
) -> None:
    """Shortened, as nobody would wait for ten minutes to see that it is not one."""
    script = """
import time
import psutil
import study.engine.cluster.connect as connect
connect.STARVED_SECONDS = 2
with connect.connected(None):
    children = psutil.Process().children(recursive=True)
    (raylet,) = [child for child in children if child.name() == "raylet"]
    assert raylet.environ()["RAY_gcs_rpc_server_reconnect_timeout_s"] == "2"
    (store,) = [child for child in children if child.name().startswith("gcs_server")]
    store.kill()
    time.sleep(300)
"""
    began = time.monotonic()
    command = [sys.executable, "-c", script]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=200, cwd=tmp_path)
    assert "Failed to connect to GCS within 2 seconds" in ended.stderr
    assert ended.returncode != 0
    assert time.monotonic() - began < 55
