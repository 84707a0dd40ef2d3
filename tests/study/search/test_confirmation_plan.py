"""A confirmation is fresh, paired, and of equal size."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.distributions import CategoricalDistribution

from pnn_core.config import PARAMETER_NAMES, DatasetShape, ModelConfig, TrialConfig
from pnn_core.models.costs import count_costs
from pnn_core.parts.layers import SPATIAL_LAYERS
from search_spaces import SearchSpace
from study.results.confirmed_choice import (
    CONFIRMABLE,
    DEFAULT_CONTROLS,
    EARLIER_CONTROLS,
    NONE,
    layers_beside,
)
from study.results.fresh_seeds import (
    FIRST_FRESH_SEED,
    MOST_FRESH_SEEDS,
    earlier_first_fresh_seed,
    first_fresh_seed,
)
from study.results.run_record import RunKey, RunRecord, RunState
from study.results.settings import LARGEST_SEED
from study.search.confirmation_plan import networks_to_confirm, plan_confirmation

SHAPE = DatasetShape(channels=1, height=28, width=28, classes=10)


def trial(number: int, **settings: object) -> RunRecord:
    config = TrialConfig(model=ModelConfig(dataset=SHAPE, network="resnet8"), epochs=7, seed=number)
    parameters = config.with_parameters({"mask_count": 32, **settings}).parameters()
    return RunRecord(
        key=RunKey(number), state=RunState.COMPLETE, parameters={"variant": "a", **parameters}
    )


def plan(
    *trials: RunRecord,
    seeds: int = 3,
    study_seed: int = 0,
    controls: str = DEFAULT_CONTROLS,
    **fixed: object,
):
    axes = {"batch_size": CategoricalDistribution((10, 20))}
    space = SearchSpace(name="x", summary="", axes=axes, fixed=fixed)
    first = first_fresh_seed(study_seed)
    fresh = range(first, first + seeds)
    return plan_confirmation(networks_to_confirm(trials, space, SHAPE, controls), fresh)


def test_a_perturbation_trial_is_trained_with_each_control_and_each_fresh_seed() -> None:
    tasks = plan(trial(4), trial(9, mask_count=16))
    got = {(task.trial, task.config.model.layer, task.config.seed) for task in tasks}
    seeds = range(FIRST_FRESH_SEED, FIRST_FRESH_SEED + 3)
    layers = ("perturbation", *layers_beside(ModelConfig(dataset=SHAPE), DEFAULT_CONTROLS))
    assert got == {(number, layer, seed) for number in (4, 9) for layer in layers for seed in seeds}
    assert len(tasks) == len(got)


def test_no_fresh_seed_can_have_been_used_in_a_search() -> None:
    most_trials_and_replicates = 10**9
    assert LARGEST_SEED + most_trials_and_replicates < FIRST_FRESH_SEED


@given(st.integers(0, LARGEST_SEED - 1), st.integers(1, MOST_FRESH_SEEDS))
def test_another_study_seed_gives_other_fresh_seeds(seed: int, number: int) -> None:
    assert first_fresh_seed(seed) + number <= first_fresh_seed(seed + 1)
    # A number that every reader of JSON holds to the last digit.
    assert first_fresh_seed(LARGEST_SEED) + MOST_FRESH_SEEDS < 2**53


@given(st.integers(0, 9), st.integers(1, 6), st.integers(0, 6))
def test_more_seeds_are_added_to_the_same_ones(study_seed: int, seeds: int, more: int) -> None:
    fewer = plan(trial(0), seeds=seeds, study_seed=study_seed, controls=NONE)
    larger = plan(trial(0), seeds=seeds + more, study_seed=study_seed, controls=NONE)
    assert larger[:seeds] == fewer
    assert len(larger) == seeds + more


def test_an_earlier_study_has_the_seeds_that_it_was_started_with() -> None:
    assert earlier_first_fresh_seed(3, 5) == FIRST_FRESH_SEED + 15


def test_without_controls_each_trial_is_trained_alone() -> None:
    tasks = plan(trial(0), trial(1, layer="conv3x3"), seeds=1, controls=NONE)
    assert [(task.trial, task.config.model.layer) for task in tasks] == [
        (0, "perturbation"),
        (1, "conv3x3"),
    ]


@given(st.lists(st.sampled_from(CONFIRMABLE), min_size=1, unique=True))
def test_the_named_controls_are_trained_beside_a_trial_in_their_order(layers: list[str]) -> None:
    tasks = plan(trial(0), seeds=1, controls=",".join(layers))
    others = [layer for layer in layers if layer != "perturbation"]
    assert [task.config.model.layer for task in tasks] == ["perturbation", *others]


def test_a_broken_off_confirmation_has_whole_pairs_first() -> None:
    tasks = plan(trial(4), trial(9))
    assert [task.config.seed for task in tasks] == sorted(task.config.seed for task in tasks)


@pytest.mark.parametrize("mask_count", [16, 32, 64])
def test_controls_are_of_the_trials_size_within_what_is_said(mask_count: int) -> None:
    own, *controls = plan(trial(0, mask_count=mask_count, fan_out=2), seeds=1)
    size = count_costs(own.config.model).learnable_params
    assert own.size_difference == 0
    for task in controls:
        params = count_costs(task.config.model).learnable_params
        assert task.size_difference == pytest.approx(params / size - 1)


def test_controls_share_everything_but_the_layer_and_its_size() -> None:
    settings = {"batch_size": 40, "learning_rate": 0.02, "optimizer": "sgd", "noise_level": 0.7}
    own, *controls = plan(trial(0, **settings), seeds=1)
    assert own.config.parameters()["noise_level"] == 0.7
    for task in controls:
        differing = {
            name
            for name in PARAMETER_NAMES
            if name in own.config.parameters()
            and name in task.config.parameters()
            and own.config.parameters()[name] != task.config.parameters()[name]
        }
        assert differing <= {"layer", "mask_count", "fan_out"}
        assert task.config.epochs == 7


def test_a_control_on_the_front_gets_its_perturbation_counterpart() -> None:
    front = trial(3, layer="conv3x3")
    own, *others = plan(front, seeds=1, noise_level=0.7, controls=EARLIER_CONTROLS)
    assert (own.config.model.layer, own.size_difference) == ("conv3x3", 0)
    by_layer = {task.config.model.layer: task for task in others}
    assert set(by_layer) == {"perturbation", "conv1x1", "local_binary"}
    # What the space holds fixed, though the trial's own layer has no use for it.
    assert by_layer["perturbation"].config.model.mask.noise_level == 0.7


def test_luck_that_the_space_held_fixed_is_fresh_too() -> None:
    (task, *_) = plan(trial(0, mask_seed=5), seeds=1)
    assert task.config.mask_seed is None


@pytest.mark.parametrize("layer", SPATIAL_LAYERS)
def test_every_layer_is_trained_as_a_control_or_its_entry_says_why_not(layer):
    reason = SPATIAL_LAYERS[layer].not_confirmed
    assert (layer in CONFIRMABLE) == (reason == "")
    assert reason == "" or len(reason.split()) > 3


@pytest.mark.parametrize("layer", ["perturbation", "constant_masks", "fresh_masks"])
def test_a_network_without_noise_is_not_trained_twice(layer: str) -> None:
    def controls(level: float) -> list[str]:
        own = trial(0, layer=layer, noise_level=level)
        _, *others = plan(own, seeds=1, controls="noise_off,constant_masks,fresh_masks,shift")
        return [task.config.model.layer for task in others if task.config.model.layer != layer]

    noisy = ["noise_off", "constant_masks", "fresh_masks", "shift"]
    assert controls(0.1) == [name for name in noisy if name != layer]
    assert controls(0.0) == ["shift"]
