"""The next start sweeps what a killed driver left, and nothing else."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from study.engine.cluster import leftovers
from study.engine.cluster.leftovers import MARK, end_own, marked, scratch_folder, sweep

SLEEP = [sys.executable, "-c", "print(flush=True); import time; time.sleep(60)"]

DRIVER = """
import os, signal, subprocess, sys
from study.engine.cluster.leftovers import marked, scratch_folder

with marked(), scratch_folder():
    asleep = [sys.executable, "-c", "import time; time.sleep(60)"]
    left = subprocess.Popen(asleep, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    print(left.pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(autouse=True)
def _own_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)


def started() -> subprocess.Popen[str]:
    process = subprocess.Popen(SLEEP, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()  # it bears its environment from here on
    return process


def test_what_a_killed_driver_left_is_swept_and_a_living_one_keeps_its_own(tmp_path: Path) -> None:
    killed = subprocess.run([sys.executable, "-c", DRIVER], capture_output=True, text=True)
    left = int(killed.stdout)
    (gone,) = tmp_path.glob("pnn-study-tune-*")
    with marked(), scratch_folder() as mine:
        own = started()
        sweep()
        assert own.poll() is None
        assert mine.is_dir()
    assert not gone.exists()
    with pytest.raises(ProcessLookupError):
        while True:  # until whoever takes in orphans has buried it
            os.kill(left, 0)
            if Path(f"/proc/{left}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                raise ProcessLookupError
    end_own()
    assert own.wait(10) == -9
    own.stdout.close()  # type: ignore[union-attr]
    assert MARK not in os.environ


def test_a_process_without_a_mark_is_let_alone() -> None:
    other = started()
    sweep()
    end_own()
    assert other.poll() is None
    other.kill()
    other.wait()
    other.stdout.close()  # type: ignore[union-attr]


def test_all_processes_of_its_own_are_found_before_the_first_is_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Ray's threads abort a process that sees one gone: nothing slow may come after that."""
    steps: list[str] = []
    original = leftovers._marked_processes

    def found() -> Iterator[tuple[int, str]]:
        yield from original()
        steps.append("found")

    with marked():
        children = [started() for _ in range(2)]
    monkeypatch.setattr(leftovers, "_marked_processes", found)
    monkeypatch.setattr(
        leftovers, "_end", lambda pid: (steps.append("ended"), os.kill(pid, signal.SIGKILL))
    )
    end_own()
    assert steps == ["found", "ended", "ended"]
    for child in children:
        assert child.wait() == -signal.SIGKILL
        child.stdout.close()  # type: ignore[union-attr]
