"""Resources of each trial, and the places for trials that the cluster's nodes have."""

from collections.abc import Container, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

import ray

from study.engine.cluster.connect import ClusterError
from study.engine.cluster.gpu_kinds import NODE_ID, GpuKind, NodeSet
from study.results.resources import Resources, amounts, labels

GIB = 1 << 30


@dataclass(frozen=True, kw_only=True)
class TrialResources:
    """Resources that Ray reserves for each trial, and the number of trials that run at once.

    Attributes:
        cpus: Number of CPU cores.
        gpus: Number of GPUs, or a fraction of one; where there are kinds, on the last one.
        concurrent: Number of trials at once, all nodes together.
        most: Bound on them that was asked for, also where nodes join; None for no bound.
        memory: Bytes of memory; 0 for none reserved.
        custom: Amounts of resources that nodes were given names for.
        labels: Labels that a node must have.
        kinds: Kinds of GPUs, where they hold different numbers of trials; see `shares`.
        nodes: Nodes on which these resources are meant, where GPUs differ; None for all.
    """

    cpus: int
    gpus: float
    concurrent: int
    most: int | None = None
    memory: int = 0
    custom: Mapping[str, float] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    kinds: tuple[GpuKind, ...] = ()
    nodes: NodeSet | None = None

    @classmethod
    def of(cls, wanted: Resources, gpus: float) -> Self:
        """Take what was asked for, with a number of GPUs in the place of `auto`."""
        return cls(
            cpus=wanted.cpus_per_trial,
            gpus=gpus,
            concurrent=0,
            most=wanted.max_concurrent,
            memory=_memory_bytes(wanted),
            custom=amounts(wanted.resources_per_trial),
            labels=labels(wanted.node_labels),
        )

    def confirming(self, wanted: Resources) -> Self:
        """Return the resources of a run that confirms, which may have nodes of its own."""
        chosen = labels(wanted.confirm_node_labels)
        return replace(self, labels=chosen) if chosen else self

    @property
    def shares(self) -> tuple["TrialResources", ...]:
        """Return what a trial takes on each kind of GPU; only this where all are alike."""
        if not self.kinds:
            return (self,)
        return tuple(
            replace(self, gpus=1 / kind.trials, kinds=(), nodes=kind.nodes) for kind in self.kinds
        )

    @property
    def selector(self) -> dict[str, str]:
        """Return Ray's label selector for the nodes that may run a trial; what was typed counts."""
        return {**(self.nodes.selector if self.nodes else {}), **self.labels}

    @property
    def bundle(self) -> dict[str, float]:
        """Return what one trial takes, by Ray's names."""
        named = {"CPU": float(self.cpus), "GPU": self.gpus, "memory": float(self.memory)}
        return {name: amount for name, amount in (named | {**self.custom}).items() if amount}


def trial_resources(wanted: Resources) -> TrialResources:
    """Check that the connected cluster can run a trial; Tune would wait for ever where it cannot.

    Raises:
        ClusterError: No node has as much of what was asked for.
    """
    if not nodes_alive():
        raise ClusterError("--address: the cluster has no node that is alive")
    nodes = nodes_alive(labels(wanted.node_labels))
    if not nodes:
        raise _no_labels("--node-labels", wanted.node_labels)
    cpus = int(max(node.get("CPU", 0.0) for node in nodes))
    gpus = max(node.get("GPU", 0.0) for node in nodes)
    if wanted.cpus_per_trial > cpus:
        accepted = f"accepted are 1 to {cpus}" if cpus else "start one that has some"
        raise ClusterError(
            f"--cpus-per-trial {wanted.cpus_per_trial}: the largest node has {cpus} CPUs: "
            f"{accepted}"
        )
    gpus_per_trial = min(gpus, 1.0) if wanted.gpus_per_trial is None else wanted.gpus_per_trial
    if gpus_per_trial > gpus:
        has = f"the largest node has {gpus:g} GPUs" if gpus else "there is no GPU"
        raise ClusterError(
            f"--gpus-per-trial {gpus_per_trial:g}: {has}: accepted are "
            + (f"0 to {gpus:g}, or auto" if gpus else "0 and auto")
        )
    _require_memory(wanted, nodes)
    _require_custom(wanted, nodes)
    resources = TrialResources.of(wanted, gpus_per_trial)
    concurrent = concurrent_trials(resources)
    if concurrent == 0:
        raise ClusterError(
            f"{_asked(wanted, gpus_per_trial)}: no node has all of it: ask for less of one"
        )
    return replace(resources, concurrent=concurrent)


