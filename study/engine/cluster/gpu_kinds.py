"""Kinds of GPUs of a cluster, each of which holds its own number of trials.

A request to Ray names one share of a GPU, and Ray takes it to any node that has as much left. So
where GPUs differ a request also says, by a label that Ray gives every node, on which of them its
share is meant.
"""

from collections.abc import Mapping
from dataclasses import dataclass

ACCELERATOR_TYPE = "ray.io/accelerator-type"
NODE_ID = "ray.io/node-id"


@dataclass(frozen=True, kw_only=True)
class NodeSet:
    """Nodes whose value of a label is one of some, or all other nodes.

    Attributes:
        label: Name of the label.
        values: Its values.
        others: True for the nodes that have none of them, such as those that join later.
    """

    label: str
    values: tuple[str, ...]
    others: bool = False

    @property
    def selector(self) -> dict[str, str]:
        """Return Ray's label selector for them."""
        return {self.label: f"{'!' * self.others}in({','.join(self.values)})"}

    def holds(self, labels: Mapping[str, str]) -> bool:
        """Return True if a node with these labels is one of them."""
        return (labels.get(self.label) in self.values) is not self.others


@dataclass(frozen=True, kw_only=True)
class GpuKind:
    """GPUs that hold as many trials each.

    Attributes:
        trials: Number of trials at once on each.
        nodes: Nodes that have them.
    """

    trials: int
    nodes: NodeSet


def gpu_kinds(
    trials: Mapping[str, int], labels: Mapping[str, Mapping[str, str]]
) -> tuple[GpuKind, ...]:
    """Return the kinds of the GPUs of a cluster; none where all hold as many.

    The last kind are the GPUs that hold the fewest, and those of all nodes that are not known.
    Nodes are known by their accelerator's type where that tells all kinds apart, so that nodes that
    join are known as well; else each by itself, as with GPUs of one type that others use, too.

    Args:
        trials: Number of trials on each GPU of a node, by Ray's identifier of the node.
        labels: Labels of each of these nodes.
    """
    fewest = min(trials.values())
    label = ACCELERATOR_TYPE if _types_tell(trials, labels) else NODE_ID
    values: dict[int, set[str]] = {}
    for node, count in trials.items():
        if count > fewest:
            value = node if label == NODE_ID else labels[node][label]
            values.setdefault(count, set()).add(value)
    kinds = [
        GpuKind(trials=count, nodes=NodeSet(label=label, values=tuple(sorted(values[count]))))
        for count in sorted(values, reverse=True)
    ]
    if not kinds:
        return ()
    known = tuple(sorted(set().union(*values.values())))
    rest = NodeSet(label=label, values=known, others=True)
    return (*kinds, GpuKind(trials=fewest, nodes=rest))


def _types_tell(trials: Mapping[str, int], labels: Mapping[str, Mapping[str, str]]) -> bool:
    """Return True if nodes with GPUs of one type all hold as many trials on each."""
    by_type: dict[str, set[int]] = {}
    for node, count in trials.items():
        by_type.setdefault(labels[node].get(ACCELERATOR_TYPE, ""), set()).add(count)
    return "" not in by_type and all(len(counts) == 1 for counts in by_type.values())
