"""A PostgreSQL server of our own."""

import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

SERVER_START_SECONDS = 30


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """A server of our own with an empty database."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if not found or importlib.util.find_spec("psycopg2") is None:
        pytest.skip("needs a PostgreSQL server under /usr/lib/postgresql, and psycopg2")
    owner = _server_account()
    folder = Path(tempfile.mkdtemp(prefix="pnn-postgresql-"))
    try:
        if owner is not None:
            shutil.chown(folder, owner, owner)
        yield from _served(found[-1].parent, folder, owner)
    finally:
        shutil.rmtree(folder)


def _server_account() -> str | None:
    """Who runs the server, which refuses to run as root; None for whoever we are."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        pytest.skip("PostgreSQL does not run as root, and there is no user postgres")


def _served(binaries: Path, folder: Path, owner: str | None) -> Iterator[str]:
    account = {} if owner is None else {"user": owner, "group": owner, "extra_groups": ()}
    initialise: Sequence[str | Path] = [binaries / "initdb", "-D", folder / "data", "-U", "study"]
    subprocess.run(
        [*initialise, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
        check=True,
        capture_output=True,
        cwd=folder,
        **account,
    )
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    # -F: what a power cut would lose does not matter here.
    command = [binaries / "postgres", "-D", folder / "data", "-F", "-h", "127.0.0.1"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "-p", str(port), "-k", folder], cwd=folder, stderr=log, **account
        )
    try:
        _wait_until_it_answers(process, port, folder / "log")
        yield f"postgresql+psycopg2://study:unchecked@127.0.0.1:{port}/postgres"
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()


def _wait_until_it_answers(process: subprocess.Popen, port: int, log: Path) -> None:
    import psycopg2

    deadline = time.monotonic() + SERVER_START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            psycopg2.connect(host="127.0.0.1", port=port, user="study", dbname="postgres").close()
        except psycopg2.OperationalError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(log.read_text())
