"""Number of runs that a confirmation is going to have."""

from dataclasses import replace

import pytest

from pnn_core.config import DatasetShape, ModelConfig, TrialConfig
from search_spaces import SearchSpace
from study.results.confirmed_choice import DEFAULT_CONTROLS
from study.results.confirmed_trials import planned_confirmations
from study.results.run_record import RunKey, RunRecord, RunState
from study.results.study_info import StudyInfo
from study.search.confirmation_plan import networks_to_confirm, plan_confirmation

SHAPE = DatasetShape(channels=1, height=8, width=8, classes=10)
INFO = StudyInfo(
    name="study",
    study_id="0" * 32,
    space="space",
    trials=1,
    sampler="grid",
    git_commit="",
    versions={},
    confirm=2,
    confirm_trials="all",
    controls=DEFAULT_CONTROLS,
)


@pytest.mark.parametrize(
    ("settings", "networks"),
    [({"noise_level": 0.5}, 4), ({"noise_level": 0.0}, 3), ({"layer": "conv3x3"}, 4)],
)
def test_the_count_is_that_of_the_plan_also_where_a_control_is_the_trial_itself(
    settings: dict[str, float | str], networks: int
) -> None:
    trial = TrialConfig(model=ModelConfig(dataset=SHAPE, network="resnet8", mask_count=24))
    trial = trial.with_parameters(settings)
    record = RunRecord(key=RunKey(0), state=RunState.COMPLETE, parameters=trial.parameters())
    space = SearchSpace(name="space", summary="", variants={"a": settings}, is_grid=True)
    planned = networks_to_confirm([record], space, SHAPE, DEFAULT_CONTROLS)
    plan = plan_confirmation(planned, range(2))
    assert planned_confirmations(INFO, [record]) == len(plan) == 2 * networks


def test_layers_of_ones_own_are_counted_where_their_files_are_elsewhere() -> None:
    info = replace(INFO, controls="mine,conv3x3")
    own, noise = ({"layer": layer, "mask_count": 24} for layer in ("mine", "perturbation"))
    for settings, networks in ((own, 2), (noise, 3)):
        record = RunRecord(key=RunKey(0), state=RunState.COMPLETE, parameters=settings)
        assert planned_confirmations(info, [record]) == 2 * networks
