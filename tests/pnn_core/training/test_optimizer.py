import subprocess
import sys
from copy import deepcopy

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from pnn_core.config import OptimConfig, Schedule
from pnn_core.training.optimizer import SCHEDULES, make_optimizer, make_schedule


def rates(schedule: Schedule, epochs: int) -> list[float]:
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    stepper = make_schedule(optimizer, schedule, epochs)
    seen = []
    for _ in range(epochs):
        seen.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        stepper.step()
    return seen


@pytest.mark.parametrize(
    ("schedule", "epochs", "expected"),
    [
        ("tenth_at_60_90", 100, [1.0] * 60 + [0.1] * 30 + [0.01] * 10),
        ("tenth_at_60_90", 10, [1.0] * 6 + [0.1] * 3 + [0.01]),
        ("fifth_at_60_120_160", 200, [1.0] * 60 + [0.2] * 60 + [0.04] * 40 + [0.008] * 40),
        ("fifth_at_60_120_160", 10, [1.0] * 3 + [0.2] * 3 + [0.04] * 2 + [0.008] * 2),
        (
            "fifth_at_150_250_300_350_400",
            450,
            [1.0] * 150 + [0.2] * 100 + [0.04] * 50 + [0.008] * 50 + [0.0016] * 50 + [0.00032] * 50,
        ),
        ("constant", 7, [1.0] * 7),
        ("original", 80, [1.0] * 59 + [0.1] * 21),
        ("original", 160, [1.0] * 118 + [0.1] * 42),
        ("klachko", 150, [1.0] * 59 + [0.2] * 30 + [0.04] * 30 + [0.008] * 31),
        (
            "update",
            450,
            [1.0] * 149 + [0.2] * 100 + [0.04] * 50 + [0.008] * 50 + [0.0016] * 50 + [0.00032] * 51,
        ),
    ],
)
def test_the_learning_rate_drops_after_the_named_share_of_the_epochs(
    schedule: Schedule, epochs: int, expected: list[float]
) -> None:
    assert rates(schedule, epochs) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("schedule", "factor", "drops", "epochs"),
    [
        ("original", 0.1, (60, 90, 120), 80),
        ("klachko", 0.2, (60, 90, 120, 160), 150),
        ("update", 0.2, (150, 250, 300, 350, 400), 450),
    ],
)
def test_a_codes_schedule_is_its_formula_at_every_published_epoch(
    schedule: Schedule, factor: float, drops: tuple[int, ...], epochs: int
) -> None:
    formula = [factor ** sum(epoch >= drop for drop in drops) for epoch in range(1, epochs + 1)]
    assert rates(schedule, epochs) == pytest.approx(formula)


@given(st.integers(1, 2000))
def test_the_papers_steps_stay_at_60_and_90_percent(epochs: int) -> None:
    assert SCHEDULES["tenth_at_60_90"].scaled(epochs) == [round(0.6 * epochs), round(0.9 * epochs)]


@given(st.sampled_from(sorted(SCHEDULES)), st.integers(1, 30))
def test_a_short_run_starts_at_the_rate_asked_for_and_never_rises(
    schedule: Schedule, epochs: int
) -> None:
    seen = rates(schedule, epochs)
    assert seen[0] == 1.0
    assert seen == sorted(seen, reverse=True)


def test_steps_that_meet_in_one_epoch_all_count() -> None:
    # Of 5 epochs, 300 and 250 of 450 both fall after the third: 0.2 · 0.2 at once.
    assert rates("fifth_at_150_250_300_350_400", 5) == pytest.approx(
        [1.0, 1.0, 0.2, 0.2**3, 0.2**5]
    )


@pytest.mark.parametrize(
    ("optimizer", "kind"), [("adam", torch.optim.Adam), ("sgd", torch.optim.SGD)]
)
def test_weight_decay_and_rate_reach_the_optimiser(
    optimizer: str, kind: type[torch.optim.Optimizer]
) -> None:
    made = make_optimizer(
        nn.Linear(2, 2),
        OptimConfig(optimizer=optimizer, learning_rate=0.25, weight_decay=0.125),
    )
    assert isinstance(made, kind)
    assert made.param_groups[0]["weight_decay"] == 0.125
    assert made.param_groups[0]["lr"] == 0.25


def test_sgd_has_nesterov_momentum() -> None:
    made = make_optimizer(nn.Linear(2, 2), OptimConfig(optimizer="sgd", momentum=0.75))
    assert made.param_groups[0]["nesterov"] is True
    assert made.param_groups[0]["momentum"] == 0.75


@pytest.mark.parametrize(
    ("config", "own"),
    [
        (OptimConfig(optimizer="adam", weight_decay=0.1), torch.optim.Adam),
        (OptimConfig(optimizer="sgd", momentum=0.75, weight_decay=0.1), torch.optim.SGD),
    ],
    ids=["adam", "sgd"],
)
def test_steps_are_those_of_torchs_own_optimiser(
    config: OptimConfig, own: type[torch.optim.Optimizer]
) -> None:
    def train(optimizer: torch.optim.Optimizer, layer: nn.Linear) -> None:
        for _ in range(5):
            optimizer.zero_grad(set_to_none=True)
            layer(torch.arange(6.0).reshape(2, 3)).square().sum().backward()
            optimizer.step()

    torch.manual_seed(1)
    ours = nn.Linear(3, 2)
    theirs = deepcopy(ours)
    made = make_optimizer(ours, config)
    options = {key: value for key, value in made.param_groups[0].items() if key != "params"}
    train(made, ours)
    train(own([{"params": [*theirs.parameters()], **options}], lr=1.0), theirs)
    assert torch.equal(ours.weight, theirs.weight)
    assert torch.equal(ours.bias, theirs.bias)


TRAINING = """
import sys
import torch
from pnn_core.config import OptimConfig
from pnn_core.training.optimizer import make_optimizer, make_schedule

layer = torch.nn.Linear(2, 1)
optimizer = make_optimizer(layer, OptimConfig(optimizer=sys.argv[1]))
schedule = make_schedule(optimizer, "constant", 1)
optimizer.zero_grad(set_to_none=True)
layer(torch.ones(1, 2)).sum().backward()
optimizer.step()
schedule.step()
optimizer.load_state_dict(optimizer.state_dict())
print("torch._dynamo" in sys.modules)
"""


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_training_does_not_wait_for_torchs_compiler(optimizer: str) -> None:
    assert subprocess.check_output([sys.executable, "-c", TRAINING, optimizer]) == b"False\n"
