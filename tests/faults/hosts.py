"""Hosts on one machine: network namespaces, each with a link of its own to the first."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import psutil

HEAD_ADDRESS = "10.77.0.1"
RAY_PORT = 6399
RAY_SECONDS = 90.0


class Host:
    """A network namespace with Ray in it.

    Args:
        name: Of the namespace.
        address: Its own.
        folder: For Ray's sockets and logs; its path is short.
        environment: Of what runs in it.
    """

    def __init__(
        self, name: str, address: str, folder: Path, environment: Mapping[str, str]
    ) -> None:
        self.name = name
        self.address = address
        self.prefix = ("ip", "netns", "exec", name)
        self.folder = folder
        self.environment = {**environment, "RAY_TMPDIR": str(folder)}
        folder.mkdir()

    def start_ray(self, *role: str, cpus: int) -> None:
        """Start Ray's processes and wait until they run.

        Args:
            role: Options that make it the head or name the head to join.
            cpus: That Ray may use here.

        Raises:
            RuntimeError: It does not start.
        """
        command = [*self.prefix, str(Path(sys.executable).with_name("ray")), "start", *role]
        command += ["--node-ip-address", self.address, "--num-cpus", str(cpus)]
        command += ["--object-store-memory", str(200 << 20), "--disable-usage-stats"]
        command += ["--temp-dir", str(self.folder / "ray"), "--include-log-monitor", "false"]
        log = self.folder / "start.log"
        with log.open("wb") as output:
            ended = subprocess.run(
                command, stdout=output, stderr=output, timeout=RAY_SECONDS, env=self.environment
            )
        if ended.returncode != 0:
            raise RuntimeError(f"ray does not start on {self.name}: {log.read_text()}")

    def processes(self) -> list[psutil.Process]:
        """Everything that runs in it."""
        listed = subprocess.run(
            ["ip", "netns", "pids", self.name], capture_output=True, text=True, timeout=30
        )
        found = []
        for pid in listed.stdout.split():
            with contextlib.suppress(psutil.NoSuchProcess):
                found.append(psutil.Process(int(pid)))
        return found

    def training(self) -> bool:
        """Whether a worker of Ray is in the middle of a trial's step."""
        for process in self.processes():
            with contextlib.suppress(psutil.Error):
                command = " ".join(process.cmdline()).strip()
                if command.startswith("ray::") and command.endswith(".train"):
                    return True
        return False

    def kill(self) -> None:
        """End everything in it at once."""
        deadline = time.monotonic() + 30
        while (left := self.processes()) and time.monotonic() < deadline:
            for process in left:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.send_signal(signal.SIGKILL)
            time.sleep(0.1)


class Network:
    """The hosts, the first of which all others reach over links of their own.

    Args:
        folder: With a short path; each host gets one within.
        environment: Of what runs in the hosts.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._environment = environment
        self._hosts: list[Host] = []
        self.head = self._add(HEAD_ADDRESS)
        _ip("-n", self.head.name, "address", "add", f"{HEAD_ADDRESS}/32", "dev", "lo")

    def add_host(self) -> Host:
        """Another host, linked to the first."""
        number = len(self._hosts)
        near, far = f"10.77.{number}.1", f"10.77.{number}.2"
        host = self._add(far)
        ends = ("type", "veth", "peer", "name", "eth0", "netns", host.name)
        _ip("-n", self.head.name, "link", "add", _link_to(host), *ends)
        _ip("-n", self.head.name, "address", "add", f"{near}/24", "dev", _link_to(host))
        _ip("-n", self.head.name, "link", "set", "dev", _link_to(host), "up")
        _ip("-n", host.name, "address", "add", f"{far}/24", "dev", "eth0")
        _ip("-n", host.name, "link", "set", "dev", "eth0", "up")
        _ip("-n", host.name, "route", "add", "default", "via", near)
        return host

    def cut(self, host: Host) -> None:
        """Let nothing through between a host and the first, and tell neither."""
        _ip("-n", self.head.name, "link", "set", "dev", _link_to(host), "down")

    def restore(self, host: Host) -> None:
        """Undo `cut`."""
        _ip("-n", self.head.name, "link", "set", "dev", _link_to(host), "up")

    def end(self) -> None:
        """End all that runs in the hosts, then the hosts."""
        for host in self._hosts:
            host.kill()
            _ip("netns", "del", host.name)

    def _add(self, address: str) -> Host:
        name = f"pnn{os.getpid()}-{len(self._hosts)}"
        _ip("netns", "add", name)
        host = Host(name, address, self._folder / str(len(self._hosts)), self._environment)
        self._hosts.append(host)
        _ip("-n", name, "link", "set", "dev", "lo", "up")
        return host


@contextlib.contextmanager
def network(folder: Path, environment: Mapping[str, str]) -> Iterator[Network]:
    """Hosts that are gone when the context ends."""
    hosts = Network(folder, environment)
    try:
        yield hosts
    finally:
        hosts.end()


def why_impossible() -> str:
    """Why this process cannot make hosts; empty if it can."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        return "network namespaces need iproute2 and root"
    name = f"pnn{os.getpid()}-try"
    try:
        _ip("netns", "add", name)
        _ip("-n", name, "link", "add", "try", "type", "veth", "peer", "name", "try2")
    except RuntimeError as error:
        return f"network namespaces are not permitted here: {error}"
    finally:
        subprocess.run(["ip", "netns", "del", name], capture_output=True)
    return ""


def _link_to(host: Host) -> str:
    return f"to-{host.name.rpartition('-')[2]}"


def _ip(*arguments: str) -> None:
    ended = subprocess.run(["ip", *arguments], capture_output=True, text=True, timeout=30)
    if ended.returncode != 0:
        raise RuntimeError(f"ip {' '.join(arguments)}: {ended.stderr.strip()}")


def run_in(host: Host, command: Sequence[str], folder: Path) -> str:
    """Run a command in a host to its end.

    Returns:
        What it printed on standard output.

    Raises:
        RuntimeError: It failed.
    """
    ended = subprocess.run(
        [*host.prefix, *command],
        cwd=folder,
        env=host.environment,
        capture_output=True,
        text=True,
        timeout=180,
    )
    if ended.returncode != 0:
        raise RuntimeError(f"{command} failed on {host.name}: {ended.stderr}")
    return ended.stdout
