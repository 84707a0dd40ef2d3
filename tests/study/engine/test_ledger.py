"""Each trial ends in exactly one state, the same in Optuna, in the records and for listeners."""

import optuna
import pytest
from optuna.trial import TrialState as OptunaState

from pnn_core.config import Costs, EpochResult
from study.config import StudyConfig
from study.engine.ledger import TrialLedger
from study.engine.search import open_optuna_study
from study.results.pareto import front
from study.results.record import TrialRecord, TrialState

COSTS = Costs(learnable_params=100, mask_values=10, macs=1000)


class Listener:
    def __init__(self) -> None:
        self.heard: list[tuple] = []

    def trial_started(self, record: TrialRecord) -> None:
        self.heard.append(("started", record.number, record.state))

    def epoch_finished(self, number: int, result: EpochResult) -> None:
        self.heard.append(("epoch", number, result.epoch))

    def trial_ended(self, record: TrialRecord) -> None:
        self.heard.append(("ended", record.number, record.state))


def result(epoch: int, accuracy: float = 0.5) -> EpochResult:
    return EpochResult(
        epoch=epoch,
        train_loss=1.0,
        val_loss=1.0,
        val_accuracy=accuracy,
        train_seconds=0.1,
        val_seconds=0.1,
    )


class Study:
    def __init__(self, config: StudyConfig) -> None:
        self.config = config
        self.listener = Listener()
        self.optuna = open_optuna_study(config)
        self.ledger = TrialLedger(config, self.optuna, [self.listener])

    def propose(self) -> int:
        trial = self.ledger.propose()
        assert trial is not None
        return trial.number

    def train(self, number: int, epochs: int, accuracy: float = 0.5) -> None:
        for epoch in range(1, epochs + 1):
            self.ledger.epoch_finished(number, [result(epoch, accuracy)], costs=COSTS, device="cpu")

    def optuna_states(self) -> list[OptunaState]:
        return [trial.state for trial in self.optuna.get_trials()]


@pytest.fixture
def study(make_config) -> Study:
    return Study(make_config())


def test_a_trial_that_ran_its_full_budget_is_complete_everywhere(study: Study) -> None:
    number = study.propose()
    study.train(number, epochs=2, accuracy=0.75)
    study.ledger.trial_stopped(number)
    assert study.ledger.records[0].state is TrialState.COMPLETE
    assert study.optuna_states() == [OptunaState.COMPLETE]
    assert study.optuna.trials[0].values == [0.75, 100]
    assert study.listener.heard == [
        ("started", 0, TrialState.RUNNING),
        ("epoch", 0, 1),
        ("epoch", 0, 2),
        ("ended", 0, TrialState.COMPLETE),
    ]


def test_a_trial_stopped_early_is_pruned_and_never_in_the_front(study: Study) -> None:
    number = study.propose()
    study.train(number, epochs=1, accuracy=1.0)
    study.ledger.trial_stopped(number)
    record = study.ledger.records[0]
    assert (record.state, record.reason) == (
        TrialState.PRUNED,
        "stopped by the scheduler after epoch 1 of 2",
    )
    assert study.optuna_states() == [OptunaState.PRUNED]
    assert front(study.ledger.records, study.config.objectives) == ()


def test_a_failed_trial_is_fail_in_optuna_with_its_reason(study: Study) -> None:
    """Ray's OptunaSearch would tell it as COMPLETE with the values of its last report."""
    number = study.propose()
    study.train(number, epochs=2, accuracy=1.0)
    study.ledger.trial_failed(number, "NonFiniteLossError: training loss is nan")
    assert study.optuna_states() == [OptunaState.FAIL]
    assert study.optuna.trials[0].user_attrs["reason"].endswith("training loss is nan")
    assert study.ledger.records[0].reason == "NonFiniteLossError: training loss is nan"
    assert front(study.ledger.records, study.config.objectives) == ()


def test_a_trial_that_never_reported_does_not_stay_running(study: Study) -> None:
    """A missing metric leaves Ray's OptunaSearch with a RUNNING trial for ever."""
    study.ledger.trial_failed(study.propose(), "the worker process died")
    assert study.optuna_states() == [OptunaState.FAIL]


def test_interruption_leaves_no_trial_in_between(study: Study) -> None:
    done, running, silent = study.propose(), study.propose(), study.propose()
    study.train(done, epochs=2)
    study.ledger.trial_stopped(done)
    study.train(running, epochs=1)
    study.ledger.fail_running("interrupted")
    assert [r.state for r in study.ledger.records] == [
        TrialState.COMPLETE,
        TrialState.FAILED,
        TrialState.FAILED,
    ]
    assert study.optuna_states() == [OptunaState.COMPLETE, OptunaState.FAIL, OptunaState.FAIL]
    assert silent == 2


def test_as_many_trials_are_proposed_as_asked_for_each_with_its_own_seed(make_config) -> None:
    study = Study(make_config(trials=3, seed=40))
    trials = [study.ledger.propose() for _ in range(4)]
    assert [t and (t.number, t.config.seed) for t in trials] == [(0, 40), (1, 41), (2, 42), None]


def test_an_exhausted_space_ends_the_study_early(make_config) -> None:
    study = Study(make_config(trials=10, sampler="grid"))
    trials = [study.ledger.propose() for _ in range(5)]
    assert [t is None for t in trials] == [False] * 4 + [True]


def test_the_searchs_state_is_on_disk_as_it_happens(study: Study) -> None:
    number = study.propose()
    study.train(number, epochs=2)
    study.ledger.trial_stopped(number)
    journal = optuna.storages.journal.JournalFileBackend(
        str(study.config.output / "optuna.journal")
    )
    again = optuna.load_study(study_name="test", storage=optuna.storages.JournalStorage(journal))
    assert [t.state for t in again.trials] == [OptunaState.COMPLETE]


@pytest.mark.parametrize("objectives", ["val_accuracy", "val_loss,macs,mask_values"])
def test_any_number_of_objectives_reaches_optuna_in_order(make_config, objectives: str) -> None:
    from study.results.objective import parse_objectives

    study = Study(make_config(objectives=parse_objectives(objectives)))
    number = study.propose()
    study.train(number, epochs=2)
    study.ledger.trial_stopped(number)
    expected = {"val_accuracy": [0.5], "val_loss,macs,mask_values": [1.0, 1000, 10]}
    assert study.optuna.trials[0].values == expected[objectives]
