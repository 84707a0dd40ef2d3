"""What Tune reports reaches the trial manager as what it means."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from ray.tune.experiment import Trial

from pnn_core.config import ConfirmResult, Costs, DatasetShape, ModelConfig, TrialConfig
from study.engine.cluster.trial_resources import TrialResources
from study.engine.failure_reasons import describe_death
from study.engine.tune.callback import TuneCallback, UnsavedWarnings
from study.engine.tune.places import Places
from study.engine.tune.searcher import TuneSearcher
from study.results.run_record import RunState
from study.search.confirmation_manager import ConfirmationManager
from study.search.confirmation_plan import PlannedRun
from study.search.messages import (
    REPORTS,
    RUNS,
    DataFault,
    RunFailure,
    RunPaused,
    RunReport,
    TestReport,
)
from study.search.optuna_storage import StorageError, StudyStorage
from study.search.run_manager import ATTEMPTS

DIGITS = DatasetShape(channels=1, height=8, width=8, classes=10)
EVERYWHERE = Places(TrialResources(cpus=1, gpus=0.0, concurrent=2))
CONFIG = TrialConfig(model=ModelConfig(dataset=DIGITS, network="resnet8", mask_count=4))


class Tune:
    """Tune's part for a study with no worker."""

    def __init__(self, life) -> None:
        self.life = life
        self.warnings: list[str] = []
        self.stops: list[bool] = []
        self._searcher = TuneSearcher(life.manager, EVERYWHERE)
        self._recorder = TuneCallback(life.manager, self.warnings.append, self._stop)
        self._trials = 0

    def _stop(self) -> None:
        self.stops.append(True)

    def start(self):
        self._trials += 1
        config = self._searcher.suggest(str(self._trials))
        assert isinstance(config, dict), config
        return SimpleNamespace(
            trial_id=str(self._trials), config=config, error_file="", status=Trial.RUNNING
        )

    def report(self, trial, report: object) -> None:
        reports = tuple((run.key, report) for run in trial.config[RUNS])
        self._recorder.on_trial_result(0, [], trial, {REPORTS: reports})

    def complete(self, trial) -> None:
        self._recorder.on_trial_complete(0, [], trial)

    def error(self, trial) -> None:
        self._recorder.on_trial_error(0, [], trial)


@pytest.fixture
def tune(make_config, live) -> Tune:
    return Tune(live(make_config(trials=1)))


def test_a_trial_that_raised_is_known_by_its_own_reason_not_by_its_processs_end(tune) -> None:
    trial = tune.start()
    tune.report(trial, RunFailure(reason="ValueError: x", would_recur=False))
    assert tune.life.records[0].state is RunState.RUNNING
    tune.error(trial)
    assert tune.life.records[0].retried == ("ValueError: x",)


def test_each_attempt_has_a_reason_and_a_process_of_its_own(tune) -> None:
    trial = tune.start()
    tune.report(trial, RunFailure(reason="ValueError: x", would_recur=False, worker="a:1"))
    tune.error(trial)
    assert tune.life.records[0].worker == "a:1"
    for _ in range(ATTEMPTS - 1):
        tune.error(tune.start())
    (record,) = tune.life.records
    assert record.retried == ("ValueError: x", "the worker process died")
    assert (record.state, record.reason) == (RunState.FAILED, "the worker process died")
    assert record.worker == ""


def test_leaving_a_node_that_is_drained_spends_no_attempt(tune) -> None:
    moves = ATTEMPTS + 1
    for _ in range(moves):
        trial = tune.start()
        reason = "its node a is drained"
        tune.report(trial, RunFailure(reason=reason, would_recur=False, moves=True))
        tune.error(trial)
    assert tune.life.records[0].state is RunState.RUNNING
    assert tune.life.records[0].retried == ("its node a is drained",) * moves
    for _ in range(ATTEMPTS):
        tune.error(tune.start())
    assert tune.life.records[0].state is RunState.FAILED


def test_a_failure_that_would_recur_ends_the_trial_once(tune) -> None:
    trial = tune.start()
    tune.report(trial, RunFailure(reason="loss is nan", would_recur=True, worker="a:1"))
    tune.complete(trial)  # Tune sees a trial that is done
    (record,) = tune.life.records
    assert (record.state, record.reason) == (RunState.FAILED, "loss is nan")
    assert record.worker == "a:1"
    assert tune.life.heard.of("ended") == [(0, RunState.FAILED)]


def test_a_fault_of_the_data_stops_the_study_and_leaves_its_trial_unfinished(
    make_config, live
) -> None:
    tune = Tune(live(make_config(trials=3)))
    first, second = tune.start(), tune.start()
    tune.report(first, DataFault(reason="cat/07.jpg cannot be read"))
    tune.report(second, DataFault(reason="cat/08.jpg cannot be read"))
    for trial in (first, second):
        tune.complete(trial)
    assert tune.stops == [True]
    assert tune._recorder.data_fault == "cat/07.jpg cannot be read"
    assert [record.state for record in tune.life.records] == [RunState.PAUSED] * 2
    assert [record.retried for record in tune.life.records] == [()] * 2
    assert not tune.life.manager.may_propose


def test_a_paused_trial_does_not_end(tune) -> None:
    trial = tune.start()
    tune.report(trial, RunPaused(unsaved="/x: disk full"))
    tune.complete(trial)
    assert tune.life.records[0].state is RunState.PAUSED
    assert tune.life.heard.of("ended") == []
    assert "/x: disk full" in tune.warnings[0]


