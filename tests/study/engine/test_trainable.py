"""Several seeds of a trial live and die together."""

from pathlib import Path

import pytest
import torch

from pnn_core import train
from pnn_core.config import DatasetShape, ModelConfig, OptimConfig, TrialConfig
from pnn_core.data import load_training_data
from study.engine.messages import REPORT, TRIAL, EpochReport, ProposedTrial, TrialFailure
from study.engine.trainable import TrialTrainable

DIGITS = DatasetShape(channels=1, height=8, width=8, classes=10)
CONFIG = TrialConfig(
    model=ModelConfig(dataset=DIGITS, network="resnet8", mask_count=2),
    optim=OptimConfig(batch_size=200),
    epochs=2,
    seed=5,
)


@pytest.fixture
def trainable() -> TrialTrainable:
    """As in a worker process, but in this one."""
    made = TrialTrainable.__new__(TrialTrainable)
    made.config = {TRIAL: ProposedTrial(number=0, config=CONFIG, replicates=3)}
    threads = torch.get_num_threads()
    data = load_training_data("digits", Path("nowhere"))
    made.setup(made.config, data, cpus_per_trial=1, gpus_per_trial=0.0)
    yield made
    torch.set_num_threads(threads)


def test_each_step_is_an_epoch_of_every_seed(trainable: TrialTrainable) -> None:
    first, second = trainable.step(), trainable.step()
    for epoch, result in ((1, first), (2, second)):
        report = result[REPORT]
        assert isinstance(report, EpochReport)
        assert [r.epoch for r in report.results] == [epoch] * 3
        assert len({r.train_loss for r in report.results}) == 3
    assert (first["done"], second["done"]) == (False, True)


def test_the_seeds_are_the_trials_and_those_that_follow(
    trainable: TrialTrainable, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeds = []
    init = train.TrainingRun.__init__

    def listen(run, config, data, device):
        seeds.append(config.seed)
        init(run, config, data, device)

    monkeypatch.setattr(train.TrainingRun, "__init__", listen)
    trainable.step()
    assert seeds == [5, 6, 7]


def test_one_seed_that_fails_fails_the_trial_and_no_mean_is_reported(
    trainable: TrialTrainable, monkeypatch: pytest.MonkeyPatch
) -> None:
    next_epoch = train.TrainingRun.next_epoch

    def fail(run):
        if run.config.seed == 6 and run.epoch == 1:
            raise ArithmeticError("the second seed")
        return next_epoch(run)

    monkeypatch.setattr(train.TrainingRun, "next_epoch", fail)
    assert isinstance(trainable.step()[REPORT], EpochReport)
    result = trainable.step()
    assert result[REPORT] == TrialFailure(reason="ArithmeticError: the second seed")
    assert result["done"]
