"""Watch of a worker over its own node, which a cloud or an operator may be about to take away."""

import contextlib
import threading
from functools import cache

import ray
from ray.exceptions import RayError

from study.engine.cluster.private_ray import draining_nodes

_LOOK_SECONDS = 2.0
"""Time between two looks: a cloud gives notice of 30 seconds and more."""


@cache
def node_drained() -> threading.Event:
    """Return an event that is set, for good, once Ray drains the node of this worker."""
    drained = threading.Event()
    node = ray.get_runtime_context().get_node_id()

    def watch() -> None:
        while not drained.wait(_LOOK_SECONDS):
            with contextlib.suppress(RayError):  # the head may be out of reach for a while
                if node in draining_nodes():
                    drained.set()

    threading.Thread(target=watch, name="node-drained", daemon=True).start()
    return drained