def test_each_run_of_a_group_that_a_worker_takes_with_it_has_its_own_reason(
    make_config, heard_confirmations
) -> None:
    config = make_config()
    planned = [
        PlannedRun(trial=0, config=replace(CONFIG, seed=seed), size_difference=0.0)
        for seed in range(3)
    ]
    storage = StudyStorage(config)
    manager = ConfirmationManager(config, storage, [heard_confirmations], planned, lambda: 1)
    callback = TuneCallback(manager, pytest.fail, pytest.fail)
    suggested = TuneSearcher(manager, EVERYWHERE).suggest("1")
    assert isinstance(suggested, dict)
    trial = SimpleNamespace(trial_id="1", config=suggested, error_file="", status=Trial.RUNNING)
    diverged, raised, killed = (run.key for run in suggested[RUNS])
    reports = (
        (diverged, RunFailure(reason="loss is nan", would_recur=True)),
        (raised, RunFailure(reason="MemoryError: x", would_recur=False)),
    )
    callback.on_trial_start(0, [], trial)
    callback.on_trial_result(0, [], trial, {REPORTS: reports})
    callback.on_trial_error(0, [], trial)
    callback.on_step_end(0, [])
    records = {record.key: record for record in manager.records}
    assert records[diverged].state is RunState.FAILED
    assert records[raised].retried == ("MemoryError: x",)
    assert records[killed].retried == ("the worker process died",)
    assert len(heard_confirmations.of("started")) == 3


def test_a_trial_that_no_process_took_up_is_proposed_again_and_has_not_been_tried(tune) -> None:
    """As Tune tells of one that waited for GPUs which have left the cluster."""
    waited = tune.start()
    (run,) = waited.config[RUNS]
    waited.status = Trial.PENDING
    tune.complete(waited)
    (again,) = tune.start().config[RUNS]
    assert again == run
    assert again.attempt == 1
    assert [record.retried for record in tune.life.manager.records] == [()]


def test_a_trial_that_no_process_took_up_waits_for_the_next_life_once_the_study_stops(tune) -> None:
    waited = tune.start()
    waited.status = Trial.PENDING
    tune.life.manager.stop()
    tune.complete(waited)
    assert [record.state for record in tune.life.manager.records] == [RunState.PAUSED]


def test_what_ends_the_study_is_raised_where_tune_lets_it_through(tune) -> None:
    def fail(*what: object) -> None:
        raise StorageError("no space left on device")

    tune.life.storage.keep_record = fail
    trial = tune.start()
    tune.report(trial, RunFailure(reason="loss is nan", would_recur=True))
    with pytest.raises(StorageError, match="no space"):
        tune._recorder.on_step_end(0, [])


def test_a_result_that_cannot_be_kept_ends_the_study_by_that_and_by_nothing_after_it(
    make_config, heard_confirmations
) -> None:
    config = make_config()
    storage = StudyStorage(config)
    planned = [PlannedRun(trial=0, config=CONFIG, size_difference=0.0)]
    manager = ConfirmationManager(config, storage, [heard_confirmations], planned, lambda: 1)
    callback = TuneCallback(manager, pytest.fail, pytest.fail)
    suggested = TuneSearcher(manager, EVERYWHERE).suggest("1")
    assert isinstance(suggested, dict)
    trial = SimpleNamespace(trial_id="1", config=suggested, error_file="", status=Trial.RUNNING)

    def fail(*what: object) -> None:
        raise StorageError("no space left on device")

    storage.keep_confirmed = fail
    result = ConfirmResult(
        train_loss=1.0, test_accuracy=0.5, published_test_accuracy=0.6, train_seconds=1.0
    )
    costs = Costs(learnable_params=1, mask_values=0, macs=1)
    report = TestReport(result=result, costs=costs, device="cpu", worker="a:1")
    callback.on_trial_start(0, [], trial)
    callback.on_trial_result(0, [], trial, {REPORTS: ((suggested[RUNS][0].key, report),)})
    callback.on_trial_complete(0, [], trial)  # Tune sees a trial that is done
    with pytest.raises(StorageError, match="no space"):
        callback.on_step_end(0, [])


def test_tune_is_told_to_wait_while_a_trial_may_have_to_be_tried_again(tune) -> None:
    searcher = TuneSearcher(tune.life.manager, EVERYWHERE)
    trial = tune.start()
    assert [run.key.trial for run in trial.config[RUNS]] == [0]
    assert searcher.suggest("2") is None
    tune.life.complete(0)
    assert searcher.suggest("3") == TuneSearcher.FINISHED


def test_each_reason_is_told_once_and_without_passwords() -> None:
    told: list[str] = []
    warnings = UnsavedWarnings(told.append)
    for reason in ("", "s3://KEY:s3cret@bucket/x: denied", "disk full") * 2:
        warnings.tell(RunReport(unsaved=reason))
    warnings.tell(RunReport(unkept="disk full"))
    assert len(told) == 3
    assert "s3://KEY:***@bucket/x: denied" in told[0]
    assert told[1].startswith("A checkpoint could not be written or read: disk full")
    assert told[2].startswith("Weights could not be written: disk full")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("ray.exceptions.OutOfMemoryError: Task was killed", "the host ran out of memory"),
        ("2 worker(s) were killed due to the node running low on memory.", "out of memory"),
        ("The actor is dead because its node has died.", "died with its node"),
        ("The actor died: its node was preempted.", "died with its node"),
        ("ray.exceptions.NodeDiedError: gone", "died with its node"),
        (
            "The actor is temporarily unavailable: RpcError: RPC error: Socket closed",
            "was lost with the connection to it, as when its node dies",
        ),
        ("The worker died. node_ip_address: 10.0.0.1", "the worker process died"),
        ("The actor died unexpectedly before finishing this task.", "the worker process died"),
        ("", "the worker process died"),
    ],
)
def test_a_death_is_told_by_its_cause(text: str, reason: str) -> None:
    assert describe_death(text).endswith(reason)
