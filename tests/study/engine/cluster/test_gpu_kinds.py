"""Each GPU of a cluster holds as many trials as fit: pretended nodes and measurements."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
import ray
from hypothesis import given
from hypothesis import strategies as st

from pnn_core.config import DatasetShape, GpuNeed, ModelConfig, TrialConfig
from pnn_core.data import TrainingData
from study.engine.cluster import gpu_sharing
from study.engine.cluster.gpu_kinds import ACCELERATOR_TYPE, NODE_ID, gpu_kinds
from study.engine.cluster.gpu_sharing import share_gpus
from study.engine.cluster.trial_resources import (
    TrialResources,
    concurrent_trials,
    trial_resources,
)
from study.engine.tune import places as places_module
from study.engine.tune.places import OPEN_IN_A_PLACE, Places

GIB = 2**30
MARKET = "ray.io/market-type"
LARGEST = TrialConfig(
    model=ModelConfig(dataset=DatasetShape(channels=1, height=8, width=8, classes=10))
)


def node(name: str, cpus: int = 64, gpus: int = 1, **labels: str) -> dict:
    """A node as `ray.nodes` describes it; its name ends in a digit."""
    named = {key.replace("_", "-"): value for key, value in labels.items()}
    return {
        "Alive": True,
        "NodeID": name,
        "NodeManagerAddress": f"10.0.0.{name[-1]}",
        "Resources": {"CPU": float(cpus), "GPU": float(gpus)},
        "Labels": {NODE_ID: name, **{f"ray.io/{key}": value for key, value in named.items()}},
    }


def need(gpu: str, most: int | None, total: float = 80.0) -> GpuNeed:
    """A GPU on which so many trials train more than fewer do; None where not even one fits."""
    return GpuNeed(
        gpu=gpu,
        largest=LARGEST,
        needed_bytes=None if most is None else 2 * GIB,
        free_bytes=round(total * GIB),
        total_bytes=round(total * GIB),
        rates={count: 100.0 * count for count in range(1, (most or 0) + 1)},
    )


def bounded(need: GpuNeed, most: int) -> GpuNeed:
    return replace(need, rates={n: rate for n, rate in need.rates.items() if n <= most})


@pytest.fixture
def cluster_of(monkeypatch: pytest.MonkeyPatch):
    """Pretends nodes, and what is measured on them by their names."""

    def pretend(nodes: list[dict], needs: Mapping[str, GpuNeed]) -> None:
        def measure(asked, config, data, resources, most):
            known = [each["NodeID"] for each in asked if each["NodeID"] in needs]
            return {name: bounded(needs[name], most[name]) for name in known}, "no GPU was free"

        monkeypatch.setattr(ray, "nodes", lambda: nodes)
        monkeypatch.setattr(places_module, "draining_nodes", frozenset)
        monkeypatch.setattr(gpu_sharing, "_measure", measure)

    return pretend


def shared(config, data: TrainingData) -> tuple[TrialResources, list[str], list[str]]:
    said: list[str] = []
    warned: list[str] = []
    resources = share_gpus(config, trial_resources(config), data, said.append, warned.append)
    return resources, said, warned


def places_by_share(resources: TrialResources) -> dict[float, int]:
    return {share.gpus: concurrent_trials(share) for share in resources.shares}


def test_each_gpu_holds_as_many_trials_as_it_was_measured_for(
    make_config, digits: TrainingData, cluster_of
) -> None:
    nodes = [node("a1", accelerator_type="H100"), node("b2", gpus=2, accelerator_type="T4")]
    cluster_of(nodes, {"a1": need("NVIDIA H100", 8), "b2": need("Tesla T4", 2, total=15.0)})
    resources, said, warned = shared(make_config(trials=1000), digits)
    assert places_by_share(resources) == {1 / 8: 8, 1 / 2: 4}
    assert resources.concurrent == 12
    assert warned == []
    assert said[0].startswith("GPUs: 8 trials at once on each NVIDIA H100 of 10.0.0.1 (1, 2, 3")
    assert said[1].startswith("GPUs: 2 trials at once on each Tesla T4 of 10.0.0.2 (1, 2 at once")
    assert said[1].endswith("takes 2.0 of 15.0 GiB)")


def test_a_request_for_one_kind_is_not_taken_to_another(
    make_config, digits: TrainingData, cluster_of
) -> None:
    nodes = [node("a1", accelerator_type="H100"), node("b2", accelerator_type="T4")]
    cluster_of(nodes, {"a1": need("H", 8), "b2": need("T", 2)})
    resources, *_ = shared(make_config(trials=1000), digits)
    selectors = {share.gpus: share.selector for share in resources.shares}
    assert selectors == {
        1 / 8: {ACCELERATOR_TYPE: "in(H100)"},
        1 / 2: {ACCELERATOR_TYPE: "!in(H100)"},
    }


def test_a_node_that_joins_is_known_by_its_type_and_an_unknown_one_holds_the_fewest(
    make_config, digits: TrainingData, cluster_of
) -> None:
    nodes = [node("a1", accelerator_type="H100"), node("b2", accelerator_type="T4")]
    cluster_of(nodes, {"a1": need("H", 8), "b2": need("T", 2)})
    resources, *_ = shared(make_config(trials=1000), digits)
    nodes += [node("c3", accelerator_type="H100"), node("d4", accelerator_type="P4"), node("e5")]
    assert places_by_share(resources) == {1 / 8: 16, 1 / 2: 6}


def test_gpus_of_one_type_that_hold_different_numbers_are_known_node_by_node(
    make_config, digits: TrainingData, cluster_of
) -> None:
    """As where others use some of them, or where a type comes with two sizes of memory."""
    nodes = [node(name, accelerator_type="A100") for name in ("a1", "b2", "c3")]
    cluster_of(nodes, {"a1": need("A", 8), "b2": need("A", 3), "c3": need("A", 8)})
    resources, said, _ = shared(make_config(trials=1000), digits)
    assert resources.shares[0].selector == {NODE_ID: "in(a1,c3)"}
    assert places_by_share(resources) == {1 / 8: 16, 1 / 3: 3}
    assert said[0].startswith("GPUs: 8 trials at once on each A of 10.0.0.1, 10.0.0.3 (")


def test_gpus_that_hold_as_many_need_no_kinds(
    make_config, digits: TrainingData, cluster_of
) -> None:
    nodes = [node("a1", accelerator_type="A100"), node("b2", accelerator_type="H100")]
    cluster_of(nodes, {"a1": need("A", 4), "b2": need("H", 4)})
    resources, (said,), _ = shared(make_config(trials=1000), digits)
    assert (resources.gpus, resources.kinds, resources.concurrent) == (1 / 4, (), 8)
    assert said.startswith("GPUs: 4 trials at once on each (")


def test_a_gpu_that_is_too_small_holds_one_and_costs_the_others_nothing(
    make_config, digits: TrainingData, cluster_of
) -> None:
    nodes = [node("a1", accelerator_type="H100"), node("b2", accelerator_type="P4")]
    cluster_of(nodes, {"a1": need("H", 8), "b2": need("Tesla P4", None, total=7.5)})
    resources, (said,), (warned,) = shared(make_config(trials=1000), digits)
    assert places_by_share(resources) == {1 / 8: 8, 1.0: 1}
    assert "needs more than the 7.5 GiB that are free on Tesla P4" in warned
    assert said.startswith("GPUs: 8 trials at once on each H of 10.0.0.1 (")


def test_a_gpu_that_could_not_be_measured_holds_the_fewest(
    make_config, digits: TrainingData, cluster_of
) -> None:
    nodes = [node(name) for name in ("a1", "b2", "c3")]
    cluster_of(nodes, {"a1": need("A", 8), "b2": need("B", 2)})
    resources, *_ = shared(make_config(trials=1000), digits)
    assert places_by_share(resources) == {1 / 8: 8, 1 / 2: 4}


@pytest.mark.parametrize(
    ("wanted", "places"),
    [
        ({"max_concurrent": 10}, {1 / 8: 8, 1 / 2: 2}),  # all that there is
        ({"max_concurrent": 6}, {1 / 4: 4, 1 / 2: 2}),  # few are spread
        ({"trials": 3}, {1 / 2: 4}),
        ({"max_concurrent": 2}, {1.0: 2}),  # nothing is measured
        ({"cpus_per_trial": 16}, {1 / 4: 4, 1 / 2: 2}),  # as many as have CPUs
    ],
)
def test_few_trials_are_spread_over_all_gpus(
    make_config, digits: TrainingData, cluster_of, wanted: dict, places: dict
) -> None:
    cluster_of([node("a1"), node("b2")], {"a1": need("A", 8), "b2": need("B", 2)})
    resources, *_ = shared(make_config(**{"trials": 1000, **wanted}), digits)
    assert places_by_share(replace(resources, most=None)) == places


def test_a_label_that_was_asked_for_counts_beside_the_kinds(
    make_config, digits: TrainingData, cluster_of
) -> None:
    nodes = [
        node("a1", accelerator_type="H100", market_type="spot"),
        node("b2", accelerator_type="T4", market_type="spot"),
        node("c3", accelerator_type="H100", market_type="on-demand"),
        node("d4", accelerator_type="P4", market_type="other"),
    ]
    needs = {name: need(name, most) for name, most in (("a1", 8), ("b2", 2), ("c3", 8))}
    cluster_of(nodes, needs)  # d4 is not asked: no run may be there
    config = make_config(
        trials=1000,
        node_labels=f"{MARKET}=spot",
        confirm_node_labels=f"{MARKET}=on-demand",
    )
    resources, *_ = shared(config, digits)
    assert places_by_share(resources) == {1 / 8: 8, 1 / 2: 2}
    assert resources.shares[0].selector == {ACCELERATOR_TYPE: "in(H100)", MARKET: "spot"}
    assert concurrent_trials(resources.confirming(config)) == 8


@given(
    counts=st.lists(st.integers(1, 4), min_size=1, max_size=6),
    types=st.lists(st.sampled_from(["", "A", "B", "C"]), min_size=6, max_size=6),
)
def test_each_node_is_of_one_kind_and_that_holds_as_many_as_it_does(
    counts: list[int], types: list[str]
) -> None:
    labels = {
        f"n{i}": {NODE_ID: f"n{i}", **({ACCELERATOR_TYPE: types[i]} if types[i] else {})}
        for i in range(len(counts))
    }
    trials = dict(zip(labels, counts, strict=True))
    kinds = gpu_kinds(trials, labels)
    assert bool(kinds) == (len(set(counts)) > 1)
    for name, count in trials.items() if kinds else ():
        (mine,) = (kind for kind in kinds if kind.nodes.holds(labels[name]))
        assert mine.trials == count
    if kinds:
        (stranger,) = (kind for kind in kinds if kind.nodes.holds({NODE_ID: "n99"}))
        assert stranger.trials == min(counts)


def test_trials_are_lined_up_for_the_kind_that_has_least_to_do_for_its_places(
    make_config, digits: TrainingData, cluster_of
) -> None:
    cluster_of([node("a1"), node("b2")], {"a1": need("A", 4), "b2": need("B", 2)})
    resources, *_ = shared(make_config(trials=1000), digits)
    places = Places(resources)
    lined_up = []
    while (gpus := places.choose()) is not None:
        places.take(str(len(lined_up)), gpus)
        lined_up.append(gpus)
    first, rest = lined_up[:6], lined_up[6:]
    assert sorted(first) == sorted(rest) == [1 / 4] * 4 + [1 / 2] * 2
    assert len(lined_up) == OPEN_IN_A_PLACE * resources.concurrent
    places.leave(str(lined_up.index(1 / 2)))
    assert places.choose() == 1 / 2


def test_a_kind_whose_nodes_have_left_or_are_drained_gets_no_more(
    make_config, digits: TrainingData, cluster_of, monkeypatch: pytest.MonkeyPatch
) -> None:
    nodes = [node("a1"), node("b2")]
    cluster_of(nodes, {"a1": need("A", 4), "b2": need("B", 2)})
    resources, *_ = shared(make_config(trials=1000), digits)
    monkeypatch.setattr(places_module, "draining_nodes", lambda: frozenset({"a1"}))
    places = Places(resources)
    assert places.choose() == 1 / 2
    assert places.are_gone(1 / 4)
    assert not places.are_gone(1 / 2)
    nodes.clear()
    places = Places(resources)
    assert not places.are_gone(1 / 4)  # wait: no other kind could take it
    assert places.choose() == 1 / 2


def test_a_trial_in_line_goes_to_gpus_for_which_nothing_is_left_to_propose(
    make_config, digits: TrainingData, cluster_of
) -> None:
    cluster_of([node("a1"), node("b2")], {"a1": need("A", 4), "b2": need("B", 2)})
    resources, *_ = shared(make_config(trials=1000), digits)
    places = Places(resources)
    for number in range(5):
        places.take(f"large{number}", 1 / 4)
    assert not places.has_better("large4")  # nobody is known to be idle
    places.lack(1 / 2)
    assert not places.has_better("large4")  # perhaps somebody else holds those
    places.trained(1 / 2)
    assert places.has_better("large4")
    assert places.choose() == 1 / 2
    places.leave("large4")
    places.take("small0", 1 / 2)
    places.lack(1 / 2)
    assert not places.has_better("large3")  # it has a place, and has not waited for long
    assert not places.has_better("small0")
