"""Connection to Ray: a cluster of one on this machine, or a running one."""

import contextlib
import logging
import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ray

from study.command_line import BadInputError
from study.engine.cluster.leftovers import marked, sweep
from study.engine.cluster.private_files import keep_private, private_files
from study.engine.cluster.private_ray import loopback_alone, raylets_silent, use_token_if_available
from study.engine.cluster.start_failures import describe_start
from study.results.settings import Resources

ANSWER_SECONDS = 5.0
"""Time that a cluster's address may take to answer."""


class ClusterError(BadInputError):
    """Error of a cluster that does not answer or lacks what was asked for.

    The message is one sentence that names the option to change.
    """


@contextlib.contextmanager
def connected(address: str | None, preload: Sequence[str] = ()) -> Iterator[None]:
    """Connect to Ray for as long as the context lasts.

    Args:
        address: `host:port` of a running cluster, `auto` for one on this machine, or None for a
            cluster of our own that listens on 127.0.0.1 alone.
        preload: Modules that a cluster of our own has a process for each core import meanwhile;
            each process is then to use one thread.

    Raises:
        ClusterError: The address does not answer, or this process is connected already.
    """
    if address is not None:
        _require_answer(address)
    if ray.is_initialized():
        raise ClusterError("Ray is running in this process already: call ray.shutdown() before")
    with raylets_silent():
        _connect(address, preload)
        try:
            yield
        finally:
            ray.shutdown()


def _connect(address: str | None, preload: Sequence[str]) -> None:
    try:
        if address is None:
            _start_local(preload)
        else:
            _join(address)
    except SystemExit as stopped:
        # Ray has a handler of its own for SIGTERM while it starts.
        raise KeyboardInterrupt from stopped


def _start_local(preload: Sequence[str]) -> None:
    sweep()
    threads = _one_thread_each() if preload else contextlib.nullcontext()
    try:
        with marked(), private_files(), loopback_alone(), threads:
            started: Any = ray.init(
                address="local",  # else Ray would join whatever cluster it finds on the machine
                include_dashboard=False,
                log_to_driver=False,
                logging_level=logging.ERROR,
                _system_config={"preload_python_modules": list(preload)} if preload else None,
            )
    except Exception as error:
        ray.shutdown()
        raise OSError(describe_start(error)) from error
    keep_private(Path(started.address_info["session_dir"]))


def _join(address: str) -> None:
    logging.getLogger("ray").setLevel(logging.ERROR)
    use_token_if_available()
    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except Exception as error:
        raise ClusterError(
            f"--address {address}: the Ray cluster refused: {' '.join(str(error).split())}"
        ) from error


@contextlib.contextmanager
def _one_thread_each() -> Iterator[None]:
    """Have workers that import torch ahead bring up one thread, unless the user says otherwise.

    Ray tells a worker its number of threads when it is given something to do, which is too late
    for one that has imported torch: `torch.set_num_threads` binds the thread that calls it alone.
    """
    chosen = os.environ.get("OMP_NUM_THREADS")
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    try:
        yield
    finally:
        if chosen is None:
            os.environ.pop("OMP_NUM_THREADS", None)


def _require_answer(address: str) -> None:
    """Check that something answers; Ray itself would try for a minute."""
    if address == "auto":
        return
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit():
        raise ClusterError(f"--address {address}: is no address: accepted are host:port and auto")
    try:
        socket.create_connection((host, int(port)), timeout=ANSWER_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise ClusterError(f"--address {address}: no Ray cluster answers: {error}") from error


@dataclass(frozen=True, kw_only=True)
class TrialResources:
    """Resources that Ray reserves for each trial, and the number of trials that run at once.

    Attributes:
        cpus: Number of CPU cores.
        gpus: Number of GPUs, or a fraction of one.
        concurrent: Number of trials at once, all nodes together.
        most: Bound on them that was asked for, also where nodes join; None for no bound.
    """

    cpus: int
    gpus: float
    concurrent: int
    most: int | None = None


def trial_resources(wanted: Resources) -> TrialResources:
    """Check that the connected cluster can run a trial; Tune would wait for ever where it cannot.

    Raises:
        ClusterError: No node has as many CPUs or GPUs.
    """
    nodes = _nodes()
    if not nodes:
        raise ClusterError("--address: the cluster has no node that is alive")
    cpus = int(max(node.get("CPU", 0.0) for node in nodes))
    gpus = max(node.get("GPU", 0.0) for node in nodes)
    if wanted.cpus_per_trial > cpus:
        raise ClusterError(
            f"--cpus-per-trial {wanted.cpus_per_trial}: the largest node has {cpus} CPUs: "
            f"accepted are 1 to {cpus}"
        )
    gpus_per_trial = min(gpus, 1.0) if wanted.gpus_per_trial is None else wanted.gpus_per_trial
    if gpus_per_trial > gpus:
        has = f"the largest node has {gpus:g} GPUs" if gpus else "there is no GPU"
        raise ClusterError(
            f"--gpus-per-trial {gpus_per_trial:g}: {has}: accepted are "
            + (f"0 to {gpus:g}, or auto" if gpus else "0 and auto")
        )
    concurrent = _places(cpus=wanted.cpus_per_trial, gpus=gpus_per_trial)
    if concurrent == 0:
        raise ClusterError(
            f"--cpus-per-trial {wanted.cpus_per_trial} and --gpus-per-trial {gpus_per_trial:g}: "
            "no node has both: ask for fewer of one"
        )
    most = wanted.max_concurrent
    return TrialResources(
        cpus=wanted.cpus_per_trial,
        gpus=gpus_per_trial,
        concurrent=concurrent if most is None else min(concurrent, most),
        most=most,
    )


def concurrent_trials(resources: TrialResources) -> int:
    """Count the trials that the cluster can run at once now: nodes join and leave."""
    places = _places(cpus=resources.cpus, gpus=resources.gpus)
    return places if resources.most is None else min(places, resources.most)


def _places(*, cpus: int, gpus: float) -> int:
    """Count the trials that fit on all nodes together."""
    return sum(_places_on(node, cpus, gpus) for node in _nodes())


def _places_on(node: Mapping[str, float], cpus: int, gpus: float) -> int:
    by_cpu = int(node.get("CPU", 0.0) // cpus)
    if not gpus:
        return by_cpu
    has = node.get("GPU", 0.0)
    if gpus >= 1:
        return min(by_cpu, int(has / gpus))
    whole, rest = divmod(has, 1.0)  # no fraction of one GPU is made of parts of two
    return min(by_cpu, int(whole) * int(1 / gpus) + int(rest / gpus))


def _nodes() -> list[Mapping[str, float]]:
    """Return the resources of each node that is there."""
    return [node["Resources"] for node in ray.nodes() if node["Alive"]]
