"""A PostgreSQL server of one's own, with a password that must not be seen anywhere."""

import contextlib
import os
import pwd
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

PORT = 5499
PASSWORD = "pa55-w0rd"
START_SECONDS = 60.0


def programs() -> Path | None:
    """The folder of the server's programs; None where it is not installed."""
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (folder / "postgres").exists():
            return folder
    found = shutil.which("postgres")
    return Path(found).parent if found else None


def unprivileged_user() -> str | None:
    """Whom the server may run as: it refuses to be root's."""
    with contextlib.suppress(KeyError):
        return pwd.getpwnam("postgres").pw_name
    with contextlib.suppress(KeyError):
        return pwd.getpwnam("nobody").pw_name
    return None


class Place(Protocol):
    """Where a server runs: a host, or this machine."""

    prefix: tuple[str, ...]
    address: str


class Postgres:
    """A server in a host, listening on its address.

    Args:
        host: Where it runs.
        folder: For its data; whom it runs as may enter it.
        user: Whom it runs as.
        port: That it listens on.
    """

    def __init__(self, host: Place, folder: Path, user: str, port: int = PORT) -> None:
        self._host = host
        self._port = port
        self._data = folder / "data"
        self._user = user
        self._process: subprocess.Popen[bytes] | None = None
        bin_folder = programs()
        assert bin_folder is not None
        self._bin = bin_folder
        secret = folder / "password"
        secret.write_text(PASSWORD)
        for path in (folder, secret):
            shutil.chown(path, user)
        self._run("initdb", "-D", str(self._data), "-U", "study", "--auth=scram-sha-256")
        with (self._data / "pg_hba.conf").open("a") as rules:
            rules.write("host all all all scram-sha-256\n")

    def url(self, database: str, *, masked: bool = False) -> str:
        """Where a database of it is, for SQLAlchemy."""
        password = "***" if masked else PASSWORD
        server = f"{self._host.address}:{self._port}"
        return f"postgresql+psycopg2://study:{password}@{server}/{database}"

    def start(self, *databases: str) -> None:
        """Start it and make databases."""
        command = [str(self._bin / "postgres"), "-D", str(self._data), "-p", str(self._port)]
        command += ["-h", self._host.address, "-k", "", "-c", "fsync=off"]
        with (self._data / "server.log").open("wb") as log:
            self._process = subprocess.Popen(
                [*self._host.prefix, *self._as_user(), *command], stdout=log, stderr=log
            )
        deadline = time.monotonic() + START_SECONDS
        address = ("-h", self._host.address, "-p", str(self._port))
        while subprocess.run(
            [*self._host.prefix, str(self._bin / "pg_isready"), *address], capture_output=True
        ).returncode:
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise RuntimeError((self._data / "server.log").read_text())
            time.sleep(0.1)
        for database in databases:
            self._run("createdb", *address, "-U", "study", database)

    def end(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=10)

    def _run(self, program: str, *arguments: str) -> None:
        if program == "initdb":
            arguments += (f"--pwfile={self._data.parent / 'password'}",)
        ended = subprocess.run(
            [*self._host.prefix, *self._as_user(), str(self._bin / program), *arguments],
            capture_output=True,
            text=True,
            timeout=120,
            cwd="/",
            env=os.environ | {"PGPASSWORD": PASSWORD},
        )
        if ended.returncode != 0:
            raise RuntimeError(f"{program} failed: {ended.stderr}")

    def _as_user(self) -> list[str]:
        group = pwd.getpwnam(self._user).pw_gid
        return ["setpriv", f"--reuid={self._user}", f"--regid={group}", "--clear-groups"]


@contextlib.contextmanager
def postgres(
    host: Place, folder: Path, user: str, *databases: str, port: int = PORT
) -> Iterator[Postgres]:
    """A server that is gone when the context ends."""
    folder.mkdir()
    server = Postgres(host, folder, user, port)
    try:
        server.start(*databases)
        yield server
    finally:
        server.end()
