"""A confirmation trains and tests in real worker processes, and loses no run where one dies."""

import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
import pytest
import torch

from pnn_core.config import DatasetShape, ModelConfig, OptimConfig, TrialConfig
from pnn_core.data import confirm_step, load_test_data
from pnn_core.training.confirmation_run import train_and_test
from study.checkpoints.checkpoint_store import CheckpointStore
from study.checkpoints.cleanup import CheckpointCleanup
from study.engine.cluster.trial_resources import concurrent_trials, trial_resources
from study.engine.interrupts import Interrupts
from study.engine.tune import tuner
from study.engine.tune.trainable import TrialTrainable
from study.engine.tune.tuner import train_runs
from study.engine.tune.worker_images import ConfirmationImages
from study.results.run_record import RunRecord, RunState
from study.search.confirmation_manager import ConfirmationManager
from study.search.confirmation_plan import PlannedRun
from study.search.optuna_storage import StudyStorage
from study.search.run_manager import ATTEMPTS

pytestmark = pytest.mark.usefixtures("cluster")

DIGITS = DatasetShape(channels=1, height=8, width=8, classes=10)
CONFIG = TrialConfig(
    model=ModelConfig(dataset=DIGITS, network="resnet8", mask_count=4),
    optim=OptimConfig(batch_size=100),
    epochs=2,
    seed=10_000_000_000,
)


@pytest.fixture
def deadly(monkeypatch: pytest.MonkeyPatch) -> PlannedRun:
    """A run that takes each worker process with it."""

    class DeadlyTrainable(TrialTrainable):
        def _train_epoch(self, proposed):
            if proposed[0].key.trial == 4:
                os._exit(1)
            return super()._train_epoch(proposed)

    monkeypatch.setattr(tuner, "TrialTrainable", DeadlyTrainable)
    return task(4)


@dataclass(frozen=True)
class Confirmed:
    """End of a confirmation."""

    runs: tuple[RunRecord, ...]
    interrupted: bool


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers give way to everything else on a busy machine."""
    monkeypatch.setattr(tuner, "PAUSE_SECONDS", 60.0)


@pytest.fixture(scope="module")
def test_images():
    with confirm_step():
        return load_test_data("digits", Path("nowhere"))


def task(number: int, **changes: object) -> PlannedRun:
    config = CONFIG.with_parameters(changes)
    return PlannedRun(trial=number, config=config, size_difference=0.25)


def expected(task: PlannedRun, data, test_images) -> object:
    """What the plain function gives."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as in a worker with one core: sums are taken in another order
    cpu = torch.device("cpu")
    result = train_and_test(task.config, data.traits, data.joined(), test_images, cpu)
    torch.set_num_threads(threads)
    return replace(result, train_seconds=0.0)


def timeless(run: RunRecord) -> object:
    assert run.state is RunState.COMPLETE, run.reason
    assert run.worker.startswith(f"{socket.gethostname()}:")
    assert run.result is not None
    return replace(run.result, train_seconds=0.0)


Confirm = Callable[..., Confirmed]


@pytest.fixture
def confirmed(make_config, digits, test_images) -> Confirm:
    """Runs a confirmation of one study."""
    config = make_config()
    store = CheckpointStore(url=config.checkpoints)
    store.create()

    def confirmed(tasks, listener, *, at_once: int = 2, places=None) -> Confirmed:
        cleanup = CheckpointCleanup(store, keep=False)
        study = replace(config, gpus_per_trial=0.0, max_concurrent=at_once)
        resources = trial_resources(study)
        manager = ConfirmationManager(
            study,
            StudyStorage(study),
            [listener, cleanup],
            tasks,
            places or (lambda: concurrent_trials(resources)),
        )
        images = ConfirmationImages(
            traits=digits.traits, classes=digits.classes, images=digits.joined(), test=test_images
        )
        with Interrupts() as interrupts:
            interrupted = train_runs(
                study, images, manager, store, resources, interrupts, pytest.fail
            )
        cleanup.close()
        if not interrupted:
            assert store.names() == []
        return Confirmed(tuple(manager.ended), interrupted)

    return confirmed


def once_a_checkpoint_is_there(folder: Path, act: Callable[[], None]) -> threading.Thread:
    """Does something in the middle of a run, when it has saved itself."""

    def wait() -> None:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            if list(folder.glob("*.ckpt")):
                return act()
            time.sleep(0.05)
        return None

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    return thread


def kill_worker() -> None:
    for process in psutil.Process().children(recursive=True):
        if "Trainable" in " ".join(process.cmdline()):
            process.kill()
            return
    raise AssertionError("no worker runs")


def test_runs_are_those_of_the_plain_function_and_are_not_run_again(
    confirmed: Confirm, digits, test_images, heard_confirmations
) -> None:
    tasks = [task(0), task(1, layer="conv1x1")]
    done = confirmed(tasks, heard_confirmations)
    assert not done.interrupted
    assert len(heard_confirmations.of("started")) == 2
    assert tuple(heard_confirmations.of("ended")) == done.runs
    by_trial = {run.trial: run for run in done.runs}
    for own in tasks:
        run = by_trial[own.trial]
        assert timeless(run) == expected(own, digits, test_images)
        assert run.costs is not None
        assert run.size_difference == 0.25
        assert run.parameters == own.config.parameters()
        assert run.started_ms <= run.ended_ms

    again = type(heard_confirmations)()
    assert set(map(repr, confirmed(tasks, again).runs)) == set(map(repr, done.runs))
    assert [event for event, _ in again.events] == ["restored"] * 2


