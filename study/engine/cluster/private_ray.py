"""Parts of Ray that have no public name, for the cluster and its key-value store.

Each function says why it is needed and what would end it. Those of Tune are in
`study.engine.tune.private_tune`.
"""

import contextlib
from collections.abc import Iterator

from ray._private import ray_constants, state
from ray._private import worker as ray_worker
from ray._private.accelerators.nvidia_gpu import NvidiaGPUAcceleratorManager
from ray._private.authentication.authentication_token_setup import (
    maybe_enable_token_auth_if_token_available,
)
from ray.experimental import internal_kv


@contextlib.contextmanager
def replaced(owner: object, name: str, value: object) -> Iterator[None]:
    """Set an attribute of a module or class for as long as the context lasts."""
    original = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, original)


def raylets_silent() -> contextlib.AbstractContextManager[None]:
    """Keep Ray from printing what its raylets report on standard output, where results go.

    The study itself tells of a worker's death, which is what they report. Ends when
    `log_to_driver=False` covers raylets too.
    """
    return replaced(ray_worker, "print_to_stdstream", _print_nothing)


def _print_nothing(*data: object, **ignore_prefix: object) -> None:
    """Stand in for Ray's own function."""


def loopback_alone() -> contextlib.AbstractContextManager[None]:
    """Start Ray's servers on 127.0.0.1.

    Ray listens on the machine's outward address, and puts that in the place of a loopback address
    that it is given. Only the switch by which it stays local on macOS and Windows prevents it. Ends
    when `ray.init` honours a loopback `_node_ip_address`.
    """
    return replaced(ray_constants, "ENABLE_RAY_CLUSTER", False)


def use_token_if_available() -> None:
    """Use the access token of new clusters for any address, as Ray does for `auto` alone.

    The variable `RAY_AUTH_MODE` would come too late wherever Ray was imported before. Ends when
    `ray.init(address="host:port")` looks for the token itself.
    """
    maybe_enable_token_auth_if_token_available(warn_if_disabled=False)


def gpus_of_this_machine() -> int:
    """Count the GPUs that a new cluster would find here, before there is one.

    Ends when Ray counts them in public without a running cluster.
    """
    return NvidiaGPUAcceleratorManager.get_current_node_num_accelerators()


def put_in_cluster(key: str, namespace: str) -> None:
    """Write a key into the store that all nodes reach.

    An actor that holds the key would need a CPU, or a node that may leave. Ends when Ray's
    key-value store has a public interface; so does `is_in_cluster`.
    """
    internal_kv._internal_kv_put(key, b"1", namespace=namespace)


def is_in_cluster(key: str, namespace: str) -> bool:
    """Return True if a key was written by `put_in_cluster`."""
    return internal_kv._internal_kv_exists(key, namespace=namespace)


def draining_nodes() -> frozenset[str]:
    """Return Ray's identifiers of the nodes that take no new work, as they are to leave.

    Ends when `ray.nodes()` tells it.
    """
    return frozenset(state.state.get_draining_nodes())
