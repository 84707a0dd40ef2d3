"""A study keeps the arithmetic that it began with, whatever a machine has by now."""

from dataclasses import replace

import pytest

from pnn_core.config import FUSED, TORCH
from pnn_core.fused.operators import OperatorsError
from study.engine.cluster import operators
from study.engine.cluster.ask_nodes import NodeAnswer
from study.engine.cluster.connect import ClusterError
from study.engine.cluster.operators import choose_arithmetic
from study.engine.cluster.trial_resources import TrialResources

ON_CPU = TrialResources(cpus=1, gpus=0, concurrent=1)


@pytest.fixture(params=[True, False])
def built(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    def has_operators(recorded: str | None) -> bool:
        if recorded == FUSED and not request.param:
            raise OperatorsError("the fused operators cannot be built: no C++ compiler")
        return bool(request.param)

    monkeypatch.setattr(operators, "is_built", lambda: request.param)
    monkeypatch.setattr(operators, "has_operators", has_operators)
    return bool(request.param)


def test_a_new_study_takes_what_the_machine_has(built: bool) -> None:
    assert choose_arithmetic(None, ON_CPU, None) == (FUSED if built else TORCH)


def test_a_study_that_began_by_torchs_own_operators_goes_on_so(built: bool) -> None:
    assert choose_arithmetic(TORCH, ON_CPU, None) == TORCH


def test_a_study_that_began_by_the_fused_operators_has_them_or_is_refused(built: bool) -> None:
    if built:
        assert choose_arithmetic(FUSED, ON_CPU, None) == FUSED
        return
    with pytest.raises(ClusterError) as caught:
        choose_arithmetic(FUSED, ON_CPU, None)
    assert str(caught.value) == (
        "the study was trained by the fused operators, and the fused operators cannot be built: "
        "no C++ compiler"
    )


def test_operators_that_were_recorded_and_are_gone_are_built_here(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str | None] = []
    monkeypatch.setattr(operators, "is_built", lambda: False)
    monkeypatch.setattr(operators, "has_operators", lambda r: asked.append(r) or r == FUSED)
    assert choose_arithmetic(FUSED, ON_CPU, None) == FUSED
    assert choose_arithmetic(None, ON_CPU, None) == TORCH
    assert asked == [FUSED, None]


def test_gpus_have_torchs_own(built: bool) -> None:
    assert choose_arithmetic(None, replace(ON_CPU, gpus=1), None) == TORCH


def test_nodes_without_room_for_a_trial_are_not_asked(built: bool, monkeypatch) -> None:
    asked: list[bool] = []

    def ask(*question: object, seconds: float, where) -> list[NodeAnswer]:
        asked.extend(where({"Resources": {"CPU": cpus}}) for cpus in (0.0, 1.0))
        return [NodeAnswer("10.0.0.2", built, None)]

    monkeypatch.setattr(operators, "ask_every_node", ask)
    assert choose_arithmetic(None, ON_CPU, "10.0.0.1:6379") == (FUSED if built else TORCH)
    assert asked == [False, True]
