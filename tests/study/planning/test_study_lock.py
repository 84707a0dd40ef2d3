"""One process runs a study; its death, however sudden, lets go of it."""

import errno
import fcntl
import json
import os
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from study.planning.study_lock import StudyLockedError, locked

HOLDER = """
import sys, time
from pathlib import Path
from study.planning.study_lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""

PARENT = """
import os, signal, subprocess, sys, time
from pathlib import Path
from study.planning.study_lock import locked
with locked(Path(sys.argv[1])):
    program = subprocess.Popen(["sleep", "60"], close_fds=False)
    ready, told = os.pipe()
    forked = os.fork()
    if forked == 0:
        os.write(told, b".")
        signal.pause()
    os.read(ready, 1)
    print(program.pid, forked, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_second_process_is_refused_with_the_first_ones_host_and_id(tmp_path, holder) -> None:
    with pytest.raises(StudyLockedError) as caught, locked(tmp_path):
        pass
    assert str(caught.value) == (
        f"study {tmp_path.name} is being run by process {holder.pid} on host "
        f"{socket.gethostname()}: wait for it or end it first"
    )
    held = json.loads((tmp_path / "lock").read_text())
    assert (held["pid"], held["host"]) == (holder.pid, socket.gethostname())


def test_the_death_of_its_holder_frees_it_and_the_file_left_behind_is_no_obstacle(
    tmp_path: Path, holder
) -> None:
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert json.loads((tmp_path / "lock").read_text())["pid"] == holder.pid
    with locked(tmp_path):
        assert json.loads((tmp_path / "lock").read_text())["pid"] == os.getpid()


def test_it_is_free_again_at_the_end_and_after_a_refusal(tmp_path: Path) -> None:
    for _ in range(2):
        with locked(tmp_path):
            with pytest.raises(StudyLockedError), locked(tmp_path):
                pass
            # The refused one took nothing with it.
            with pytest.raises(StudyLockedError), locked(tmp_path):
                pass


def test_children_that_outlive_a_killed_holder_do_not_hold_it(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        children = [int(text) for text in parent.stdout.readline().split()]
        try:
            assert len(children) == 2
            parent.kill()
            parent.wait()
            with locked(tmp_path):
                pass
        finally:
            for child in children:
                os.kill(child, signal.SIGKILL)


def test_a_holder_that_wrote_nothing_yet_is_refused_too(tmp_path: Path) -> None:
    with (tmp_path / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(StudyLockedError, match="is being run by another process: "):
            locked(tmp_path).__enter__()


def test_a_file_system_without_locks_is_named(tmp_path: Path, monkeypatch) -> None:
    def without(file: object, operation: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", without)
    with pytest.raises(OSError, match=r"lock cannot be locked: its file system has no locks; "):
        locked(tmp_path).__enter__()


def test_a_file_that_cannot_grow_is_named_and_left_unlocked(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        with pytest.raises(OSError, match=r"cannot write: File too large: '.*/lock'"):
            locked(tmp_path).__enter__()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    with locked(tmp_path):
        pass
