"""The sampler learns from all that trials show, and keeps workers apart."""

import logging
import subprocess
import sys

import numpy as np
import pytest
from optuna.distributions import FloatDistribution, IntDistribution
from optuna.storages import InMemoryStorage

from pnn_core.config import DatasetShape, EpochResult
from search_spaces import SearchSpace
from study.config import StudyConfig
from study.results.limit import parse_limits
from study.results.objective import parse_objectives
from study.results.run_record import RunState
from study.search.known_costs import ehvi_sampler, rung_model
from study.search.known_costs.observations import Observations
from study.search.known_costs.problem import count_network_costs
from study.search.messages import EpochReport
from study.search.optuna_storage import StudyStorage, search_problem
from study.search.trial_manager import TrialManager

SHAPE = DatasetShape(channels=1, height=8, width=8, classes=10)
SPACE = SearchSpace(
    name="valley",
    summary="",
    axes={
        "mask_count": IntDistribution(4, 32, step=4),
        "noise_level": FloatDistribution(0.01, 1.0, log=True),
    },
)
EPOCHS = 9


def config_of(tmp_path, **settings) -> StudyConfig:
    return StudyConfig(
        **{
            "name": "valley",
            "study_id": "0" * 32,
            "space": SPACE,
            "dataset": "digits",
            "shape": SHAPE,
            "trials": 100,
            "epochs": EPOCHS,
            "seed": 3,
            "objectives": parse_objectives("val_accuracy,learnable_params"),
            "sampler": "ehvi",
            "scheduler": "moasha",
            "first_rung": 1,
            "reduction_factor": 3,
            "output": tmp_path,
            "checkpoints": "none",
        }
        | settings
    )


def accuracy(masks: int, level: float) -> float:
    """Best at noise 0.1, the better the more masks."""
    return 0.9 - 1 / masks - 0.1 * np.log10(level / 0.1) ** 2


class Search:
    """A search whose trials are formulas."""

    def __init__(self, config: StudyConfig) -> None:
        self.storage = StudyStorage(config, InMemoryStorage())
        self.manager = TrialManager(config, self.storage, [])
        self.config = config
        self.proposed: list = []

    def propose(self):
        (run,) = self.manager.propose()
        self.manager.run_started(run.key)
        self.proposed.append(run)
        return run

    def train(self, run, until: int = EPOCHS) -> None:
        model = run.config.model
        final = accuracy(model.mask_count, model.mask.noise_level)
        costs = count_network_costs(run.config)
        for epoch in range(1, until + 1):
            curve = tuple(
                EpochResult(
                    epoch=e,
                    train_loss=1.0,
                    val_loss=1.0,
                    val_accuracy=final * (1 - 0.5**e),
                    train_seconds=1.0,
                    val_seconds=0.1,
                )
                for e in range(1, epoch + 1)
            )
            report = EpochReport(replicates=(curve,), costs=costs, device="cpu", worker="w")
            goes_on = epoch == EPOCHS or self.manager.goes_on(run.key, report)
            self.manager.epoch_finished(run.key, report)
            if not goes_on:
                break
        if until == EPOCHS:
            self.manager.run_stopped(run.key)


def test_it_finds_the_good_noise_level_sooner_than_chance(tmp_path):
    def mean_error(sampler: str) -> float:
        search = Search(config_of(tmp_path, sampler=sampler))
        for _ in range(20):
            search.train(search.propose())
        levels = [run.config.model.mask.noise_level for run in search.proposed[6:]]
        return float(np.mean(np.abs(np.log10(np.array(levels) / 0.1))))

    assert mean_error("ehvi") < 0.6 * mean_error("random")


def levels_with(tmp_path, prior: str | None) -> list[float]:
    search = Search(config_of(tmp_path, prior=prior))
    for _ in range(40):
        search.train(search.propose())
    return [run.config.model.mask.noise_level for run in search.proposed]


def mean_away(levels: list[float], level: float) -> float:
    return float(np.mean(np.abs(np.log10(np.array(levels) / level))))


def test_a_right_belief_is_tried_first_and_helps(tmp_path):
    with_belief = levels_with(tmp_path, "noise_level=0.1")
    assert with_belief[0] == 0.1
    assert mean_away(with_belief[4:12], 0.1) < mean_away(levels_with(tmp_path, None)[4:12], 0.1)


