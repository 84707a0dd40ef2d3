"""Confirmation runs in one worker: each has an end and a checkpoint of its own, and goes on."""

import math
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from pnn_core.config import ConfirmResult, DatasetShape, ModelConfig, OptimConfig, TrialConfig
from pnn_core.data import confirm_step, load_test_data
from pnn_core.training import confirmation_run as confirm_module
from pnn_core.training.trainer import NonFiniteLossError
from study.checkpoints.checkpoint_store import CheckpointStore
from study.checkpoints.cleanup import checkpoint_file
from study.engine.cluster.worker_name import worker_name
from study.engine.cluster.worker_settings import WorkerSettings
from study.engine.tune import trainable as trainable_module
from study.engine.tune.places import GPUS
from study.engine.tune.trainable import TrialTrainable
from study.engine.tune.worker_images import ConfirmationImages
from study.results.run_record import RunKey
from study.search.confirmation_plan import PlannedRun
from study.search.messages import (
    REPORTS,
    RUNS,
    ConfirmationReport,
    ProposedRun,
    RunFailure,
    RunPaused,
    RunReport,
    TestReport,
)

TASK = PlannedRun(
    trial=3,
    config=TrialConfig(
        model=ModelConfig(
            dataset=DatasetShape(channels=1, height=8, width=8, classes=10),
            network="resnet8",
            mask_count=2,
            dropout=0.2,
        ),
        optim=OptimConfig(batch_size=200),
        epochs=2,
        seed=10_000_000_000,
    ),
    size_difference=0.25,
)
Work = Callable[..., Any]


class StopAfter:
    """A stop flag that is raised just before it is asked for the n-th time."""

    def __init__(self, questions: float) -> None:
        self._left = questions

    def is_set(self) -> bool:
        self._left -= 1
        return self._left < 0


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def test_images():
    with confirm_step():
        return load_test_data("digits", Path("unused"))


@pytest.fixture
def store(tmp_path: Path) -> CheckpointStore:
    return CheckpointStore(url=str(tmp_path))


@pytest.fixture
def advanced() -> list[tuple[int, ConfirmationReport]]:
    """What was told of epochs before the last, with the seed of the run."""
    return []


@pytest.fixture
def work(
    digits, test_images, store: CheckpointStore, monkeypatch: pytest.MonkeyPatch, advanced
) -> Work:
    """What a worker does, in this process, until the stop flag was asked for so often."""
    settings = WorkerSettings(
        cpus=1,
        store=store,
        keep_checkpoints=False,
        keep_weights=False,
        stop_key="unused",
        may_be_drained=True,
    )

    def work(
        questions: float,
        *tasks: PlannedRun,
        drained: float = math.inf,
        workers: list[TrialTrainable] | None = None,
    ) -> Any:
        tasks = tasks or (TASK,)
        stop = StopAfter(questions)
        monkeypatch.setattr(trainable_module, "node_drained", lambda: StopAfter(drained))
        monkeypatch.setattr(trainable_module, "stop_requested", lambda key: stop)
        made = TrialTrainable.__new__(TrialTrainable)
        runs = tuple(ProposedRun(key=t.key, config=t.config) for t in tasks)
        made.config = {RUNS: runs, GPUS: 0.0}
        joined = ConfirmationImages(
            traits=digits.traits, classes=digits.classes, images=digits.joined(), test=test_images
        )
        made.setup(made.config, joined, settings)
        if workers is not None:
            workers.append(made)
        reports: dict[RunKey, RunReport] = {}
        while len(reports) < len(tasks):
            told = dict(made.step()[REPORTS])
            for key in [k for k, r in told.items() if isinstance(r, ConfirmationReport)]:
                advanced.append((key.seed, told.pop(key)))
            assert not told.keys() & reports.keys()  # each ends once
            reports |= told
        return [reports[t.key] for t in tasks] if len(tasks) > 1 else reports[tasks[0].key]

    return work


def timeless(reply: RunReport) -> ConfirmResult:
    assert isinstance(reply, TestReport)
    assert reply.worker == worker_name()
    return replace(reply.result, train_seconds=0.0)


@pytest.mark.parametrize("questions", [0, 1, 4, 9, 13])
def test_a_run_stopped_anywhere_goes_on_as_if_it_never_was(
    work: Work, store: CheckpointStore, digits, test_images, questions: int
) -> None:
    assert work(questions) == RunPaused()
    assert store.names() == [checkpoint_file(TASK.key)] * (questions > 0)  # it had begun
    expected = confirm_module.train_and_test(
        TASK.config, digits.traits, digits.joined(), test_images, torch.device("cpu")
    )
    assert timeless(work(float("inf"))) == replace(expected, train_seconds=0.0)


