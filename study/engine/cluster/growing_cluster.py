"""Clusters that grow: waiting for their first nodes, and asking an autoscaler for more."""

import contextlib
import time
from collections.abc import Callable, Iterator

from ray.autoscaler.sdk import request_resources
from ray.util.placement_group import placement_group, remove_placement_group

from study.engine.cluster.connect import ClusterError, spell_address
from study.engine.cluster.trial_resources import (
    GIB,
    TrialResources,
    nodes_alive,
    places_on,
    require_confirming_nodes,
    trial_resources,
)
from study.results.plural import counted
from study.results.resources import NODE_SECONDS, Resources

POLL_SECONDS = 1.0
SAID_EVERY_SECONDS = 30.0

Tell = Callable[[str], None]


def wait_for_resources(wanted: Resources, say: Tell) -> TrialResources:
    """Return the resources of a trial, once enough nodes of the connected cluster have them.

    A pending placement group with a bundle on each node that is waited for tells an autoscaler what
    is lacking; Ray forgets it with this process, however it ends.

    Args:
        wanted: Resources as asked for.
        say: Function to tell what is waited for, and how long already.

    Raises:
        ClusterError: No node has as much of what was asked for, or too few do in time.
    """
    if wanted.address is None:
        return trial_resources(wanted)
    least = wanted.min_workers or 1
    ready, seconds = _ready(wanted), _patience_seconds(wanted)
    if ready < least and seconds:
        with _demand(wanted, least):
            ready = _wait(wanted, least, seconds, say)
    if ready < least:
        raise _too_few(wanted, ready, least, seconds)
    resources = trial_resources(wanted)
    if not seconds:  # else nodes may join, those of the confirmation as late as it begins
        with _telling_to_wait():
            require_confirming_nodes(wanted, resources)
    return resources


def _wait(wanted: Resources, least: int, seconds: float, say: Tell) -> int:
    """Wait until enough nodes can train a trial, or the time is over; return how many can."""
    begun = time.monotonic()
    said_at = -SAID_EVERY_SECONDS
    while (ready := _ready(wanted)) < least and (waited := time.monotonic() - begun) < seconds:
        if waited - said_at >= SAID_EVERY_SECONDS:
            said_at = waited
            say(_waiting(wanted, ready, least, waited, seconds))
        time.sleep(POLL_SECONDS)
    return ready


@contextlib.contextmanager
def asked_for(resources: TrialResources, trials: int) -> Iterator[None]:
    """Ask an autoscaler for room for a study's trials, as long as the context lasts.

    Args:
        resources: Resources of each trial.
        trials: Number of trials that are left.
    """
    ask_for(resources, trials)
    try:
        yield
    finally:
        with contextlib.suppress(Exception):  # the cluster may be gone, and its request with it
            request_resources(bundles=[])


def ask_for(resources: TrialResources, trials: int) -> None:
    """Ask an autoscaler for room for a study's trials, in the place of what was asked for before.

    Ray keeps one such request for a cluster: of two studies, the last to begin has its way, and
    the trials that the other has waiting speak for it.

    Args:
        resources: Resources of each trial.
        trials: Number of trials that are left.
    """
    places = trials if resources.most is None else min(trials, resources.most)
    selectors = [dict(resources.labels)] * places if resources.labels else None
    request_resources(
        bundles=[resources.bundle] * places,
        bundle_label_selectors=selectors,
    )


def _patience_seconds(wanted: Resources) -> float:
    if wanted.wait_for_nodes is not None:
        return wanted.wait_for_nodes
    has_cpus = any(node.get("CPU", 0.0) for node in nodes_alive())
    return 0.0 if has_cpus and wanted.min_workers is None else NODE_SECONDS


def _ready(wanted: Resources) -> int:
    """Count the nodes that can train a trial."""
    needs = _needs(wanted)
    return sum(places_on(node, needs) > 0 for node in nodes_alive(needs.labels))


def _needs(wanted: Resources) -> TrialResources:
    """Return what a trial takes at least: `auto` is no GPU where there is none."""
    return TrialResources.of(wanted, gpus=wanted.gpus_per_trial or 0.0)


@contextlib.contextmanager
def _demand(wanted: Resources, places: int) -> Iterator[None]:
    """Have a placement group wait for room for trials, on a node each."""
    needs = _needs(wanted)
    group = placement_group(
        [needs.bundle] * places,
        strategy="STRICT_SPREAD",
        bundle_label_selector=[dict(needs.labels)] * places if needs.labels else None,
    )
    try:
        yield
    finally:
        with contextlib.suppress(Exception):  # the cluster may be gone, and its group with it
            remove_placement_group(group)


def _waiting(wanted: Resources, ready: int, least: int, waited: float, seconds: float) -> str:
    has = f"{ready} of {counted(least, 'node')} that can train a trial"
    return (
        f"waiting for nodes: {has} ({_spell(_needs(wanted))} each) after {waited:.0f} of "
        f"{seconds:g} s (--wait-for-nodes)"
    )


def _too_few(wanted: Resources, ready: int, least: int, seconds: float) -> ClusterError:
    """Say what the cluster has, and what was asked for."""
    lacks = ""
    try:
        with contextlib.nullcontext() if seconds else _telling_to_wait():
            trial_resources(wanted)
    except ClusterError as error:
        if not seconds:
            return error
        lacks = f" ({error})"
    return ClusterError(
        f"{spell_address(wanted.address)}: {ready} of {counted(least, 'node')} with room for a "
        f"trial ({_spell(_needs(wanted))}) came within {seconds:g} seconds{lacks}: wait longer by "
        "--wait-for-nodes, or ask for less"
    )


@contextlib.contextmanager
def _telling_to_wait() -> Iterator[None]:
    """Add to a refusal how nodes that are not there yet are waited for."""
    try:
        yield
    except ClusterError as error:
        told = f"{error} (--wait-for-nodes SECONDS waits for a node that joins)"
        raise ClusterError(told) from error


def _spell(needs: TrialResources) -> str:
    """Spell what a trial takes."""
    words = [counted(needs.cpus, "CPU")]
    if needs.gpus:
        words.append(f"{needs.gpus:g} GPU" + "s" * (needs.gpus > 1))
    if needs.memory:
        words.append(f"{needs.memory / GIB:g} GiB")
    words += [f"{x:g} {name}" for name, x in needs.custom.items()]
    words += [f"{name}={value}" for name, value in needs.labels.items()]
    return ", ".join(words)
