"""Arithmetic of a study: the fused operators where every node has them, else torch's own."""

import ray
from ray.exceptions import RayError, RayTaskError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from pnn_core.config import FUSED, TORCH, Arithmetic
from study.engine.cluster.connect import ClusterError
from study.engine.cluster.trial_resources import TrialResources

_ANSWER_SECONDS = 300.0
"""Time that a node may take to import torch and to build operators."""


def choose_arithmetic(
    recorded: Arithmetic | None, resources: TrialResources, address: str | None
) -> Arithmetic:
    """Choose what trains a study; a recorded choice stands, or the same seed gives other numbers.

    Args:
        recorded: Arithmetic that the study began with; None for a study that has none yet.
        resources: Resources of each trial: GPUs have torch's own.
        address: Address of the cluster; None for this machine alone.

    Raises:
        ClusterError: The fused operators were recorded, and a node cannot have them; or they are
            damaged and cannot be built again.
    """
    if recorded == TORCH or resources.gpus:
        return recorded or TORCH
    has_them = [_answer_here(recorded)] if address is None else _answers(recorded, address)
    return FUSED if recorded == FUSED or all(has_them) else TORCH


def _answer_here(recorded: Arithmetic | None) -> bool:
    from pnn_core.fused.operators import OperatorsError

    try:
        return has_operators(recorded)
    except OperatorsError as error:
        raise ClusterError(_said(recorded, str(error))) from error


def _answers(recorded: Arithmetic | None, address: str) -> list[bool]:
    """Ask every node that is there."""
    nodes = [node for node in ray.nodes() if node["Alive"]]
    look = ray.remote(num_cpus=0, max_retries=0)(has_operators)
    asked = [
        look.options(
            scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
        ).remote(recorded)
        for node in nodes
    ]
    answers = []
    for node, answer in zip(nodes, asked, strict=True):
        try:
            answers.append(ray.get(answer, timeout=_ANSWER_SECONDS))
        except RayError as error:
            cause = error.cause if isinstance(error, RayTaskError) else error
            on_node = f"on node {node['NodeManagerAddress']} {' '.join(str(cause).split())}"
            raise ClusterError(f"--address {address}: {_said(recorded, on_node)}") from error
    return answers


def has_operators(recorded: Arithmetic | None) -> bool:
    """Return True if this machine has the fused operators, built now where they were recorded.

    Args:
        recorded: Arithmetic that the study began with; None for a study that has none yet.

    Raises:
        OperatorsError: They are damaged, or were recorded, and cannot be built.
    """
    from pnn_core.fused.operators import are_built, use_operators

    use_operators(recorded)
    return are_built()


def _said(recorded: Arithmetic | None, cause: str) -> str:
    was = "the study was trained by the fused operators, and " if recorded == FUSED else ""
    return f"{was}{cause}"
