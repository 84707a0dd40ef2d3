"""The cluster listens on this machine alone, and is asked for no more than it has."""

import contextlib
import socket
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
import ray

from study.engine.cluster.connect import ClusterError, connected
from study.engine.cluster.growing_cluster import wait_for_resources
from study.engine.cluster.trial_resources import concurrent_trials, trial_resources
from study.results.resources import Resources

pytestmark = pytest.mark.usefixtures("cluster")


def test_nothing_listens_beyond_127_0_0_1() -> None:
    processes = [psutil.Process(), *psutil.Process().children(recursive=True)]
    # Ray's own processes leave the process tree: find them by their session's folder.
    session = Path(ray._private.worker._global_node.get_session_dir_path()).name
    # Asked for by name, a command is nothing where its process has just ended.
    everyone = psutil.process_iter(["cmdline"])
    processes += [p for p in everyone if session in " ".join(p.info["cmdline"] or [])]
    addresses = set()
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess, FileNotFoundError):  # it has just ended
            for one in [process, *process.children(recursive=True)]:
                addresses |= {
                    connection.laddr.ip.removeprefix("::ffff:")
                    for connection in one.net_connections(kind="inet")
                    if connection.status == psutil.CONN_LISTEN
                }
    assert addresses
    assert addresses <= {"127.0.0.1", "::1"}


def test_a_trial_gets_what_was_asked_for() -> None:
    cpus = int(ray.cluster_resources()["CPU"])
    resources = trial_resources(Resources(gpus_per_trial=0.0))
    assert (resources.cpus, resources.gpus, resources.concurrent) == (1, 0.0, cpus)
    assert trial_resources(Resources(cpus_per_trial=cpus, gpus_per_trial=0.0)).concurrent == 1
    assert trial_resources(Resources(max_concurrent=1)).concurrent == 1


def test_more_cpus_than_a_node_has_are_refused() -> None:
    with pytest.raises(ClusterError, match="--cpus-per-trial 4096: the largest node has"):
        trial_resources(Resources(cpus_per_trial=4096))


def test_a_gpu_fraction_without_a_gpu_is_refused(monkeypatch) -> None:
    node = {"Alive": True, "Resources": {"CPU": 16.0}}
    monkeypatch.setattr(ray, "nodes", lambda: [node])
    with pytest.raises(
        ClusterError, match=r"--gpus-per-trial 0.5: there is no GPU: accepted are 0"
    ):
        trial_resources(Resources(gpus_per_trial=0.5))


def test_a_fraction_of_a_gpu_packs_several_trials_on_it(monkeypatch) -> None:
    node = {"Alive": True, "Resources": {"CPU": 16.0, "GPU": 2.0}}
    dead = {"Alive": False, "Resources": {"CPU": 99.0, "GPU": 8.0}}
    monkeypatch.setattr(ray, "nodes", lambda: [node, dead])
    assert trial_resources(Resources(gpus_per_trial=0.25)).concurrent == 8
    assert trial_resources(Resources(gpus_per_trial=0.25, cpus_per_trial=4)).concurrent == 4
    assert trial_resources(Resources()).gpus == 1.0


@pytest.mark.parametrize("gpus", range(1, 9))
def test_every_equal_part_of_every_gpu_is_a_place(monkeypatch, gpus: int) -> None:
    node = {"Alive": True, "Resources": {"CPU": 1024.0, "GPU": float(gpus)}}
    monkeypatch.setattr(ray, "nodes", lambda: [node])
    for trials in range(1, 65):
        resources = trial_resources(Resources(gpus_per_trial=1 / trials))
        assert resources.concurrent == gpus * trials


def test_what_is_left_of_two_gpus_makes_no_place(monkeypatch) -> None:
    node = {"Alive": True, "Resources": {"CPU": 16.0, "GPU": 2.0}}
    monkeypatch.setattr(ray, "nodes", lambda: [node])
    assert trial_resources(Resources(gpus_per_trial=0.4)).concurrent == 4


def test_cpus_and_gpus_on_different_nodes_are_refused(monkeypatch) -> None:
    nodes = [
        {"Alive": True, "Resources": {"CPU": 64.0}},
        {"Alive": True, "Resources": {"CPU": 4.0, "GPU": 1.0}},
    ]
    monkeypatch.setattr(ray, "nodes", lambda: nodes)
    with pytest.raises(ClusterError, match="no node has all of it"):
        trial_resources(Resources(cpus_per_trial=8, gpus_per_trial=1.0))


def test_an_address_that_answers_but_is_no_cluster_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        server.close()
        with pytest.raises(ClusterError, match="no Ray cluster answers"), connected(address):
            pass


