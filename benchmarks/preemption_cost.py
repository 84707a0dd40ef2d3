"""Time that a preemption costs the trial on the node that leaves.

    python benchmarks/preemption_cost.py --repeats 3

A study of one trial on a cluster of a head without CPUs and two nodes of one CPU each, all on this
machine. In turn it is left alone and has its node drained once (`ray drain-node`, as a cloud's
notice of preemption does), so that the trial saves itself in mid-epoch and goes on in a new process
on the other node. What the second takes longer is what a preemption costs. Both must end with the
same numbers to the last bit, as no step is trained twice.
"""

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
from machine import print_footer, say
from ray._private.node import Node
from ray.cluster_utils import Cluster

from study.results.mlflow.store import MlflowStore
from study.results.provenance import library_versions

POLL_SECONDS = 0.2

TRAINED_SECONDS = 3.0
"""Time that the trial trains before its node is drained."""

MOVED = "goes on elsewhere"
"""Words of the line that tells of a trial whose node is drained."""


def main() -> int:
    """Run both kinds in turn and print what a preemption costs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--epochs", type=int, default=60, metavar="N")
    parser.add_argument("--repeats", type=int, default=3, metavar="N")
    arguments = parser.parse_args()
    os.environ["RAY_AUTH_MODE"] = "disabled"  # nodes and driver are this machine's alone
    costs = []
    for repeat in range(arguments.repeats):
        alone, figures = timed_study(arguments.epochs, preempted=False)
        drained, others = timed_study(arguments.epochs, preempted=True)
        if figures != others:
            raise SystemExit("the numbers of the two differ: the trial did not go on as it was")
        costs.append(drained - alone)
        say(f"{repeat + 1} of {arguments.repeats}: {alone:.1f} s alone, {drained:.1f} s preempted")
    print(
        f"\na preemption costs its trial {statistics.median(costs):.1f} s "
        f"({min(costs):.1f} to {max(costs):.1f}, {len(costs)} pairs), and no training step"
    )
    print_footer(library_versions())
    return 0


def timed_study(epochs: int, *, preempted: bool) -> tuple[float, list[tuple[float, float]]]:
    """Run the study.

    Args:
        epochs: Epochs of its trial.
        preempted: True to drain the node of the trial once it trains.

    Returns:
        Wall time of the command, and training loss and validation accuracy after each epoch.

    Raises:
        SystemExit: It failed, or ended before its node could be drained.
    """
    with tempfile.TemporaryDirectory(prefix="pnn-") as folder, cluster() as (address, nodes):
        uri = f"sqlite:///{folder}/mlflow.db"
        command = [sys.executable, "-m", "study.run", "--space", "noise_masks", "--trials", "1"]
        command += ["--epochs", str(epochs), "--name", "one", "--address", address]
        command += ["--tracking-uri", uri]
        log = Path(folder, "log")
        started = time.perf_counter()
        with log.open("w") as output:
            process = subprocess.Popen(command, cwd=folder, stdout=output, stderr=output)
        if preempted:
            leaving = wait_for_the_trial(nodes, process)
            time.sleep(TRAINED_SECONDS)
            drain(leaving, address)
        status = process.wait()
        seconds = time.perf_counter() - started
        said = log.read_text()
        if status or (preempted and MOVED not in said):
            raise SystemExit(f"the study failed, or ended before its node was drained:\n{said}")
        (record,) = MlflowStore(uri).load_study("one").records
        (curve,) = record.replicates
        return seconds, [(epoch.train_loss, epoch.val_accuracy) for epoch in curve]


@contextlib.contextmanager
def cluster() -> Iterator[tuple[str, list[Node]]]:
    """Start a head without CPUs and two nodes of one CPU for as long as the context lasts."""
    nodes = Cluster(
        initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False}
    )
    try:
        yield nodes.address, [nodes.add_node(num_cpus=1) for _ in range(2)]
    finally:
        nodes.shutdown()


def wait_for_the_trial(nodes: list[Node], process: subprocess.Popen[bytes]) -> Node:
    """Wait until a trial is in a step, and return its node."""
    while process.poll() is None:
        for node in nodes:
            if trains(node):
                return node
        time.sleep(POLL_SECONDS)
    raise SystemExit("the study ended before its trial began")


def trains(node: Node) -> bool:
    """Return True if a worker of a node is in a trial's step."""
    raylet = psutil.Process(node.all_processes["raylet"][0].process.pid)
    for child in raylet.children():
        with contextlib.suppress(psutil.Error):  # it may end meanwhile
            name = " ".join(child.cmdline()).strip()
            if name.startswith("ray::") and name.endswith(".train"):
                return True
    return False


def drain(node: Node, address: str) -> None:
    """Tell Ray that a node is about to leave."""
    command = [str(Path(sys.executable).with_name("ray")), "drain-node", "--address", address]
    command += ["--node-id", node.node_id, "--reason", "DRAIN_NODE_REASON_PREEMPTION"]
    command += ["--reason-message", "spot notice", "--deadline-remaining-seconds", "600"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


if __name__ == "__main__":
    sys.exit(main())
