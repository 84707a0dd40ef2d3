"""Words on how many trials share a GPU, and on what they were decided by."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pnn_core.config import GpuNeed
from pnn_core.device.gpu_sharing import best_count
from study.engine.cluster.gpu_kinds import GpuKind
from study.results.plural import counted

MEMORY_SHARE = 0.9
"""Share of its part of a GPU that the largest trial may take where it is measured: what is
measured for a moment is a little less than what some trial takes at some time."""

Tell = Callable[[str], None]


def trials_that_fit(need: GpuNeed) -> int:
    """Count the trials like the measured one that a GPU has room for; 0 if not even one."""
    if need.needed_bytes is None:
        return 0
    return max(1, int(MEMORY_SHARE * need.free_bytes / need.needed_bytes))


def too_small(need: GpuNeed) -> str:
    """Say that a GPU is too small for the largest trial; empty where it is not."""
    if need.needed_bytes is not None:
        return ""
    optim, model = need.largest.optim, need.largest.model
    return (
        f"{decided(1)}: the largest (network {model.network}, mask_count {model.mask_count}, "
        f"batch_size {optim.batch_size}) needs more than the {_gib(need.free_bytes)} GiB that are "
        f"free on {need.gpu}, and would fail there"
    )


def tell_decided(
    trials: Mapping[str, int],
    needs: Mapping[str, GpuNeed],
    nodes: Sequence[Mapping[str, Any]],
    kinds: Sequence[GpuKind],
    say: Tell,
) -> None:
    """Tell what was decided and why, once for the nodes whose GPUs hold as many.

    Args:
        trials: Number of trials on each GPU of a node, by Ray's identifier of the node.
        needs: Measurement on each of them.
        nodes: Nodes as `ray.nodes` describes them.
        kinds: Kinds of their GPUs.
        say: Function to tell in a line.
    """
    addresses = {node["NodeID"]: node["NodeManagerAddress"] for node in nodes} if kinds else {}
    for count in sorted(set(trials.values()), reverse=True):
        held = {node: need for node, need in needs.items() if trials[node] == count}
        alike = [need for need in held.values() if need.needed_bytes is not None]
        if not alike:
            continue  # a warning has said it
        tightest = min(alike, key=trials_that_fit)
        slowest = min(alike, key=lambda need: best_count(need.rates))
        whose = ""
        if kinds:
            names = sorted({need.gpu for need in held.values()})
            whose = f" {' and '.join(names)} of {', '.join(sorted(addresses[n] for n in held))}"
        takes = f"{_gib(tightest.needed_bytes or 0)} of {_gib(tightest.total_bytes)} GiB"
        say(f"{decided(count)}{whose} ({_rates(slowest)}; the largest measured takes {takes})")


def _rates(need: GpuNeed) -> str:
    """Say what was trained at once, such as `1, 2, 4 at once train 90, 150, 153 steps/s`."""
    counts = ", ".join(map(str, sorted(need.rates)))
    steps = ", ".join(f"{need.rates[count]:.4g}" for count in sorted(need.rates))
    service = "through" if need.mps else "without"
    return f"{counts} at once train {steps} steps/s, {service} CUDA's MPS"


def decided(trials: int) -> str:
    """Say how many trials share a GPU."""
    return f"GPUs: {counted(trials, 'trial')} at once on each"


def _gib(count: int) -> str:
    return f"{count / 2**30:.1f}"
