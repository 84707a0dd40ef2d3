"""The dispute goes from one recipe to the other, one switch at a time."""

from itertools import pairwise

import pytest

from pnn_core.config import DatasetShape, TrialConfig
from pnn_core.recipes import klachko, original, update
from search_spaces import find_space

DIGITS = DatasetShape(channels=1, height=8, width=8, classes=10)
CIFAR = DatasetShape(channels=3, height=32, width=32, classes=10)
SHAPES = pytest.mark.parametrize("shape", [CIFAR, DIGITS])


def trials(shape: DatasetShape, network: str | None = None) -> dict[str, TrialConfig]:
    space = find_space("dispute", shape, network)
    return {
        variant: space.configure({"variant": variant}, dataset=shape, epochs=80, seed=0)
        for variant in space.variants
    }


def changed(before: TrialConfig, after: TrialConfig) -> set[str]:
    old, new = before.parameters(), after.parameters()
    return {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)}


@SHAPES
@pytest.mark.parametrize("network", [None, "vgg16"])
def test_each_variant_turns_one_switch(shape: DatasetShape, network: str | None) -> None:
    _, *walk, _, _ = trials(shape, network).items()
    for (_, before), (name, after) in pairwise(walk):
        switch = name.split()[1]
        # Adam has no momentum to set, so that switching to SGD brings one.
        expected = {"optimizer", "momentum"} if switch == "optimizer" else {switch}
        assert changed(before, after) == expected


@SHAPES
def test_the_walk_leads_from_original_to_klachko(shape: DatasetShape) -> None:
    _, *walk, _, last = trials(shape).items()
    (first, start), (end, goal) = walk[0], walk[-1]
    assert (first, end.split(" = ")[-1], last[0]) == ("original", "klachko", "update")
    assert changed(start, original(shape)) == set()
    assert changed(goal, klachko(shape)) == {"epochs"}
    assert changed(last[1], update(shape)) == {"epochs"}


@SHAPES
def test_both_ends_are_shown_with_torchs_initialisation_beside(shape: DatasetShape) -> None:
    walk = list(trials(shape).items())
    for (name, torchs), (recipe, published) in ((walk[0], walk[1]), (walk[-2], walk[-3])):
        assert name.split(",")[0] == recipe.split(" = ")[-1]
        assert changed(torchs, published) == {"initialisation"}
        assert (torchs.model.initialisation, published.model.initialisation) == (
            "torch",
            "published",
        )


def test_the_walk_passes_the_results_reported_of_the_authors_network() -> None:
    """Results 2 and 3 of the reproduction's README: Adam to SGD at level 0.5, then a 3×3 stem."""
    reported = {"noise_level": 0.5, "optimizer": "sgd", "learning_rate": 1e-4, "batch_size": 10}
    stems = [
        trial.model.first_layer.stem
        for trial in trials(CIFAR).values()
        if reported.items() <= trial.parameters().items()
    ]
    assert stems == ["conv7x7", "conv3x3"]


def test_the_switches_are_named_with_their_values() -> None:
    assert list(trials(CIFAR)) == [
        "original, torch initialisation",
        "original",
        "+ optimizer sgd",
        "+ schedule klachko",
        "+ noise_level 0.5",
        "+ stem conv3x3",
        "+ learning_rate 0.001",
        "+ batch_size 16",
        "+ order noise_relu_conv_bn_relu",
        "+ before_addition bn_relu = klachko",
        "klachko, torch initialisation",
        "update",
    ]
