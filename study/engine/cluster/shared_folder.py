"""Check that every node of a cluster sees the same checkpoints."""

import re
import uuid
from collections.abc import Mapping
from typing import Any

import ray
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from study.checkpoints.checkpoint_store import CheckpointStore
from study.engine.cluster.connect import ClusterError
from study.results.mask_secrets import mask_password

_ANSWER_SECONDS = 60.0
_MISSING = re.compile(r"No module named '[\w.]+'")


def require_shared(store: CheckpointStore) -> None:
    """Check that what the driver writes can be read on every node.

    A folder of this machine alone would not fail: each node would keep checkpoints that no other
    finds, and every trial that moves would begin anew.

    Args:
        store: Store of the checkpoints; its folder exists.

    Raises:
        ClusterError: A node does not see it.
        OSError: It cannot be written.
    """
    nodes = [node for node in ray.nodes() if node["Alive"]]
    if len(nodes) == 1:
        return
    name, content = f"seen-by-all-{uuid.uuid4().hex}", uuid.uuid4().bytes
    store.save(name, content)
    try:
        look = ray.remote(num_cpus=0, max_retries=0)(_sees)
        here = [
            look.options(scheduling_strategy=_on(node["NodeID"])).remote(store, name, content)
            for node in nodes
        ]
        answers = [_answer(node, asked) for node, asked in zip(nodes, here, strict=True)]
    finally:
        store.delete(name)
    for node, sees in zip(nodes, answers, strict=True):
        if not sees:
            raise ClusterError(
                f"--checkpoints {mask_password(store.url)}: node {node['NodeManagerAddress']} does "
                "not see it: accepted are a folder that all nodes share, and a URL such as "
                "s3://bucket/path"
            )


def _answer(node: Mapping[str, Any], asked: "ray.ObjectRef[bool]") -> bool:
    address = node["NodeManagerAddress"]
    try:
        return bool(ray.get(asked, timeout=_ANSWER_SECONDS))
    except RayError as error:  # a node that is slow, that left meanwhile, or lacks something
        cause = " ".join(str(error).split())
        if missing := _MISSING.search(cause):
            raise ClusterError(
                f"--address: node {address} lacks the package ({missing[0]}): install it, and what "
                "it needs, in the Python that Ray runs there"
            ) from error
        raise ClusterError(f"--address: node {address} does not answer: {cause}") from error


def _on(node_id: str) -> NodeAffinitySchedulingStrategy:
    return NodeAffinitySchedulingStrategy(node_id, soft=False)


def _sees(store: CheckpointStore, name: str, content: bytes) -> bool:
    try:
        return store.load(name) == content
    except OSError:
        return False
