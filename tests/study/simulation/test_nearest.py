"""A recorded proposal stands for itself, any other for the one nearest to it."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.simulation.nearest import NearestConfiguration


@pytest.fixture
def table(make_table):
    return make_table()


def settings_of(table, **point):
    """A proposal as the simulator has it."""
    trial = table.space.configure(point, dataset=table.shape, epochs=1, seed=0)
    return trial.parameters()


def test_every_recorded_configuration_stands_for_itself(table) -> None:
    nearest = NearestConfiguration(table)
    assert [nearest.find(c.parameters) for c in table.configurations] == [*table.configurations]


@pytest.mark.parametrize(
    ("proposed", "recorded"),
    [(0.02, 0.01), (0.031, 0.01), (0.032, 0.1), (0.3, 0.1), (0.32, 1.0), (0.99, 1.0)],
)
def test_a_value_between_goes_to_the_nearest_along_its_axis(table, proposed, recorded) -> None:
    # Logarithmic: between 0.01 and 0.1, the middle is 0.0316.
    settings = settings_of(table, layer="perturbation", mask_count=8, noise_level=proposed)
    found = NearestConfiguration(table).find(settings).parameters
    assert (found["mask_count"], found["noise_level"]) == (8, recorded)


def test_a_setting_without_effect_plays_no_part(table) -> None:
    nearest = NearestConfiguration(table)
    found = {
        nearest.find(settings_of(table, layer="conv3x3", mask_count=12, noise_level=level)).number
        for level in (0.01, 0.5, 1.0)
    }
    assert found == {11}


def test_a_layer_that_was_recorded_is_never_exchanged_for_another(table) -> None:
    # Most of the table has other masks: only one 3×3 network is left, with other masks, too.
    kept = [c for c in table.configurations if c.parameters["layer"] == "perturbation"]
    kept.append(table.configurations[9])  # 3×3 of 4 masks
    few = NearestConfiguration(replace(table, configurations=tuple(kept)))
    settings = settings_of(table, layer="conv3x3", mask_count=8, noise_level=0.1)
    assert few.find(settings).parameters["layer"] == "conv3x3"


def distance(space, parameters, other):
    """The documented distance, in plain words."""
    total = 0.0
    for name in {*parameters, *other}:
        a, b = parameters.get(name), other.get(name)
        if a == b:
            continue
        if a is None or b is None or name not in ("mask_count", "noise_level"):
            total += 1.0
            continue
        axis = space.axes[name]
        scale = math.log if axis.log else float
        total += ((scale(a) - scale(b)) / (scale(axis.high) - scale(axis.low))) ** 2
    return total


@given(data=st.data())
def test_no_other_configuration_is_nearer(make_table, data) -> None:
    table = make_table()
    kept = sorted(data.draw(st.sets(st.integers(0, 11), min_size=1)))
    table = replace(table, configurations=tuple(table.configurations[n] for n in kept))
    settings = settings_of(
        table,
        layer=data.draw(st.sampled_from(("perturbation", "conv3x3"))),
        mask_count=data.draw(st.sampled_from((4, 8, 12))),
        noise_level=data.draw(st.floats(0.01, 1.0)),
    )
    found = NearestConfiguration(table).find(settings)
    distances = [distance(table.space, settings, c.parameters) for c in table.configurations]
    assert distance(table.space, settings, found.parameters) == pytest.approx(min(distances))
