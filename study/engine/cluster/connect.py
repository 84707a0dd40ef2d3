"""Connection to Ray: a cluster of one on this machine, or a running one."""

import contextlib
import logging
import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import ray

from study.command_line import BadInputError
from study.engine.cluster.leftovers import marked, sweep
from study.engine.cluster.private_files import keep_private, private_files
from study.engine.cluster.private_ray import loopback_alone, raylets_silent, use_token_if_available
from study.engine.cluster.start_failures import describe_start
from study.results.resources import RAY_ADDRESS

ANSWER_SECONDS = 5.0
"""Time that a cluster's address may take to answer."""

STARVED_SECONDS = 600
"""Time that the control store of a cluster of our own may be silent.

After Ray's own sixty seconds the driver would end where a busy machine starves the store. One that
is dead is told from a slow one by `control_store_watched`.
"""

_PATIENCE = "gcs_rpc_server_reconnect_timeout_s"

ONE_THREAD = {"OMP_NUM_THREADS": "1"}
"""Variables of workers that import torch ahead.

Ray tells a worker its number of threads when it is given something to do, which is too late for one
that has imported torch: `torch.set_num_threads` binds the thread that calls it alone.
"""


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
    settings: dict[str, Any] = {_PATIENCE: STARVED_SECONDS}
    if preload:
        settings["preload_python_modules"] = list(preload)
    variables = {f"RAY_{_PATIENCE}": str(STARVED_SECONDS)}  # read by the nodes, not the driver
    if preload:
        variables |= ONE_THREAD
    try:
        with marked(), private_files(), loopback_alone(), _variables(variables):
            started: Any = ray.init(
                address="local",  # else Ray would join whatever cluster it finds on the machine
                include_dashboard=False,
                log_to_driver=False,
                logging_level=logging.ERROR,
                _system_config=settings,
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
            f"{spell_address(address)}: the Ray cluster refused: {' '.join(str(error).split())}"
        ) from error


@contextlib.contextmanager
def _variables(defaults: Mapping[str, str]) -> Iterator[None]:
    """Set variables for the processes that start meanwhile, unless the user has set them."""
    added = [name for name in defaults if name not in os.environ]
    os.environ.update({name: defaults[name] for name in added})
    try:
        yield
    finally:
        for name in added:
            del os.environ[name]


def spell_address(address: str | None) -> str:
    """Spell a cluster's address by the option or variable that gave it."""
    is_typed = address is None or address != os.environ.get(RAY_ADDRESS)
    return f"--address {address}" if is_typed else f"{RAY_ADDRESS} {address}"


def _require_answer(address: str) -> None:
    """Check that something answers; Ray itself would try for a minute."""
    if address == "auto":
        return
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit():
        raise ClusterError(
            f"{spell_address(address)}: is no address: accepted are host:port and auto"
        )
    try:
        socket.create_connection((host, int(port)), timeout=ANSWER_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise ClusterError(f"{spell_address(address)}: no Ray cluster answers: {error}") from error