def test_memory_and_named_resources_bound_the_trials_of_a_node(monkeypatch) -> None:
    gib = 1 << 30
    large = {"Alive": True, "Resources": {"CPU": 16.0, "memory": 32.0 * gib, "spot": 8.0}}
    small = {"Alive": True, "Resources": {"CPU": 16.0, "memory": 3.0 * gib}}
    monkeypatch.setattr(ray, "nodes", lambda: [large, small])
    assert trial_resources(Resources(memory_per_trial=2.0)).concurrent == 16 + 1
    assert trial_resources(Resources(resources_per_trial="spot=2")).concurrent == 4
    with pytest.raises(ClusterError, match=r"--memory-per-trial 40: the largest node offers 32.0"):
        trial_resources(Resources(memory_per_trial=40.0))
    with pytest.raises(ClusterError, match=r"sopt=1: no node has any: .* have spot"):
        trial_resources(Resources(resources_per_trial="sopt=1"))


def test_trials_and_their_confirmation_have_nodes_by_their_labels(monkeypatch) -> None:
    spot = {"Alive": True, "Resources": {"CPU": 16.0}, "Labels": {"market": "spot", "zone": "a"}}
    own = {"Alive": True, "Resources": {"CPU": 4.0}, "Labels": {"market": "own", "zone": "a"}}
    monkeypatch.setattr(ray, "nodes", lambda: [spot, own])
    asked = Resources(node_labels="market=spot,zone=a", confirm_node_labels="market=own")
    resources = trial_resources(asked)
    assert concurrent_trials(resources) == 16
    assert concurrent_trials(resources.confirming(asked)) == 4
    everywhere = trial_resources(Resources())
    assert concurrent_trials(everywhere.confirming(Resources())) == 20
    wrong = r"--node-labels market=spto: no node has them: .* have market=own, market=spot, zone=a"
    with pytest.raises(ClusterError, match=wrong):
        trial_resources(Resources(node_labels="market=spto"))


def test_a_node_that_joins_is_waited_for(monkeypatch) -> None:
    head = {"Alive": True, "Resources": {"CPU": 0.0}}
    worker = {"Alive": True, "Resources": {"CPU": 2.0}}
    seen = iter([[head]] * 4)
    monkeypatch.setattr(ray, "nodes", lambda: next(seen, [head, worker]))
    said: list[str] = []
    resources = wait_for_resources(Resources(address="auto"), said.append)
    assert resources.concurrent == 2
    (waiting,) = said
    assert waiting.startswith("waiting for nodes: 0 of 1 node that can train a trial (1 CPU each)")


def test_nodes_that_never_join_are_given_up(monkeypatch) -> None:
    small = {"Alive": True, "Resources": {"CPU": 2.0}}
    monkeypatch.setattr(ray, "nodes", lambda: [small])
    at_once = Resources(address="auto", cpus_per_trial=4)
    with pytest.raises(ClusterError, match=r"largest node has 2 CPUs.*--wait-for-nodes SECONDS"):
        wait_for_resources(at_once, pytest.fail)
    waiting = Resources(address="auto", wait_for_nodes=1, min_workers=2)
    with pytest.raises(ClusterError, match=r"1 of 2 nodes with room for a trial \(1 CPU\) came"):
        wait_for_resources(waiting, lambda said: None)


def test_nodes_that_a_confirmation_lacks_are_missed_at_the_start_unless_they_may_join(
    monkeypatch,
) -> None:
    spot = {"Alive": True, "Resources": {"CPU": 16.0}, "Labels": {"market": "spot"}}
    own = {"Alive": True, "Resources": {"CPU": 4.0}, "Labels": {"market": "own"}}
    monkeypatch.setattr(ray, "nodes", lambda: [spot, own])
    asked = Resources(address="auto", confirm_node_labels="market=onw")
    missing = (
        r"--confirm-node-labels market=onw: no node has them: nodes of this cluster have "
        r"market=own, market=spot \(--wait-for-nodes SECONDS waits"
    )
    with pytest.raises(ClusterError, match=missing):
        wait_for_resources(asked, pytest.fail)
    # An autoscaler starts such nodes when they are asked for, after the search.
    assert wait_for_resources(replace(asked, wait_for_nodes=60), pytest.fail).concurrent == 20
    # Trials take a GPU each, and their confirmation would, too.
    monkeypatch.setitem(spot["Resources"], "GPU", 1.0)
    here = replace(asked, confirm_node_labels="market=own")
    with pytest.raises(ClusterError, match="has all of --cpus-per-trial 1 and --gpus-per-trial 1"):
        wait_for_resources(here, pytest.fail)
    del spot["Resources"]["GPU"]
    large = replace(here, cpus_per_trial=8)
    with pytest.raises(ClusterError, match=r"market=own: no node with them has all of --cpus-per"):
        wait_for_resources(large, pytest.fail)
    there = replace(large, cpus_per_trial=4)
    assert wait_for_resources(there, pytest.fail).concurrent == 5
