"""Each trial ends in exactly one state, the same in Optuna, in the records and for listeners."""

import shutil
from dataclasses import replace

import optuna
import pytest
from optuna.samplers._tpe.sampler import _split_trials

from study.results.limit import parse_limits
from study.results.pareto import front
from study.results.run_record import RunState
from study.search import run_manager
from study.search.messages import ProposedRun
from study.search.optuna_storage import StorageError
from study.search.run_manager import ATTEMPTS
from study.stopping.rungs import Rungs

RUNNING, PAUSED, COMPLETE, FAILED = (
    RunState.RUNNING,
    RunState.PAUSED,
    RunState.COMPLETE,
    RunState.FAILED,
)


@pytest.fixture
def study(make_config, live):
    return live(make_config())


def test_a_trial_that_ran_its_full_budget_is_complete_everywhere(study) -> None:
    number = study.propose()
    study.train(number, epochs=2, accuracy=0.75)
    study.stop(number)
    assert study.manager.records[0].state is RunState.COMPLETE
    assert study.optuna_states() == ["COMPLETE"]
    assert study.storage.trials()[0].values == [0.75, 100]
    assert study.heard.events == [
        ("started", 0, RunState.RUNNING),
        ("epoch", 0, 1),
        ("epoch", 0, 2),
        ("ended", 0, RunState.COMPLETE),
    ]


def test_a_trial_stopped_early_is_pruned_and_never_in_the_front(study) -> None:
    number = study.propose()
    study.train(number, epochs=1, accuracy=1.0)
    study.stop(number)
    record = study.manager.records[0]
    assert (record.state, record.reason) == (
        RunState.PRUNED,
        "stopped by the scheduler after epoch 1",
    )
    assert study.optuna_states() == ["PRUNED"]
    assert front(study.manager.records, study.config.objectives) == ()


def test_a_failed_trial_is_fail_in_optuna_with_its_reason(study) -> None:
    """Ray's OptunaSearch would tell it as COMPLETE with the values of its last report."""
    number = study.propose()
    study.train(number, epochs=2, accuracy=1.0)
    reason = "NonFiniteLossError: training loss is nan"
    study.fail(number, reason, would_recur=True)
    assert study.optuna_states() == ["FAIL"]
    assert study.storage.trials()[0].user_attrs["reason"] == reason
    assert study.manager.records[0].reason == reason
    assert front(study.manager.records, study.config.objectives) == ()


def test_a_failure_that_would_recur_is_not_tried_again(study) -> None:
    number = study.propose()
    study.fail(number, "loss is nan", would_recur=True)
    assert study.records[number].retried == ()
    assert [study.propose(), study.propose(), study.ask()] == [1, 2, None]


def test_a_trial_that_breaks_off_is_tried_again_and_then_fails_with_its_last_reason(study) -> None:
    reasons = [f"reason {attempt}" for attempt in range(1, ATTEMPTS + 1)]
    attempts = []
    for reason in reasons:
        trial = study.ask()
        attempts.append((trial.key.trial, trial.attempt))
        study.fail(trial.key.trial, reason, would_recur=False)
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
    study.fail(number, "the worker process died", would_recur=False)
    assert study.records[number].worker == "a:1"
    assert study.propose() == number
    assert study.records[number].worker == ""  # nobody knows who has it now
    study.fail(number, "ValueError: x", would_recur=False, worker="b:2")
    assert study.records[number].worker == "b:2"
    assert study.propose() == number
    study.train(number, epochs=2, worker="c:3")
    study.stop(number)
    assert study.records[number].worker == "c:3"
    assert study.storage.record_of(study.storage.trials()[number]) == study.records[number]


def test_an_attempt_is_the_same_training_run_as_the_first(study) -> None:
    first = study.ask()
    study.fail(first.key.trial, "the worker process died", would_recur=False)
    assert study.ask() == replace(first, attempt=2)


def test_enqueued_points_are_trials_of_their_own_that_no_life_loses(make_config, live) -> None:
    first, second = "mask_count=4,noise_level=0.5", "mask_count=2"
    config = make_config(trials=4, enqueue=f"{first};{second}")
    study = live(config)
    assert study.optuna_states() == ["WAITING", "WAITING"]
    assert study.propose() == 0
    study.complete(0)
    for _ in range(2):  # lives that end before they begin a trial
        study = live(config)
        assert study.optuna_states() == ["COMPLETE", "WAITING"]
        assert [record.number for record in study.records] == [0]
    more = live(replace(config, enqueue=f"{first};{second};mask_count=4,noise_level=0.25"))
    assert [more.propose() for _ in range(3)] == [1, 2, 3]
    assert more.ask() is None
    records = more.records
    assert [record.enqueued for record in records] == [True, True, True, False]
    assert [record.parameters["mask_count"] for record in records[:3]] == [4, 2, 4]
    assert [records[place].parameters["noise_level"] for place in (0, 2)] == [0.5, 0.25]


