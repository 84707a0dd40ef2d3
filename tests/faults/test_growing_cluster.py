"""A study on a cluster that is a head without CPUs, and grows by Ray's own autoscaler."""

import json
import secrets
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from driver import Driver
from hosts import RAY_PORT, Host, network, why_impossible
from invariants import check
from small_study import NAME, SPACE, arguments, asked, environment, journal_of, scratch
from stored_study import read

STUDY_SECONDS = 400.0
LIMIT = 2
"""Number of workers that the cluster may grow to."""


@pytest.fixture
def head(tmp_path: Path) -> Iterator[Host]:
    """A host on which Ray's autoscaler starts workers of one CPU as further processes."""
    if reason := why_impossible():
        pytest.skip(reason)
    (tmp_path / "armed").mkdir()
    with scratch() as temporary:
        variables = environment(temporary, armed=tmp_path / "armed") | {
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": secrets.token_hex(16),
            "RAY_FAKE_CLUSTER": "1",
            "AUTOSCALER_UPDATE_INTERVAL_S": "1",
        }
        with network(temporary, variables) as hosts:
            config = temporary / "autoscaler.yaml"
            config.write_text(json.dumps(autoscaling(hosts.head.address)))
            hosts.head.start_ray(
                *("--head", "--port", str(RAY_PORT), "--include-dashboard", "false"),
                *("--autoscaling-config", str(config)),
                cpus=0,
            )
            yield hosts.head


def autoscaling(address: str) -> dict[str, object]:
    """Ray's configuration of a cluster whose nodes are processes on one machine."""
    worker = {"resources": {"CPU": 1, "object_store_memory": 200 << 20}, "node_config": {}}
    return {
        "cluster_name": "growing",
        "max_workers": LIMIT,
        "upscaling_speed": 10.0,
        "idle_timeout_minutes": 30,
        "provider": {
            "type": "fake_multinode",
            "gcs_address": f"{address}:{RAY_PORT}",
            "disable_node_updaters": True,  # which would log in by SSH
            "disable_launch_config_check": True,
            "worker_liveness_check": False,  # its nodes have no address of their own to report
        },
        "available_node_types": {
            "head": {"resources": {"CPU": 0}, "node_config": {}, "max_workers": 0},
            "worker": worker | {"min_workers": 0, "max_workers": LIMIT},
        },
        "head_node_type": "head",
        "auth": {},
        "docker": {},
        "initialization_commands": [],
        "setup_commands": [],
        "head_setup_commands": [],
        "worker_setup_commands": [],
        "head_start_ray_commands": [],
        "worker_start_ray_commands": [],
        "file_mounts": {},
        "cluster_synced_files": [],
        "file_mounts_sync_continuously": False,
        "rsync_exclude": [],
        "rsync_filter": [],
    }


def test_a_study_waits_for_the_first_node_and_is_trained_on_as_many_as_it_has_work_for(
    head: Host, tmp_path: Path
) -> None:
    (tmp_path / "space.py").write_text(SPACE)
    output = tmp_path / "studies" / NAME
    tracker = f"sqlite:///{tmp_path}/mlflow.db"
    command = [*arguments(tracker, confirm=False), "--trials", str(LIMIT)]
    address = ("--address", f"{head.address}:{RAY_PORT}")
    driver = Driver(
        [*command, *address],
        tmp_path,
        log="driver",
        environment=head.environment,
        prefix=head.prefix,
    )
    log, hold = tmp_path / "armed" / "epochs.log", tmp_path / "armed" / "hold"
    hold.touch()
    try:
        driver.wait_until(
            "a second node trains", lambda: len(processes(log)) == LIMIT, STUDY_SECONDS
        )
        hold.unlink()
        assert driver.wait(STUDY_SECONDS) == 0, driver.output + driver.errors
    finally:
        driver.end()
    assert "waiting for nodes: 0 of 1 node that can train a trial (1 CPU each)" in driver.output
    stored = read(str(journal_of(output)), tracker, NAME)
    assert check(replace(asked(confirm=False), trials=LIMIT), stored, output / "front.csv") == []


def processes(log: Path) -> set[str]:
    """Processes that have begun an epoch."""
    return {line.split()[2] for line in log.read_text().splitlines()} if log.is_file() else set()
