"""Time that a preemption costs the trial on the node that leaves.

    python benchmarks/preemption_cost.py --repeats 3

A study of one trial on a cluster of a head without CPUs and two nodes of one CPU each, all on this
machine. Its node is drained once (`ray drain-node`, as a cloud's notice of preemption does), so
that the trial saves itself in mid-epoch and goes on in a new process on the other node. Seconds
count from the start of that command. The study must end with the numbers of one that was left
alone, to the last bit: no step is trained twice.
"""

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, TypeVar

import psutil
from machine import print_footer, say
from ray._private.node import Node
from ray.cluster_utils import Cluster

from study.results.mlflow.store import MlflowStore
from study.results.provenance import library_versions

T = TypeVar("T")

POLL_SECONDS = 0.1

TRAINED_SECONDS = 3.0
"""Time that the trial trains before its node is drained."""

MOVED = "goes on elsewhere"
"""Words of the line that tells of a trial whose node is drained."""


def main() -> int:
    """Preempt a study some times and print what it costs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--epochs", type=int, default=30, metavar="N")
    parser.add_argument("--repeats", type=int, default=3, metavar="N")
    arguments = parser.parse_args()
    os.environ["RAY_AUTH_MODE"] = "disabled"  # nodes and driver are this machine's alone
    alone, _ = run_study(arguments.epochs, preempted=False)
    costs = []
    for repeat in range(arguments.repeats):
        figures, cost = run_study(arguments.epochs, preempted=True)
        if figures != alone or cost is None:
            raise SystemExit("the numbers differ: the trial did not go on as it was")
        costs.append(cost)
        say(f"{repeat + 1} of {arguments.repeats}: saved {cost.saved:.1f} s, {cost.again:.1f} s")
    print("\n| after the notice of preemption, s | median | range |\n|---|---:|---:|")
    for name, values in (
        ("the trial is saved, and the driver says so", [cost.saved for cost in costs]),
        ("it is in a step on the other node", [cost.again for cost in costs]),
    ):
        print(
            f"| {name} | {statistics.median(values):.1f} | {min(values):.1f} to {max(values):.1f} |"
        )
    print_footer(library_versions())
    return 0


class Cost(NamedTuple):
    """Seconds from the notice of a preemption.

    Attributes:
        saved: Until the driver says that the trial was saved and goes on elsewhere.
        again: Until it is in a step there.
    """

    saved: float
    again: float


def run_study(epochs: int, *, preempted: bool) -> tuple[list[tuple[float, float]], Cost | None]:
    """Run the study.

    Args:
        epochs: Epochs of its trial.
        preempted: True to drain the node of the trial once it trains.

    Returns:
        Training loss and validation accuracy after each epoch, and what the preemption cost.

    Raises:
        SystemExit: It failed, or ended before its node could be drained.
    """
    with tempfile.TemporaryDirectory(prefix="pnn-") as folder, cluster() as (address, nodes):
        uri, log = f"sqlite:///{folder}/mlflow.db", Path(folder, "log")
        command = [sys.executable, "-m", "study.run", "--space", "noise_masks", "--trials", "1"]
        command += ["--epochs", str(epochs), "--name", "one", "--address", address]
        command += ["--tracking-uri", uri]
        with log.open("w") as output:
            process = subprocess.Popen(command, cwd=folder, stdout=output, stderr=output)
        cost = preempt(nodes, address, process, log) if preempted else None
        if process.wait():
            raise SystemExit(f"the study failed:\n{log.read_text()}")
        (record,) = MlflowStore(uri).load_study("one").records
        (curve,) = record.replicates
        return [(epoch.train_loss, epoch.val_accuracy) for epoch in curve], cost


def preempt(nodes: list[Node], address: str, process: subprocess.Popen[bytes], log: Path) -> Cost:
    """Drain the node of the trial once it trains, and see it go on."""
    leaving = wait_for(lambda: next(filter(trains, nodes), None), process)
    (other,) = (node for node in nodes if node is not leaving)
    time.sleep(TRAINED_SECONDS)
    told = time.perf_counter()
    drain(leaving, address)
    wait_for(lambda: MOVED in log.read_text() or None, process)
    saved = time.perf_counter() - told
    wait_for(lambda: trains(other) or None, process)
    return Cost(saved=saved, again=time.perf_counter() - told)


def wait_for(find: Callable[[], T | None], process: subprocess.Popen[bytes]) -> T:
    """Wait until something is found, and return it.

    Raises:
        SystemExit: The study ended before.
    """
    while process.poll() is None:
        found = find()
        if found is not None:
            return found
        time.sleep(POLL_SECONDS)
    raise SystemExit("the study ended before its node was drained: raise --epochs")


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
