"""Check that every node of a cluster sees the same checkpoints."""

import uuid

import ray
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from study.checkpoints.checkpoint_store import CheckpointStore
from study.engine.cluster.connect import ClusterError
from study.results.mask_secrets import mask_password

_ANSWER_SECONDS = 60.0


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
        answers = ray.get(here, timeout=_ANSWER_SECONDS)
    except RayError as error:  # a node that is slow, or that left meanwhile
        cause = " ".join(str(error).split())
        raise ClusterError(f"--address: a node of the cluster does not answer: {cause}") from error
    finally:
        store.delete(name)
    for node, sees in zip(nodes, answers, strict=True):
        if not sees:
            raise ClusterError(
                f"--checkpoints {mask_password(store.url)}: node {node['NodeManagerAddress']} does "
                "not see it: accepted are a folder that all nodes share, and a URL such as "
                "s3://bucket/path"
            )


def _on(node_id: str) -> NodeAffinitySchedulingStrategy:
    return NodeAffinitySchedulingStrategy(node_id, soft=False)


def _sees(store: CheckpointStore, name: str, content: bytes) -> bool:
    try:
        return store.load(name) == content
    except OSError:
        return False