def test_a_wrong_belief_is_tried_first_and_forgotten(tmp_path):
    wrong = levels_with(tmp_path, "noise_level=1.0")
    assert wrong[0] == 1.0
    assert mean_away(wrong[-15:], 0.1) < 0.5 * mean_away(wrong[-15:], 1.0)


def test_a_belief_that_is_taken_or_beyond_a_limit_leaves_the_choice_to_the_model(
    tmp_path, monkeypatch
):
    asked = []
    best = ehvi_sampler.EhviSampler._best
    monkeypatch.setattr(
        ehvi_sampler.EhviSampler, "_best", lambda self, t: asked.append(1) or best(self, t)
    )
    limits = parse_limits("learnable_params<=60000")  # 12 masks have fewer, 16 more
    search = Search(config_of(tmp_path, prior="mask_count=32", limit=limits))
    for _ in range(9):
        search.train(search.propose())
    assert asked
    assert all(run.config.model.mask_count < 32 for run in search.proposed)


def test_a_belief_is_completed_by_what_can_be_built(tmp_path):
    limits = parse_limits("learnable_params<=60000")
    search = Search(config_of(tmp_path, prior="noise_level=0.1", limit=limits))
    assert search.propose().config.model.mask.noise_level == 0.1


def test_trials_that_run_at_once_are_spread(tmp_path):
    search = Search(config_of(tmp_path))
    for _ in range(8):
        search.train(search.propose())
    at_once = [search.propose().config.model for _ in range(12)]
    places = {(m.mask_count, round(m.mask.noise_level, 2)) for m in at_once}
    assert len(places) >= 6  # 3 where running trials count nothing


def test_it_reads_rungs_of_running_and_stopped_trials_and_ends_of_complete_ones(tmp_path):
    search = Search(config_of(tmp_path))
    for _ in range(6):
        search.train(search.propose())
    running = search.propose()
    search.train(running, until=4)
    observed = Observations(search_problem(search.config)).read(search.storage.study)
    by_number = {trial.number: trial for trial in observed}
    states = {record.number: record.state for record in search.manager.records}
    for number, trial in by_number.items():
        expected = {
            RunState.COMPLETE: {0, 1, 2},
            RunState.RUNNING: {0, 1},
        }.get(states[number])
        if expected is None:  # stopped at its first or second rung
            assert {*trial.entries} in ({0}, {0, 1})
        else:
            assert {*trial.entries} == expected
        assert trial.is_running == (states[number] is RunState.RUNNING)
    assert RunState.PRUNED in states.values()


@pytest.mark.parametrize(
    ("objectives", "scheduler"),
    [
        ("val_accuracy", "moasha"),
        ("val_accuracy,learnable_params,macs", "moasha"),
        ("val_accuracy,val_loss,learnable_params", "moasha"),
        ("val_accuracy,val_loss,learnable_params", "fifo"),
        ("learnable_params,macs", "fifo"),
    ],
)
def test_it_searches_any_number_of_known_and_measured_objectives(tmp_path, objectives, scheduler):
    rungs = {} if scheduler == "moasha" else {"first_rung": None, "reduction_factor": None}
    config = config_of(
        tmp_path, objectives=parse_objectives(objectives), scheduler=scheduler, **rungs
    )
    search = Search(config)
    for _ in range(12):
        search.train(search.propose())
    assert len({run.config for run in search.proposed}) == 12


def test_where_the_model_fails_a_random_point_is_tried_and_the_log_says_so(
    tmp_path, monkeypatch, caplog
):
    def fail(covariance):
        raise ValueError("the model's covariance is not positive definite")

    search = Search(config_of(tmp_path))
    for _ in range(6):
        search.train(search.propose())
    monkeypatch.setattr(rung_model, "_root", fail)
    monkeypatch.setattr(ehvi_sampler, "RANDOM_SHARE", 0.0)
    with caplog.at_level(logging.WARNING):
        search.train(search.propose())
    assert "trial 6 is a random point: the model's covariance is not positive" in caplog.text


def test_reading_the_module_imports_neither_torch_nor_ray():
    code = (
        "import sys, study.search.known_costs.ehvi_sampler; "
        "sys.exit(' '.join({'torch', 'ray'} & set(sys.modules)) or None)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
