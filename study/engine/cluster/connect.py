"""Ray: a cluster of one on this machine, or a running one."""

import contextlib
import logging
import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from unittest.mock import patch

import ray
from ray._private import ray_constants
from ray._private import worker as ray_worker
from ray._private.authentication.authentication_token_setup import (
    maybe_enable_token_auth_if_token_available,
)

from study.results.settings import Resources

ANSWER_SECONDS = 5.0
"""How long a cluster's address may take to answer."""


class ClusterError(ValueError):
    """A cluster that does not answer or lacks what was asked for.

    The message is one sentence that names the option to change.
    """


@contextlib.contextmanager
def connected(address: str | None, preload: Sequence[str] = ()) -> Iterator[None]:
    """Ray, for as long as the context lasts.

    Args:
        address: `host:port` of a running cluster, `auto` for one on this machine, or None for a
            cluster of our own that listens on 127.0.0.1 alone.
        preload: Modules that a cluster of our own has a process for each core import meanwhile;
            each process is then to use one thread.

    Raises:
        ClusterError: The address does not answer.
    """
    with _raylets_silent():
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
    try:
        with _loopback_alone(), _one_thread_each() if preload else contextlib.nullcontext():
            ray.init(
                address="local",  # else Ray would join whatever cluster it finds on the machine
                include_dashboard=False,
                log_to_driver=False,
                logging_level=logging.ERROR,
                _system_config={"preload_python_modules": list(preload)} if preload else None,
            )
    except Exception as error:
        ray.shutdown()
        cause = " ".join(str(error).split()) or type(error).__name__
        raise OSError(f"Ray could not be started on this machine: {cause}") from error


def _join(address: str) -> None:
    _require_answer(address)
    # What new clusters use by themselves, and what Ray turns on for `auto` alone. Setting the
    # variable by hand would come too late wherever Ray was imported before this module.
    logging.getLogger("ray").setLevel(logging.ERROR)
    maybe_enable_token_auth_if_token_available(warn_if_disabled=False)
    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except Exception as error:
        raise ClusterError(
            f"--address {address}: the Ray cluster refused: {' '.join(str(error).split())}"
        ) from error


@contextlib.contextmanager
def _raylets_silent() -> Iterator[None]:
    """Keep Ray from printing what its raylets report on standard output, where results go.

    `log_to_driver` does not cover it. A worker's death, which is what they report, is told by the
    study itself.
    """
    original = ray_worker.print_to_stdstream
    ray_worker.print_to_stdstream = _print_nothing
    try:
        yield
    finally:
        ray_worker.print_to_stdstream = original


def _print_nothing(data: object, ignore_prefix: bool) -> None:
    """In the place of Ray's own function."""


@contextlib.contextmanager
def _loopback_alone() -> Iterator[None]:
    """Start Ray's servers on 127.0.0.1.

    Ray listens on the machine's outward address, and puts that in the place of a loopback address
    that it is given. Only the switch by which it stays local on macOS and Windows prevents it.
    """
    clusters = ray_constants.ENABLE_RAY_CLUSTER
    ray_constants.ENABLE_RAY_CLUSTER = False
    try:
        yield
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = clusters


@contextlib.contextmanager
def _one_thread_each() -> Iterator[None]:
    """Have workers that import torch ahead bring up one thread, unless the user says otherwise.

    Ray tells a worker its number of threads when it is given something to do, which is too late
    for one that has imported torch: `torch.set_num_threads` binds the thread that calls it alone.
    """
    with patch.dict(os.environ):
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        yield


def _require_answer(address: str) -> None:
    """Ray itself would try for a minute before it gave up."""
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
    """What Ray reserves for each trial, and how many trials that lets run at once.

    Attributes:
        cpus: CPU cores.
        gpus: GPUs, or a fraction of one.
        concurrent: Trials at once, all nodes together.
        most: As many are asked for at once at most, also where nodes join; None for no bound.
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
    """How many trials the cluster can run at once now: nodes join and leave."""
    places = _places(cpus=resources.cpus, gpus=resources.gpus)
    return places if resources.most is None else min(places, resources.most)


def _places(*, cpus: int, gpus: float) -> int:
    """How many trials fit on all nodes together."""
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
    """Resources of each node that is there."""
    return [node["Resources"] for node in ray.nodes() if node["Alive"]]