def require_confirming_nodes(wanted: Resources, resources: TrialResources) -> None:
    """Check that nodes which a confirmation is to have are there, and can run one of its runs.

    Args:
        wanted: Resources as asked for.
        resources: Resources of each trial.

    Raises:
        ClusterError: No node has the labels, or none of those has as much of what was asked for.
    """
    if not labels(wanted.confirm_node_labels):
        return
    if not nodes_alive(labels(wanted.confirm_node_labels)):
        raise _no_labels("--confirm-node-labels", wanted.confirm_node_labels)
    if not concurrent_trials(resources.confirming(wanted)):
        raise ClusterError(
            f"--confirm-node-labels {wanted.confirm_node_labels}: no node with them has all of "
            f"{_asked(wanted, resources.gpus)}: ask for less, or for other nodes"
        )


def concurrent_trials(resources: TrialResources, without: Container[str] = ()) -> int:
    """Count the trials that the cluster can run at once now: nodes join and leave.

    Args:
        resources: Resources of each trial.
        without: Ray's identifiers of nodes to leave out.
    """
    places = sum(
        places_on(node, share)
        for share in resources.shares
        for node in nodes_alive(resources.labels, share.nodes, without)
    )
    return places if resources.most is None else min(places, resources.most)


def places_on(node: Mapping[str, float], resources: TrialResources) -> int:
    """Count the trials that fit on a node.

    Args:
        node: Resources of the node, by Ray's names.
        resources: Resources of each trial.
    """
    shares = [
        int(node.get(name, 0.0) / amount)
        for name, amount in resources.bundle.items()
        if name != "GPU"
    ]
    if resources.gpus:
        shares.append(_gpu_places(node.get("GPU", 0.0), resources.gpus))
    return min(shares)


def nodes_alive(
    labels: Mapping[str, str] | None = None,
    among: NodeSet | None = None,
    without: Container[str] = (),
) -> list[Mapping[str, float]]:
    """Return the resources of each node that is there.

    Args:
        labels: Labels that a node must have to be among them.
        among: Nodes of which it must be one; None for all.
        without: Ray's identifiers of nodes to leave out.
    """
    return [
        node["Resources"]
        for node in ray.nodes()
        if node["Alive"]
        and has_labels(node, labels or {})
        and (among is None or among.holds(node.get("Labels", {})))
        and node.get("NodeID") not in without
    ]


def has_labels(node: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Return True if a node, as `ray.nodes` describes it, has these labels."""
    return all(node.get("Labels", {}).get(name) == value for name, value in labels.items())


def _no_labels(flag: str, value: str | None) -> ClusterError:
    known = sorted({f"{name}={value}" for each in _labels_alive() for name, value in each})
    return ClusterError(
        f"{flag} {value}: no node has them: nodes of this cluster have "
        + (", ".join(known) or "no labels")
    )


def _labels_alive() -> list[list[tuple[str, str]]]:
    """Return the labels of each node, without the one that every node has of its own."""
    nodes = (node for node in ray.nodes() if node["Alive"])
    return [
        [(name, value) for name, value in node.get("Labels", {}).items() if name != NODE_ID]
        for node in nodes
    ]


def _gpu_places(has: float, gpus: float) -> int:
    if gpus >= 1:
        return int(has / gpus)
    whole, rest = divmod(has, 1.0)  # no fraction of one GPU is made of parts of two
    return int(whole) * int(1 / gpus) + int(rest / gpus)


def _require_memory(wanted: Resources, nodes: list[Mapping[str, float]]) -> None:
    largest = max(node.get("memory", 0.0) for node in nodes)
    if _memory_bytes(wanted) > largest:
        raise ClusterError(
            f"--memory-per-trial {wanted.memory_per_trial:g}: the largest node offers "
            f"{largest / GIB:.1f} GiB"
        )


def _require_custom(wanted: Resources, nodes: list[Mapping[str, float]]) -> None:
    for name, amount in amounts(wanted.resources_per_trial).items():
        largest = max(node.get(name, 0.0) for node in nodes)
        if amount > largest:
            known = sorted({n for node in nodes for n in node if ":" not in n} - _BUILT_IN)
            has = f"the largest node has {largest:g}" if largest else "no node has any"
            raise ClusterError(
                f"--resources-per-trial {name}={amount:g}: {has}: nodes of this cluster have "
                + (", ".join(known) or "no resources of that kind")
            )


def _asked(wanted: Resources, gpus: float) -> str:
    """Return the options that say what a trial needs, as typed."""
    words = [f"--cpus-per-trial {wanted.cpus_per_trial}", f"--gpus-per-trial {gpus:g}"]
    if wanted.memory_per_trial:
        words.append(f"--memory-per-trial {wanted.memory_per_trial:g}")
    if wanted.resources_per_trial:
        words.append(f"--resources-per-trial {wanted.resources_per_trial}")
    return ", ".join(words[:-1]) + f" and {words[-1]}"


def _memory_bytes(wanted: Resources) -> int:
    return int((wanted.memory_per_trial or 0.0) * GIB)


_BUILT_IN = frozenset({"CPU", "GPU", "memory", "object_store_memory"})
"""Resources that every node has, by Ray's names."""
