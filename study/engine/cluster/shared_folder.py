"""Check that every node of a cluster sees the same checkpoints."""

import re
import uuid

from ray.exceptions import RayError

from study.checkpoints.checkpoint_store import CheckpointStore
from study.engine.cluster.ask_nodes import ask_every_node
from study.engine.cluster.connect import ClusterError
from study.engine.cluster.trial_resources import nodes_alive
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
    if len(nodes_alive()) == 1:
        return
    name, content = f"seen-by-all-{uuid.uuid4().hex}", uuid.uuid4().bytes
    store.save(name, content)
    try:
        answers = ask_every_node(_sees, store, name, content, seconds=_ANSWER_SECONDS)
    finally:
        store.delete(name)
    for node, sees, error in answers:
        if error is not None:
            raise _unanswered(node, error) from error
        if not sees:
            raise ClusterError(
                f"--checkpoints {mask_password(store.url)}: node {node} does not see it: accepted "
                "are a folder that all nodes share, and a URL such as s3://bucket/path"
            )


def _unanswered(node: str, error: RayError) -> ClusterError:
    """Say what a node lacks, or that it is too slow."""
    cause = " ".join(str(error).split())
    if missing := _MISSING.search(cause):
        return ClusterError(
            f"--address: node {node} lacks the package ({missing[0]}): install it, and what it "
            "needs, in the Python that Ray runs there, or have a job bring it: ray job submit "
            "--working-dir FOLDER -- COMMAND"
        )
    return ClusterError(f"--address: node {node} does not answer: {cause}")


def _sees(store: CheckpointStore, name: str, content: bytes) -> bool:
    try:
        return store.load(name) == content
    except OSError:
        return False
