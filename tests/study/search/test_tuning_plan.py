"""Each network is trained at every point of one grid, and confirmed with the best of them."""

import math
from dataclasses import replace

import pytest

from pnn_core.config import DatasetShape, EpochResult, ModelConfig, TrialConfig
from search_spaces import SearchSpace
from study.results.confirmed_choice import DEFAULT_CONTROLS
from study.results.fresh_seeds import (
    FIRST_TUNING_SEED,
    MOST_FRESH_SEEDS,
    first_fresh_seed,
    first_tuning_seed,
)
from study.results.run_record import RunKey, RunRecord, RunState
from study.results.settings import LARGEST_SEED
from study.search.confirmation_manager import ConfirmationManager
from study.search.confirmation_plan import networks_to_confirm, plan_confirmation
from study.search.messages import EpochReport
from study.search.optuna_storage import StudyStorage
from study.search.tuning_plan import plan_tuning, tuned_networks

SHAPE = DatasetShape(channels=1, height=8, width=8, classes=10)
SPACE = SearchSpace(name="x", summary="", variants={"a": {}}, is_grid=True)
CHOICE = "learning_rate=0.001,0.01,0.1"
SEEDS = range(FIRST_TUNING_SEED, FIRST_TUNING_SEED + 2)
LAYERS = ("perturbation", "conv1x1", "conv3x3", "noise_off")


def networks(*numbers: int):
    trial = TrialConfig(model=ModelConfig(dataset=SHAPE, network="resnet8", mask_count=8), epochs=2)
    records = [
        RunRecord(key=RunKey(n), state=RunState.COMPLETE, parameters=trial.parameters())
        for n in numbers
    ]
    return networks_to_confirm(records, SPACE, SHAPE, DEFAULT_CONTROLS)


def curve(accuracy: float) -> tuple[EpochResult, ...]:
    result = EpochResult(
        epoch=1,
        val_accuracy=accuracy,
        val_loss=1 - accuracy,
        train_loss=0.0,
        train_seconds=0.0,
        val_seconds=0.0,
    )
    return (result, replace(result, epoch=2))


def run(planned, accuracy: float | None) -> RunRecord:
    return RunRecord(
        key=planned.key,
        state=RunState.FAILED if accuracy is None else RunState.COMPLETE,
        parameters=planned.config.parameters(),
        replicates=() if accuracy is None else (curve(accuracy), curve(accuracy + 0.02)),
    )


def test_trials_and_controls_are_trained_at_every_point_with_the_same_seeds_and_budget() -> None:
    plan = plan_tuning(networks(4, 9), CHOICE, SEEDS)
    found = {(r.trial, r.config.model.layer, r.config.optim.learning_rate) for r in plan}
    rates = (0.001, 0.01, 0.1)
    assert found == {(n, layer, rate) for n in (4, 9) for layer in LAYERS for rate in rates}
    assert len(plan) == len({planned.key for planned in plan}) == len(found)
    assert {(r.config.seed, r.replicates, r.config.epochs) for r in plan} == {(SEEDS.start, 2, 2)}
    assert all(r.key.is_tuning and not r.key.is_confirmation for r in plan)


def test_each_network_is_confirmed_with_its_own_best_point_and_is_otherwise_as_planned() -> None:
    planned = networks(0)
    best = dict(zip(LAYERS, (0.001, 0.1, 0.01, 0.1), strict=True))
    runs = [
        run(r, 0.9 if r.config.optim.learning_rate == best[r.config.model.layer] else 0.5)
        for r in plan_tuning(planned, CHOICE, SEEDS)
    ]
    tuned = tuned_networks(planned, CHOICE, SEEDS, runs)
    for network, before in zip(tuned, planned, strict=True):
        own = {"learning_rate": best[network.config.model.layer]}
        assert network.config == before.config.with_parameters(own)
        assert [point.settings["learning_rate"] for point in network.tuning] == [0.001, 0.01, 0.1]
        assert sorted(point.val_accuracy for point in network.tuning) == pytest.approx(
            [0.51, 0.51, 0.91]  # means over both seeds
        )
    confirmed = plan_confirmation(tuned, range(7, 9))
    assert [r.tuning for r in confirmed] == 2 * [network.tuning for network in tuned]
    assert {r.config.seed for r in confirmed} == {7, 8}


def test_a_point_that_failed_is_not_chosen_and_a_network_without_any_keeps_its_trials() -> None:
    planned = networks(0)
    runs = [
        run(r, None if r.config.model.layer == "conv1x1" or r.key.grid_point > 1 else 0.1)
        for r in plan_tuning(planned, CHOICE, SEEDS)
    ]
    by_layer = {n.config.model.layer: n for n in tuned_networks(planned, CHOICE, SEEDS, runs)}
    assert by_layer["conv3x3"].config.optim.learning_rate == 0.001
    assert by_layer["conv1x1"].config == planned[1].config
    assert all(math.isnan(point.val_accuracy) for point in by_layer["conv1x1"].tuning)


@pytest.mark.parametrize("study_seed", [0, 3, LARGEST_SEED])
def test_no_search_and_no_confirmation_has_the_seeds_of_a_tuning(study_seed: int) -> None:
    most_search_seeds = LARGEST_SEED + 10**9
    last_fresh_seed = first_fresh_seed(LARGEST_SEED) + MOST_FRESH_SEEDS
    assert first_tuning_seed(study_seed) > max(most_search_seeds, last_fresh_seed)
    # A number that every reader of JSON holds to the last digit.
    assert first_tuning_seed(study_seed) + MOST_FRESH_SEEDS < 2**53


def test_what_was_tuned_before_a_kill_is_restored_and_the_choice_is_the_same(
    make_config, heard_confirmations
) -> None:
    config = make_config()
    planned = networks(0)
    plan = plan_tuning(planned, CHOICE, SEEDS)

    def begin() -> ConfirmationManager:
        storage = StudyStorage(config)
        return ConfirmationManager(config, storage, [heard_confirmations], plan, lambda: 1)

    def end(manager: ConfirmationManager, number: int) -> None:
        (proposed,) = manager.propose()
        assert proposed.replicates == 2
        manager.run_started(proposed.key)
        told = {"costs": None, "device": "cpu", "worker": "host:1"}
        curves = (curve(number / 20), curve(number / 20))
        manager.epoch_finished(proposed.key, EpochReport(replicates=curves, **told))
        manager.run_stopped(proposed.key)

    first = begin()
    for number in range(5):
        end(first, number)
    assert StudyStorage(config).confirmed() == ()
    second = begin()
    assert second.ended == first.ended
    assert [record.key for record in second.ended] == [r.key for r in plan[:5]]
    for number in range(5, len(plan)):
        end(second, number)
    assert not second.has_work()
    assert [record.key for record in second.ended] == [r.key for r in plan]
    tuned = tuned_networks(planned, CHOICE, SEEDS, second.ended)
    assert [network.config.optim.learning_rate for network in tuned] == [0.1] * 4