def test_a_trial_that_was_asked_for_is_completed_to_the_same_point_after_a_crash(
    make_config, live
) -> None:
    config = make_config(enqueue="noise_level=0.5")
    whole = live(config)
    expected = whole.ask().config
    journal = config.output / "optuna.journal"
    lines = journal.read_text().splitlines(keepends=True)
    cut = max(i for i, line in enumerate(lines) if '"param_name"' in line)
    journal.write_text("".join(lines[:cut]))
    again = live(config)
    assert again.ask().config == expected
    assert again.records[0].enqueued
    assert expected.model.mask.noise_level == 0.5


def test_what_is_beyond_a_limit_is_on_no_front_and_optuna_knows(make_config, live) -> None:
    study = live(make_config(limit=parse_limits("val_accuracy>=0.5,learnable_params<1000")))
    for accuracy in (0.25, 0.75, 0.5):
        study.complete(study.propose(), accuracy)
    within = front(study.records, study.config.objectives, study.config.limit)
    assert [record.number for record in within] == [1]
    found = [trial.constraints for trial in study.storage.trials()]
    assert [one["val_accuracy>=0.5"] > 0 for one in found] == [True, False, False]
    assert all(one["learnable_params<1000"] <= 0 for one in found)
    assert [trial.number for trial in study.storage.study.best_trials] == [1]


def test_tune_waits_for_a_trial_that_may_have_to_be_tried_again(make_config, live) -> None:
    study = live(make_config(trials=1))
    number = study.propose()
    assert study.ask() is None
    assert study.manager.may_propose
    study.fail(number, "the worker process died", would_recur=False)
    assert study.manager.may_propose
    study.complete(study.propose())
    assert not study.manager.may_propose


def test_each_epoch_is_told_once_though_an_attempt_repeats_it(make_config, live) -> None:
    study = live(make_config(epochs=4))
    number = study.propose()
    study.train(number, epochs=3)
    study.fail(number, "the worker process died", would_recur=False)
    study.complete(study.propose())  # from the start: it had no checkpoint
    assert study.heard.of("epoch") == [(number, epoch) for epoch in (1, 2, 3, 4)]
    assert len(study.records[number].epochs) == 4


def test_an_interruption_pauses_what_runs_and_proposes_no_more(study) -> None:
    done, running, waiting = study.propose(), study.propose(), study.propose()
    study.complete(done)
    study.train(running, epochs=1)
    study.fail(waiting, "the worker process died", would_recur=False)
    study.manager.stop()
    assert study.ask() is None
    assert not study.manager.may_propose
    study.manager.pause_running()
    assert [r.state for r in study.records] == [COMPLETE, PAUSED, PAUSED]
    assert study.optuna_states() == ["COMPLETE", "RUNNING", "RUNNING"]
    assert study.heard.of("paused") == [(running, PAUSED), (waiting, PAUSED)]


def test_an_attempt_that_breaks_off_while_the_study_stops_is_paused_not_counted(study) -> None:
    for reason in ("first", "second"):
        study.fail(study.propose(), reason, would_recur=False)
    number = study.propose()
    study.manager.stop()
    study.fail(number, "killed at the end", would_recur=False)
    assert study.records[number].state is PAUSED
    assert study.heard.of("ended") == []
    assert study.optuna_states() == ["RUNNING"]


def test_a_resumed_study_restores_what_ended_and_goes_on_with_the_rest_first(
    make_config, live
) -> None:
    config = make_config(trials=6, seed=40, replicates=2)
    first = live(config)
    begun = [first.ask() for _ in range(4)]
    first.complete(1)
    first.fail(3, "loss is nan", would_recur=True)
    first.fail(2, "the worker process died", would_recur=False)

    again = live(config)
    assert again.heard.events == [("restored", 1, COMPLETE), ("restored", 3, FAILED)]
    proposed = [again.ask() for _ in range(5)]
    assert proposed[:2] == [begun[0], replace(begun[2], attempt=1)]
    assert [(t.key.trial, t.config.seed) for t in proposed[2:4]] == [(4, 48), (5, 50)]
    assert proposed[4] is None
    assert again.records[1] == first.records[1]
    assert again.records[2].retried == ("the worker process died",)
    assert again.records[2].started_ms == first.records[2].started_ms


