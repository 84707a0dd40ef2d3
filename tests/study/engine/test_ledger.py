"""Each trial ends in exactly one state, the same in Optuna, in the records and for listeners."""

from dataclasses import replace

import optuna
import pytest

from study.engine.ledger import ATTEMPTS
from study.engine.messages import ProposedTrial
from study.results.pareto import front
from study.results.record import TrialState

RUNNING, PAUSED, COMPLETE, FAILED = (
    TrialState.RUNNING,
    TrialState.PAUSED,
    TrialState.COMPLETE,
    TrialState.FAILED,
)


@pytest.fixture
def study(make_config, live):
    return live(make_config())


def test_a_trial_that_ran_its_full_budget_is_complete_everywhere(study) -> None:
    number = study.propose()
    study.train(number, epochs=2, accuracy=0.75)
    study.ledger.trial_stopped(number)
    assert study.ledger.records[0].state is TrialState.COMPLETE
    assert study.optuna_states() == ["COMPLETE"]
    assert study.storage.trials()[0].values == [0.75, 100]
    assert study.heard.events == [
        ("started", 0, TrialState.RUNNING),
        ("epoch", 0, 1),
        ("epoch", 0, 2),
        ("ended", 0, TrialState.COMPLETE),
    ]


def test_a_trial_stopped_early_is_pruned_and_never_in_the_front(study) -> None:
    number = study.propose()
    study.train(number, epochs=1, accuracy=1.0)
    study.ledger.trial_stopped(number)
    record = study.ledger.records[0]
    assert (record.state, record.reason) == (
        TrialState.PRUNED,
        "stopped by the scheduler after epoch 1 of 2",
    )
    assert study.optuna_states() == ["PRUNED"]
    assert front(study.ledger.records, study.config.objectives) == ()


def test_a_failed_trial_is_fail_in_optuna_with_its_reason(study) -> None:
    """Ray's OptunaSearch would tell it as COMPLETE with the values of its last report."""
    number = study.propose()
    study.train(number, epochs=2, accuracy=1.0)
    reason = "NonFiniteLossError: training loss is nan"
    study.ledger.attempt_failed(number, reason, would_recur=True)
    assert study.optuna_states() == ["FAIL"]
    assert study.storage.trials()[0].user_attrs["reason"] == reason
    assert study.ledger.records[0].reason == reason
    assert front(study.ledger.records, study.config.objectives) == ()


def test_a_failure_that_would_recur_is_not_tried_again(study) -> None:
    number = study.propose()
    study.ledger.attempt_failed(number, "loss is nan", would_recur=True)
    assert study.records[number].retried == ()
    assert [study.propose(), study.propose(), study.ledger.propose()] == [1, 2, None]


def test_a_trial_that_breaks_off_is_tried_again_and_then_fails_with_its_last_reason(study) -> None:
    reasons = [f"reason {attempt}" for attempt in range(1, ATTEMPTS + 1)]
    attempts = []
    for reason in reasons:
        trial = study.ledger.propose()
        attempts.append((trial.number, trial.attempt))
        study.ledger.attempt_failed(trial.number, reason, would_recur=False)
    assert attempts == [(0, attempt) for attempt in range(1, ATTEMPTS + 1)]
    (record,) = study.records
    assert (record.state, record.reason) == (FAILED, reasons[-1])
    assert record.retried == tuple(reasons[:-1])
    assert study.optuna_states() == ["FAIL"]
    assert study.heard.of("retried") == [(0, reason) for reason in reasons[:-1]]
    assert study.heard.of("ended") == [(0, FAILED)]
    assert study.propose() == 1


def test_a_trial_names_the_process_of_its_last_attempt_alone(study) -> None:
    number = study.propose()
    assert study.records[number].worker == ""
    study.train(number, epochs=1, worker="a:1")
    study.ledger.attempt_failed(number, "the worker process died", would_recur=False)
    assert study.records[number].worker == "a:1"
    assert study.propose() == number
    assert study.records[number].worker == ""  # nobody knows who has it now
    study.ledger.attempt_failed(number, "ValueError: x", would_recur=False, worker="b:2")
    assert study.records[number].worker == "b:2"
    assert study.propose() == number
    study.train(number, epochs=2, worker="c:3")
    study.ledger.trial_stopped(number)
    assert study.records[number].worker == "c:3"
    assert study.storage.record_of(study.storage.trials()[number]) == study.records[number]


def test_an_attempt_is_the_same_training_run_as_the_first(study) -> None:
    first = study.ledger.propose()
    study.ledger.attempt_failed(first.number, "the worker process died", would_recur=False)
    assert study.ledger.propose() == replace(first, attempt=2)


def test_tune_waits_for_a_trial_that_may_have_to_be_tried_again(make_config, live) -> None:
    study = live(make_config(trials=1))
    number = study.propose()
    assert study.ledger.propose() is None
    assert study.ledger.may_propose
    study.ledger.attempt_failed(number, "the worker process died", would_recur=False)
    assert study.ledger.may_propose
    study.complete(study.propose())
    assert not study.ledger.may_propose


def test_each_epoch_is_told_once_though_an_attempt_repeats_it(make_config, live) -> None:
    study = live(make_config(epochs=4))
    number = study.propose()
    study.train(number, epochs=3)
    study.ledger.attempt_failed(number, "the worker process died", would_recur=False)
    study.complete(study.propose())  # from the start: it had no checkpoint
    assert study.heard.of("epoch") == [(number, epoch) for epoch in (1, 2, 3, 4)]
    assert len(study.records[number].epochs) == 4