@pytest.mark.parametrize("questions", [0, 1, 9])
def test_a_run_leaves_a_drained_node_anywhere_and_goes_on_as_if_it_never_had(
    work: Work, store: CheckpointStore, digits, test_images, questions: int
) -> None:
    moved = work(math.inf, drained=questions)
    assert (moved.moves, moved.would_recur, moved.worker) == (True, False, worker_name())
    assert moved.reason == f"its node {socket.gethostname()} is drained"
    assert store.names() == [checkpoint_file(TASK.key)] * (questions > 0)
    expected = confirm_module.train_and_test(
        TASK.config, digits.traits, digits.joined(), test_images, torch.device("cpu")
    )
    assert timeless(work(math.inf)) == replace(expected, train_seconds=0.0)


def test_a_worker_whose_node_is_drained_gives_its_process_up(work: Work) -> None:
    workers: list[TrialTrainable] = []
    work(math.inf, drained=9, workers=workers)
    with pytest.raises(RuntimeError, match="given up"):
        workers[0].step()


def test_epochs_before_the_last_are_told_with_their_loss(work: Work, advanced, store) -> None:
    tested = work(float("inf"))
    ((seed, report),) = advanced
    assert (seed, report.epoch, report.costs) == (TASK.config.seed, 1, tested.costs)
    assert report.train_loss > tested.result.train_loss


def test_a_run_goes_on_instead_of_beginning_anew(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert work(9) == RunPaused()
    begun: list[int] = []
    next_epoch = confirm_module.ConfirmationRun.next_epoch

    def listen(run, pause):
        begun.append(run.epoch)
        return next_epoch(run, pause)

    monkeypatch.setattr(confirm_module.ConfirmationRun, "next_epoch", listen)
    work(float("inf"))
    assert begun == [1]  # the second epoch, in the middle of which it was stopped


@pytest.mark.parametrize(
    ("error", "would_recur"), [(NonFiniteLossError("nan"), True), (MemoryError("x"), False)]
)
def test_what_a_run_raises_is_its_failure(
    work: Work, monkeypatch: pytest.MonkeyPatch, error: Exception, would_recur: bool
) -> None:
    def fail(run, pause):
        raise error

    monkeypatch.setattr(confirm_module.ConfirmationRun, "next_epoch", fail)
    reason = f"{type(error).__name__}: {error}"
    assert work(float("inf")) == RunFailure(
        reason=reason, would_recur=would_recur, worker=worker_name()
    )


def test_a_damaged_checkpoint_costs_the_work_and_is_told(work: Work, store, tmp_path) -> None:
    assert work(9) == RunPaused()
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:-1])
    reply = work(float("inf"))
    assert isinstance(reply, TestReport)
    assert "began anew" in reply.unsaved


SEEDS = [
    replace(TASK, config=replace(TASK.config, seed=TASK.config.seed + number))
    for number in range(3)
]


def test_runs_that_differ_in_seeds_are_trained_at_once_and_stopped_anywhere(
    work: Work, store: CheckpointStore, digits, test_images
) -> None:
    assert work(6, *SEEDS) == [RunPaused()] * 3
    assert set(store.names()) == {checkpoint_file(task.key) for task in SEEDS}
    for task, reply in zip(SEEDS, work(float("inf"), *SEEDS), strict=True):
        alone = confirm_module.train_and_test(
            task.config, digits.traits, digits.joined(), test_images, torch.device("cpu")
        )
        assert timeless(reply).train_loss == pytest.approx(alone.train_loss, rel=1e-3)
        assert timeless(reply).test_accuracy == pytest.approx(alone.test_accuracy, abs=0.02)


def test_a_run_may_go_on_alone_from_what_it_saved_beside_others(work: Work) -> None:
    together = work(float("inf"), *SEEDS)[1]
    assert work(6, *SEEDS) == [RunPaused()] * 3
    alone = work(float("inf"), SEEDS[1])
    assert timeless(alone).train_loss == pytest.approx(timeless(together).train_loss, rel=1e-3)


def test_a_run_that_diverges_costs_those_beside_it_nothing(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = work(float("inf"), *SEEDS)
    end_epoch = confirm_module.ConfirmationRun.end_epoch

    def diverge(run, losses, seconds):
        if run.config.seed == SEEDS[1].config.seed and run.epoch == 1:
            losses = [*losses[:-1], losses[-1] * float("nan")]
        return end_epoch(run, losses, seconds)

    monkeypatch.setattr(confirm_module.ConfirmationRun, "end_epoch", diverge)
    first, second, third = work(float("inf"), *SEEDS)
    assert second.would_recur
    assert second.reason.startswith("NonFiniteLossError: training loss is nan")
    assert second.reason.endswith(f"of epoch 2 with seed {SEEDS[1].config.seed}")
    assert [timeless(first), timeless(third)] == [timeless(expected[0]), timeless(expected[2])]


def test_whatever_else_is_raised_ends_all_that_are_not_done(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(run, trained, evaluation, seconds):
        raise MemoryError("x")

    monkeypatch.setattr(confirm_module.ConfirmationRun, "record", fail)
    failure = RunFailure(reason="MemoryError: x", would_recur=False, worker=worker_name())
    assert work(float("inf"), *SEEDS) == [failure] * 3
