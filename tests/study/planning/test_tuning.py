"""A dry run counts what a tuning trains: as many runs as are planned once the front is known."""

from dataclasses import replace

import pytest

from pnn_core.config import TrialConfig
from study.planning.tuning import require_tuning, tuning_cost
from study.results.run_record import RunKey, RunRecord, RunState
from study.search.confirmation_plan import networks_to_confirm
from study.search.tuning_plan import plan_tuning


@pytest.fixture
def study(make_config):
    return make_config(
        confirm=2,
        replicates=3,
        epochs=5,
        controls="noise_off,conv3x3",
        tune_controls="learning_rate,weight_decay=0,0.1",
    )


def trials(config) -> list[TrialConfig]:
    points = ({"mask_count": 2, "noise_level": 0.5}, {"mask_count": 4, "noise_level": 0.0})
    return [
        config.space.configure(point, dataset=config.shape, epochs=5, seed=0) for point in points
    ]


@pytest.mark.parametrize(("choice", "taken"), [("all", (0, 1)), ("1", (1,)), ("0,1", (0, 1))])
def test_the_cost_is_that_of_the_plan(study, choice, taken) -> None:
    config = replace(study, confirm_trials=choice)
    records = [
        RunRecord(key=RunKey(n), state=RunState.COMPLETE, parameters=trial.parameters())
        for n, trial in enumerate(trials(config))
        if n in taken
    ]
    networks = networks_to_confirm(records, config.space, config.shape, config.controls)
    plan = plan_tuning(networks, config.tune_controls, config.tuning_seeds)
    cost = tuning_cost(config, trials(config))
    assert cost is not None
    assert (cost.networks, cost.runs) == (len(networks), len(plan))
    assert cost.epochs == sum(run.replicates * run.config.epochs for run in plan)


def test_of_a_front_the_cost_of_one_trial_is_told(study) -> None:
    assert str(tuning_cost(study, trials(study))) == (
        "--tune-controls trains, before the confirmation, for each trial of the front, 3 networks "
        "at 6 grid points: 18 runs of 3 seeds, 270 epochs"
    )
    assert tuning_cost(replace(study, tune_controls=None), trials(study)) is None


def test_every_network_of_a_space_must_use_what_is_tuned(study) -> None:
    require_tuning(study)
    noisy = replace(study, tune_controls="noise_level", controls="constant_masks")
    require_tuning(noisy)
    with pytest.raises(ValueError, match="layer noise_off does not use noise_level"):
        require_tuning(replace(noisy, controls="constant_masks,noise_off"))
