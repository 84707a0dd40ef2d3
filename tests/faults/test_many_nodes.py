"""A study across nodes of a cluster, one of which leaves and another of which joins."""

import contextlib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from driver import Driver
from invariants import check
from ray._private import ray_constants
from ray._private.node import Node
from ray.cluster_utils import Cluster
from small_study import NAME, SPACE, arguments, asked, environment, journal_of, scratch
from stored_study import read
from tracker import Tracker, running

STUDY_SECONDS = 400.0


@pytest.fixture
def variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """The environment of nodes and driver, in which each worker notes the epochs it begins."""
    (tmp_path / "armed").mkdir()
    with scratch() as temporary:
        # Ray's own test cluster lives partly in this process, which may have loaded Ray without
        # a token long before; `test_two_hosts.py` has authentication on.
        settings = environment(temporary, armed=tmp_path / "armed") | {
            "RAY_AUTH_MODE": "disabled",
            "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
        }
        for name in settings.keys() - {"TMPDIR"}:
            monkeypatch.setenv(name, settings[name])
        # By this, and by the variable above in other processes, Ray keeps to 127.0.0.1.
        monkeypatch.setattr(ray_constants, "ENABLE_RAY_CLUSTER", False)
        yield settings


@pytest.fixture
def nodes(variables: dict[str, str]) -> Iterator[Cluster]:
    """A head that trains nothing and one node."""
    cluster = Cluster(
        initialize_head=True,
        head_node_args={"num_cpus": 0, "include_dashboard": False},
    )
    yield cluster
    cluster.shutdown()


def test_trials_of_a_node_that_leaves_go_on_from_their_checkpoints_on_another(
    nodes: Cluster, variables: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "space.py").write_text(SPACE)
    output = tmp_path / "studies" / NAME
    hold = tmp_path / "armed" / "hold"
    hold.touch()
    staying, leaving = (nodes.add_node() for _ in range(2))
    with running(Tracker(tmp_path)) as tracker:
        command = arguments(tracker.uri, confirm=False)
        address = ("--address", nodes.address)
        driver = Driver([*command, *address], tmp_path, log="driver", environment=variables)
        try:
            driver.wait_until(
                "two trials are saved, one on each node",
                lambda: trains(staying) and trains(leaving) and saved(output) >= 2,
                STUDY_SECONDS,
            )
            nodes.remove_node(leaving, allow_graceful=False)
            joining = nodes.add_node()
            driver.wait_until("the node that joined trains", lambda: trains(joining), STUDY_SECONDS)
            hold.unlink()
            assert driver.wait(STUDY_SECONDS) == 0, driver.output + driver.errors
        finally:
            driver.end()
        stored = read(str(journal_of(output)), tracker.uri, NAME)
    assert check(asked(confirm=False), stored, output / "front.csv") == []
    assert "tried again (attempt 2 of 3)" in driver.output + driver.errors
    moved = second_beginnings(tmp_path / "armed" / "epochs.log")
    assert moved, "no trial went on in another process"
    assert all(epoch > 1 for epoch in moved.values()), moved


def trains(node: Node) -> bool:
    """Whether a worker of a node is in a trial's step."""
    raylet = psutil.Process(node.all_processes["raylet"][0].process.pid)
    for child in raylet.children():
        with contextlib.suppress(psutil.Error):  # it may end meanwhile
            command = " ".join(child.cmdline()).strip()
            if command.startswith("ray::") and command.endswith(".train"):
                return True
    return False


def saved(output: Path) -> int:
    """Checkpoints of running trials that are whole: a file is there under another name before."""
    return sum(path.is_file() for path in (output / "checkpoints").glob("**/*.ckpt"))


def second_beginnings(log: Path) -> dict[str, int]:
    """For each seed that more than one process trained, where the second one began."""
    epochs: dict[str, dict[str, int]] = defaultdict(dict)
    for line in log.read_text().splitlines():
        seed, epoch, process = line.split()
        epochs[seed].setdefault(process, int(epoch))
    return {seed: [*first.values()][1] for seed, first in epochs.items() if len(first) > 1}