def test_seeds_of_one_configuration_go_to_one_worker_as_far_as_the_others_keep_busy(
    confirmed: Confirm, digits, test_images, heard_confirmations
) -> None:
    seeds = range(CONFIG.seed, CONFIG.seed + 3)
    tasks = [task(number, epochs=1, seed=seed) for seed in seeds for number in (0, 1)]
    done = confirmed(tasks, heard_confirmations, at_once=1)
    started = [(run.trial, run.seed) for run in heard_confirmations.of("started")]
    assert started == [(number, seed) for number in (0, 1) for seed in seeds]
    by_key = {(run.trial, run.seed): run for run in done.runs}
    for own in tasks:
        given = timeless(by_key[own.trial, own.config.seed])
        alone = expected(own, digits, test_images)
        assert given.train_loss == pytest.approx(alone.train_loss, rel=1e-3)
        assert given.test_accuracy == pytest.approx(alone.test_accuracy, abs=0.02)


def test_a_run_whose_worker_is_killed_is_tried_again_from_its_checkpoint(
    confirmed: Confirm, digits, test_images, heard_confirmations, tmp_path
) -> None:
    long = task(0, epochs=15)
    killer = once_a_checkpoint_is_there(tmp_path / "checkpoints", kill_worker)
    (run,) = confirmed([long], heard_confirmations).runs
    killer.join()
    assert run.retried == ("the worker process died",)
    assert timeless(run) == expected(long, digits, test_images)
    assert [event for event, _ in heard_confirmations.events] == [
        "started",
        "retried",
        "started",
        "ended",
    ]


def test_an_interrupted_run_is_paused_and_goes_on_as_if_it_never_was(
    confirmed: Confirm, digits, test_images, heard_confirmations, tmp_path
) -> None:
    tasks = [task(0, epochs=15), task(1)]
    main = os.getpid()
    presser = once_a_checkpoint_is_there(
        tmp_path / "checkpoints", lambda: os.kill(main, signal.SIGINT)
    )
    done = confirmed(tasks, heard_confirmations, at_once=1)
    presser.join()
    assert (done.interrupted, done.runs) == (True, ())
    assert [event for event, _ in heard_confirmations.events] == ["started", "paused"]
    assert heard_confirmations.of("paused")[0].state is RunState.PAUSED
    assert len(list((tmp_path / "checkpoints").iterdir())) == 1

    again = type(heard_confirmations)()
    done = confirmed(tasks, again, at_once=1)
    assert [timeless(run) for run in done.runs] == [
        expected(own, digits, test_images) for own in tasks
    ]


def test_a_run_that_fails_or_dies_each_time_costs_that_run_alone(
    confirmed: Confirm, heard_confirmations, deadly
) -> None:
    wrong = task(2)
    wrong_shape = replace(wrong.config.model, dataset=replace(DIGITS, height=9))
    wrong = replace(wrong, config=replace(wrong.config, model=wrong_shape))
    states = {
        run.trial: run for run in confirmed([wrong, deadly, task(3)], heard_confirmations).runs
    }
    assert states[2].state is RunState.FAILED
    assert "height=9" in states[2].reason
    assert states[2].result is None
    assert states[4].state is RunState.FAILED
    assert states[4].reason == "the worker process died"
    assert states[4].retried == ("the worker process died",) * (ATTEMPTS - 1)
    assert states[3].state is RunState.COMPLETE


def test_a_run_that_waits_to_be_tried_again_is_paused_at_an_interrupt(
    confirmed: Confirm, heard_confirmations, deadly
) -> None:
    """Else whoever shows its state would show it running for ever."""

    def interrupt(run: RunRecord) -> None:
        heard_confirmations.events.append(("retried", run))
        os.kill(os.getpid(), signal.SIGINT)

    heard_confirmations.run_retried = interrupt
    # Another one takes the place that it has left.
    done = confirmed([deadly, task(3, epochs=100)], heard_confirmations, at_once=1)
    assert done.interrupted
    assert {run.trial for run in heard_confirmations.of("paused")} >= {4}
    assert done.runs == ()


def test_runs_wait_for_a_node_that_can_take_them(confirmed: Confirm, heard_confirmations) -> None:
    places = iter([0, 0, 0])
    looks: list[int] = []

    def joining_late() -> int:
        looks.append(next(places, 1))
        return looks[-1]

    started = time.monotonic()
    (run,) = confirmed([task(0, epochs=1)], heard_confirmations, places=joining_late).runs
    assert run.state is RunState.COMPLETE
    assert looks[:4] == [0, 0, 0, 1]
    assert time.monotonic() - started >= 1.0  # it does not look all the time
