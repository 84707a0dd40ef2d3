"""A study over hosts with addresses of their own: the link is cut, a host dies, another joins."""

import json
import secrets
import shutil
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest
from driver import Driver
from hosts import HEAD_ADDRESS, RAY_PORT, Host, Network, network, run_in, why_impossible
from postgres import PASSWORD, Postgres, postgres, programs, unprivileged_user
from small_study import NAME, SPACE, arguments, asked, environment, scratch
from tracker import Tracker, running

STUDY_SECONDS = 500.0
CUT_SECONDS = 4.0
NOTICE_SECONDS = 6.0
"""What a worker may take to see that its host is drained, its trial being held meanwhile."""
CHECK = """
import json, sys
from pathlib import Path
from invariants import Asked, check
from stored_study import read
asked, storage, tracker, front = json.loads(sys.argv[1])
asked["objectives"] = tuple(map(tuple, asked["objectives"]))
asked["layers"] = tuple(asked["layers"])
found = check(Asked(**asked), read(storage, tracker, asked["study"]), Path(front))
print(json.dumps([violation.text for violation in found]))
"""


@dataclass(frozen=True, kw_only=True)
class Site:
    """What the study needs: the hosts, the servers on the first, a folder that all see."""

    network: Network
    server: Postgres
    tracker: Tracker
    shared: Path


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Ray, MLflow and PostgreSQL on the first host."""
    user = unprivileged_user()
    if reason := why_impossible():
        pytest.skip(reason)
    if programs() is None or user is None or shutil.which("setpriv") is None:
        pytest.skip("PostgreSQL, setpriv or a user to run them as is missing")
    pytest.importorskip("psycopg2", reason="psycopg2 is not installed")
    with ExitStack() as stack:
        temporary = stack.enter_context(scratch())
        temporary.chmod(0o711)
        armed = tmp_path / "armed"
        armed.mkdir()
        variables = environment(temporary, armed=armed) | {
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": secrets.token_hex(16),
            # A host that is gone is given up after seconds, one that is cut off for less is not.
            "RAY_health_check_period_ms": "1000",
            "RAY_health_check_timeout_ms": "3000",
            "RAY_health_check_failure_threshold": "5",
        }
        hosts = stack.enter_context(network(temporary, variables))
        server = stack.enter_context(
            postgres(hosts.head, temporary / "pg", user, "optuna", "mlflow")
        )
        tracker = Tracker(
            tmp_path,
            database=server.url("mlflow"),
            host=hosts.head.address,
            prefix=hosts.head.prefix,
        )
        stack.enter_context(running(tracker))
        port = ("--port", str(RAY_PORT), "--include-dashboard", "false")
        hosts.head.start_ray("--head", *port, cpus=1)
        yield Site(network=hosts, server=server, tracker=tracker, shared=tmp_path)


def test_a_study_survives_a_cut_link_a_lost_host_and_a_drained_one_and_uses_one_that_joins(
    site: Site,
) -> None:
    head, first = site.network.head, join(site)
    (site.shared / "space.py").write_text(SPACE)
    hold = site.shared / "armed" / "hold"
    hold.touch()
    driver = Driver(
        [
            *arguments(site.tracker.uri, confirm=False),
            *("--address", f"{head.address}:{RAY_PORT}", "--storage", site.server.url("optuna")),
            *("--checkpoints", str(site.shared / "checkpoints")),
        ],
        site.shared,
        log="driver",
        environment=head.environment,
        prefix=head.prefix,
    )
    try:
        driver.wait_until(
            "both hosts train", lambda: head.training() and first.training(), STUDY_SECONDS
        )
        site.network.cut(first)
        time.sleep(CUT_SECONDS)
        site.network.restore(first)
        driver.wait_until("the host that was cut off trains again", first.training, STUDY_SECONDS)
        # Without a farewell to anyone, as when its power fails.
        site.network.cut(first)
        first.kill()
        second = join(site)
        driver.wait_until("the host that joined trains", second.training, STUDY_SECONDS)
        drain(second)
        time.sleep(NOTICE_SECONDS)
        hold.unlink()
        assert driver.wait(STUDY_SECONDS) == 0, driver.output + driver.errors
    finally:
        driver.end()
    assert f"goes on elsewhere: its node {socket.gethostname()} is drained" in driver.output
    assert found_by_the_checker(site) == []
    assert PASSWORD not in driver.output + driver.errors
    study_file = (site.shared / "studies" / NAME / "study.json").read_text()
    assert PASSWORD not in study_file
    assert site.server.url("optuna", masked=True) in study_file


def test_a_host_without_the_token_is_refused(site: Site) -> None:
    stranger = site.network.add_host()
    stranger.environment["RAY_AUTH_TOKEN"] = secrets.token_hex(16)
    with pytest.raises((RuntimeError, TimeoutError), match=r"(?i)token|auth"):
        stranger.start_ray("--address", f"{site.network.head.address}:{RAY_PORT}", cpus=1)


def join(site: Site) -> Host:
    """Another host in Ray's cluster."""
    host = site.network.add_host()
    host.start_ray("--address", f"{site.network.head.address}:{RAY_PORT}", cpus=1)
    return host


def drain(host: Host) -> None:
    """Tell Ray that a host is about to leave, as a cloud's notice does."""
    command = [str(Path(sys.executable).with_name("ray")), "drain-node"]
    command += ["--address", f"{HEAD_ADDRESS}:{RAY_PORT}", "--reason-message", "spot notice"]
    command += ["--reason", "DRAIN_NODE_REASON_PREEMPTION", "--node-id", node_of(host)]
    command += ["--deadline-remaining-seconds", "600"]
    run_in(host, command, Path(__file__).parent)


def node_of(host: Host) -> str:
    """Ray's identifier of a host, as its raylet was started with it."""
    for process in host.processes():
        for word in process.cmdline():
            if word.startswith("--node_id="):
                return word.partition("=")[2]
    raise RuntimeError(f"no raylet runs on {host.name}")


def found_by_the_checker(site: Site) -> list[str]:
    """Asked on the first host, as the servers cannot be reached from elsewhere."""
    expected = asdict(asked(confirm=False))
    front = str(site.shared / "studies" / NAME / "front.csv")
    question = json.dumps([expected, site.server.url("optuna"), site.tracker.uri, front])
    command = [sys.executable, "-W", "ignore", "-c", CHECK, question]
    printed = run_in(site.network.head, command, Path(__file__).parent)
    found: list[str] = json.loads(printed.splitlines()[-1])
    return found