def test_a_trial_has_all_its_attempts_in_each_life_of_the_study(make_config, live) -> None:
    config = make_config(trials=1)
    for _ in range(2):
        study = live(config)
        for attempt in range(1, ATTEMPTS):
            trial = study.ask()
            assert trial.attempt == attempt
            study.fail(trial.key.trial, "killed", would_recur=False)
    assert len(study.records[0].retried) == 2 * (ATTEMPTS - 1)


def test_more_trials_extend_a_finished_study(make_config, live) -> None:
    config = make_config(trials=2)
    first = live(config)
    for _ in range(2):
        first.complete(first.propose())
    assert not live(config).manager.has_work()
    again = live(replace(config, trials=3))
    assert again.manager.has_work()
    assert [again.propose(), again.ask()] == [2, None]
    assert again.records[:2] == first.records


def test_as_many_trials_are_proposed_as_asked_for_each_with_its_own_seed(make_config, live) -> None:
    study = live(make_config(trials=3, seed=40))
    trials = [study.ask() for _ in range(4)]
    assert [t and (t.key.trial, t.config.seed) for t in trials] == [(0, 40), (1, 41), (2, 42), None]


def test_an_exhausted_space_ends_the_study_early(make_config, live) -> None:
    study = live(make_config(trials=10, sampler="grid"))
    trials = [study.ask() for _ in range(5)]
    assert [t is None for t in trials] == [False] * 4 + [True]


def test_a_storage_that_is_gone_when_the_next_trial_is_asked_for_is_named(
    make_config, live, tmp_path
) -> None:
    (tmp_path / "own").mkdir()
    study = live(make_config(output=tmp_path / "own"))
    study.complete(study.propose())
    shutil.rmtree(tmp_path / "own")
    with pytest.raises(StorageError, match=r"own/optuna\.journal: "):
        study.ask()


def test_the_searchs_state_is_on_disk_as_it_happens(study) -> None:
    study.complete(study.propose())
    journal = optuna.storages.journal.JournalFileBackend(
        str(study.config.output / "optuna.journal")
    )
    again = optuna.load_study(study_name="test", storage=optuna.storages.JournalStorage(journal))
    assert [t.state.name for t in again.trials] == ["COMPLETE"]


def test_a_proposal_tells_a_worker_all_it_needs(make_config, live) -> None:
    study = live(make_config(seed=7, replicates=3, epochs=5))
    trial = study.ask()
    assert isinstance(trial, ProposedRun)
    assert (trial.key.trial, trial.replicates, trial.attempt) == (0, 3, 1)
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
    study.stop(number)
    expected = {"val_accuracy": [0.5], "val_loss,macs,mask_values": [1.0, 1000, 10]}
    assert study.storage.trials()[0].values == expected[objectives]


def test_a_trial_starts_when_a_process_takes_it_up_not_when_it_is_proposed(study) -> None:
    trial = study.ask()
    assert study.heard.events == []
    assert study.records[trial.key.trial].started_ms is None
    study.start(trial.key.trial)
    assert study.heard.of("started") == [(trial.key.trial, RUNNING)]
    assert study.records[trial.key.trial].started_ms is not None


def test_another_attempt_and_another_life_keep_the_first_start(live, make_config) -> None:
    first = live(make_config())
    number = first.propose()
    started_ms = first.records[number].started_ms
    first.fail(number, "the worker process died", would_recur=False)
    assert first.propose() == number
    assert first.records[number].started_ms == started_ms
    again = live(make_config())
    assert again.propose() == number
    assert again.records[number].started_ms == started_ms


def test_a_process_that_dies_on_the_way_has_started_its_trial(study) -> None:
    trial = study.ask()
    study.fail(trial.key.trial, "the worker process died", would_recur=False)
    assert [event for event, *_ in study.heard.events] == ["started", "retried"]


def test_of_a_trial_that_waits_nobody_hears_that_it_is_paused(study) -> None:
    running, waiting = study.propose(), study.ask().key.trial
    study.manager.pause_running()
    assert study.heard.of("paused") == [(running, PAUSED)]
    assert study.records[waiting].state is PAUSED


@pytest.fixture
def rungs() -> Rungs:
    return Rungs(first=1, reduction_factor=2, epochs=4)


def train(life, number: int, accuracy: float, params: int = 100) -> None:
    """Until it is complete or stopped."""
    for epoch in range(1, life.config.epochs + 1):
        if not life.report(number, epoch, accuracy, params):
            return


