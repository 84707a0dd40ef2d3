"""A question to every node of the connected cluster."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import ray
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy


class NodeAnswer(NamedTuple):
    """Answer of one node.

    Attributes:
        address: Address of the node.
        answer: Answer; None where there is an error.
        error: Error of the question, or of a node that does not answer; None for an answer.
    """

    address: str
    answer: Any
    error: RayError | None


def ask_every_node(
    question: Callable[..., Any],
    *arguments: object,
    seconds: float,
    where: Callable[[Mapping[str, Any]], bool] | None = None,
) -> list[NodeAnswer]:
    """Call a function on every node that is there; one that leaves meanwhile is left out.

    Args:
        question: Function that each node can import.
        arguments: Its arguments.
        seconds: Time that each node may take.
        where: Function that returns True for the nodes to ask, as `ray.nodes` describes them; None
            to ask all.
    """
    nodes = [node for node in ray.nodes() if node["Alive"] and (where is None or where(node))]
    call = ray.remote(num_cpus=0, max_retries=0)(question)
    asked = [
        call.options(
            scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
        ).remote(*arguments)
        for node in nodes
    ]
    answers = []
    for node, pending in zip(nodes, asked, strict=True):
        address = node["NodeManagerAddress"]
        try:
            answers.append(NodeAnswer(address, ray.get(pending, timeout=seconds), None))
        except RayError as error:
            if _is_there(node["NodeID"]):
                answers.append(NodeAnswer(address, None, error))
    return answers


def _is_there(node_id: str) -> bool:
    return any(node["NodeID"] == node_id and node["Alive"] for node in ray.nodes())
