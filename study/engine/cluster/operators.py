"""Arithmetic of a study: the fused operators if all nodes that train have them, else torch's."""

from ray.exceptions import RayTaskError

from pnn_core.config import FUSED, TORCH, Arithmetic
from pnn_core.fused.compile import is_built
from study.engine.cluster.ask_nodes import ask_every_node
from study.engine.cluster.connect import ClusterError, spell_address
from study.engine.cluster.trial_resources import TrialResources, places_on

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
            damaged and cannot be built again. On this machine what is whole is not loaded, and
            built again by a worker that cannot load it.
    """
    if recorded == TORCH or resources.gpus:
        return recorded or TORCH
    if address is None:
        has_them = [_answer_here(recorded)]
    else:
        has_them = _answers(recorded, resources, address)
    return FUSED if recorded == FUSED or all(has_them) else TORCH


def _answer_here(recorded: Arithmetic | None) -> bool:
    if is_built():  # usual, and told without torch, whose import takes seconds
        return True

    from pnn_core.fused.operators import OperatorsError

    try:
        return has_operators(recorded)
    except OperatorsError as error:
        raise ClusterError(_said(recorded, str(error))) from error


def _answers(recorded: Arithmetic | None, resources: TrialResources, address: str) -> list[bool]:
    """Ask every node that has room for a trial: a head without CPUs may lack them."""
    answers = ask_every_node(
        has_operators,
        recorded,
        seconds=_ANSWER_SECONDS,
        where=lambda node: places_on(node["Resources"], resources) > 0,
    )
    for node, _, error in answers:
        if error is not None:
            cause = error.cause if isinstance(error, RayTaskError) else error
            on_node = f"on node {node} {' '.join(str(cause).split())}"
            raise ClusterError(f"{spell_address(address)}: {_said(recorded, on_node)}") from error
    return [has_them for _, has_them, _ in answers]


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