def test_a_trial_that_others_beat_is_stopped_at_a_rung_with_its_reason(
    make_config, live, rungs
) -> None:
    study = live(make_config(trials=3, epochs=4, rungs=rungs))
    train(study, study.propose(), 0.5)
    train(study, study.propose(), 0.4)
    train(study, study.propose(), 0.3, params=10)  # worse, and smaller than what beats it
    records = study.records
    assert [record.state for record in records] == [COMPLETE, RunState.PRUNED, COMPLETE]
    assert records[1].reason == "stopped at epoch 1: rank 2 of 2, 1 may go on"
    assert len(records[1].epochs) == 1
    assert study.optuna_states() == ["COMPLETE", "PRUNED", "COMPLETE"]
    assert study.storage.trials()[1].values is None
    assert study.storage.trials()[1].user_attrs["reason"] == records[1].reason
    assert [record.number for record in front(records, study.config.objectives)] == [2, 0]


@pytest.mark.parametrize("broken_after", range(1, 8))
def test_a_resumed_study_stops_the_trials_that_it_would_have_stopped(
    make_config, live, rungs, tmp_path, broken_after
) -> None:
    """Two trials are always under way, so that each break leaves one within its rungs."""
    accuracies = [0.5, 0.4, 0.6, 0.45, 0.55, 0.3]

    def run(breaks: int | None, folder: str) -> list[tuple[RunState, str]]:
        (tmp_path / folder).mkdir()
        config = make_config(trials=6, epochs=4, rungs=rungs, output=tmp_path / folder)
        life, steps = live(config), 0
        under_way: dict[int, int] = {}
        while True:
            while len(under_way) < 2 and (trial := life.ask()) is not None:
                life.start(trial.key.trial)
                under_way[trial.key.trial] = reached.get(trial.key.trial, 0)
            if not under_way:
                return [(record.state, record.reason) for record in life.records]
            number = min(under_way, key=lambda n: (under_way[n], n))
            under_way[number] += 1
            reached[number] = under_way[number]  # its checkpoint
            goes_on = life.report(number, under_way[number], accuracies[number])
            if not goes_on or under_way[number] == 4:
                del under_way[number]
            steps += 1
            if steps == breaks:
                life, under_way = live(config), {}

    reached: dict[int, int] = {}
    undisturbed = run(None, "whole")
    assert {state for state, _ in undisturbed} == {COMPLETE, RunState.PRUNED}
    reached.clear()
    assert run(broken_after, "broken") == undisturbed


def test_tpe_takes_complete_trials_for_good_and_then_those_that_came_farthest(
    make_config, live, rungs
) -> None:
    """By itself, it would take stopped trials in the order of their numbers."""
    study = live(make_config(trials=6, epochs=4, rungs=rungs, sampler="tpe"))
    reached = {}
    for accuracies in ([0.9] * 4, [0.1], [0.95, 0.1], [0.2], [0.96] * 4, [0.97, 0.2]):
        number = study.propose()
        for epoch, accuracy in enumerate(accuracies, start=1):
            study.report(number, epoch, accuracy)
        reached[number] = len(study.records[number].epochs)
    assert reached == {0: 4, 1: 1, 2: 2, 3: 1, 4: 4, 5: 2}
    trials = study.storage.trials()
    good = [
        {trial.number for trial in _split_trials(study.storage.study, trials, n_below)[0]}
        for n_below in range(1, 6)
    ]
    assert [len(numbers) for numbers in good] == [1, 2, 3, 4, 5]
    assert good[1] == {0, 4}
    assert good[3] == {0, 2, 4, 5}


def test_an_epoch_that_is_trained_again_is_not_judged_again(make_config, live, rungs) -> None:
    study = live(make_config(trials=2, epochs=4, rungs=rungs))
    number = study.propose()
    assert study.report(number, 1, 0.5)
    study.fail(number, "the worker process died", would_recur=False)
    assert study.propose() == number
    assert study.report(study.propose(), 1, 0.9)
    assert study.report(number, 1, 0.5)


def test_a_clock_that_went_back_between_lives_ends_no_trial_before_it_started(
    make_config, live, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = make_config()
    number = live(config).propose()
    again = live(config)
    assert again.ask() is not None
    again.start(number)
    started = again.records[number].started_ms
    monkeypatch.setattr(run_manager, "now_ms", lambda: started - 3_600_000)
    again.complete(number)
    assert again.records[number].ended_ms == started