def test_an_interruption_pauses_what_runs_and_proposes_no_more(study) -> None:
    done, running, waiting = study.propose(), study.propose(), study.propose()
    study.complete(done)
    study.train(running, epochs=1)
    study.ledger.attempt_failed(waiting, "the worker process died", would_recur=False)
    study.ledger.stop()
    assert study.ledger.propose() is None
    assert not study.ledger.may_propose
    study.ledger.pause_running()
    assert [r.state for r in study.records] == [COMPLETE, PAUSED, PAUSED]
    assert study.optuna_states() == ["COMPLETE", "RUNNING", "RUNNING"]
    assert study.heard.of("paused") == [(running, PAUSED), (waiting, PAUSED)]


def test_an_attempt_that_breaks_off_while_the_study_stops_is_paused_not_counted(study) -> None:
    for reason in ("first", "second"):
        study.ledger.attempt_failed(study.propose(), reason, would_recur=False)
    number = study.propose()
    study.ledger.stop()
    study.ledger.attempt_failed(number, "killed at the end", would_recur=False)
    assert study.records[number].state is PAUSED
    assert study.heard.of("ended") == []
    assert study.optuna_states() == ["RUNNING"]


def test_a_resumed_study_restores_what_ended_and_goes_on_with_the_rest_first(
    make_config, live
) -> None:
    config = make_config(trials=6, seed=40, replicates=2)
    first = live(config)
    begun = [first.ledger.propose() for _ in range(4)]
    first.complete(1)
    first.ledger.attempt_failed(3, "loss is nan", would_recur=True)
    first.ledger.attempt_failed(2, "the worker process died", would_recur=False)

    again = live(config)
    assert again.heard.events == [("restored", 1, COMPLETE), ("restored", 3, FAILED)]
    proposed = [again.ledger.propose() for _ in range(5)]
    assert proposed[:2] == [begun[0], replace(begun[2], attempt=1)]
    assert [(t.number, t.config.seed) for t in proposed[2:4]] == [(4, 48), (5, 50)]
    assert proposed[4] is None
    assert again.records[1] == first.records[1]
    assert again.records[2].retried == ("the worker process died",)
    assert again.records[2].started_ms == first.records[2].started_ms


def test_a_trial_has_all_its_attempts_in_each_life_of_the_study(make_config, live) -> None:
    config = make_config(trials=1)
    for _ in range(2):
        study = live(config)
        for attempt in range(1, ATTEMPTS):
            trial = study.ledger.propose()
            assert trial.attempt == attempt
            study.ledger.attempt_failed(trial.number, "killed", would_recur=False)
    assert len(study.records[0].retried) == 2 * (ATTEMPTS - 1)


def test_more_trials_extend_a_finished_study(make_config, live) -> None:
    config = make_config(trials=2)
    first = live(config)
    for _ in range(2):
        first.complete(first.propose())
    assert not live(config).ledger.has_work()
    again = live(replace(config, trials=3))
    assert again.ledger.has_work()
    assert [again.propose(), again.ledger.propose()] == [2, None]
    assert again.records[:2] == first.records


def test_as_many_trials_are_proposed_as_asked_for_each_with_its_own_seed(make_config, live) -> None:
    study = live(make_config(trials=3, seed=40))
    trials = [study.ledger.propose() for _ in range(4)]
    assert [t and (t.number, t.config.seed) for t in trials] == [(0, 40), (1, 41), (2, 42), None]


def test_an_exhausted_space_ends_the_study_early(make_config, live) -> None:
    study = live(make_config(trials=10, sampler="grid"))
    trials = [study.ledger.propose() for _ in range(5)]
    assert [t is None for t in trials] == [False] * 4 + [True]


def test_the_searchs_state_is_on_disk_as_it_happens(study) -> None:
    study.complete(study.propose())
    journal = optuna.storages.journal.JournalFileBackend(
        str(study.config.output / "optuna.journal")
    )
    again = optuna.load_study(study_name="test", storage=optuna.storages.JournalStorage(journal))
    assert [t.state.name for t in again.trials] == ["COMPLETE"]


def test_a_proposal_tells_a_worker_all_it_needs(make_config, live) -> None:
    study = live(make_config(seed=7, replicates=3, epochs=5))
    trial = study.ledger.propose()
    assert isinstance(trial, ProposedTrial)
    assert (trial.number, trial.replicates, trial.attempt) == (0, 3, 1)
    assert (trial.config.seed, trial.config.epochs) == (7, 5)
    assert study.records[0].parameters.items() >= trial.config.parameters().items()


@pytest.mark.parametrize("objectives", ["val_accuracy", "val_loss,macs,mask_values"])
def test_any_number_of_objectives_reaches_optuna_in_order(
    make_config, live, objectives: str
) -> None:
    from study.results.objective import parse_objectives

    study = live(make_config(objectives=parse_objectives(objectives)))
    number = study.propose()
    study.train(number, epochs=2)
    study.ledger.trial_stopped(number)
    expected = {"val_accuracy": [0.5], "val_loss,macs,mask_values": [1.0, 1000, 10]}
    assert study.storage.trials()[0].values == expected[objectives]
