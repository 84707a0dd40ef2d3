"""A confirmation trains and tests in real worker processes, and loses one run where one fails."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from pnn_core.config import DatasetShape, ModelConfig, OptimConfig, TrialConfig
from pnn_core.confirm import confirm as train_and_test
from pnn_core.data import confirm_step, load_test_data, load_training_data
from study.config import Resources
from study.engine.cluster import connected, trial_resources
from study.engine.confirm_plan import ConfirmTask
from study.engine.confirmation import confirm
from study.results.confirmed_run import ConfirmedRun
from study.results.record import TrialState

DIGITS = DatasetShape(channels=1, height=8, width=8, classes=10)
CONFIG = TrialConfig(
    model=ModelConfig(dataset=DIGITS, network="resnet8", mask_count=4),
    optim=OptimConfig(batch_size=100),
    epochs=2,
    seed=10_000_000_000,
)


class Heard:
    def __init__(self) -> None:
        self.started: list[ConfirmedRun] = []
        self.ended: list[ConfirmedRun] = []

    def confirmation_started(self, run: ConfirmedRun) -> None:
        self.started.append(run)

    def confirmation_ended(self, run: ConfirmedRun) -> None:
        self.ended.append(run)


class Deadly(ConfirmTask):
    """Takes the worker process with it that unpacks it."""

    def __reduce__(self) -> tuple[object, tuple[int]]:
        return os._exit, (1,)


@pytest.fixture(scope="module", autouse=True)
def cluster():
    with connected(None):
        yield


@pytest.fixture(scope="module")
def data():
    return load_training_data("digits", Path("nowhere"))


@pytest.fixture(scope="module")
def test_images():
    with confirm_step():
        return load_test_data("digits", Path("nowhere"))


def task(number: int, **changes: object) -> ConfirmTask:
    config = CONFIG.with_parameters(changes)
    return ConfirmTask(trial=number, config=config, size_difference=0.25)


def test_runs_are_those_of_the_plain_function_in_whatever_worker(data, test_images) -> None:
    heard = Heard()
    tasks = [task(0), task(1, layer="conv1x1"), task(1, layer="conv3x3", mask_count=2)]
    confirmation = confirm(
        tasks, data, test_images, trial_resources(Resources(gpus_per_trial=0.0)), [heard]
    )
    assert (confirmation.planned, confirmation.interrupted) == (3, False)
    assert len(heard.started) == 3
    assert tuple(heard.ended) == confirmation.runs
    by_layer = {run.layer: run for run in confirmation.runs}
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as in a worker with one core: sums are taken in another order
    expected = train_and_test(tasks[0].config, data.traits, data.joined(), test_images)
    torch.set_num_threads(threads)
    run = by_layer["perturbation"]
    assert run.state is TrialState.COMPLETE
    assert run.result is not None
    assert run.costs is not None
    assert replace(run.result, train_seconds=0.0) == replace(expected, train_seconds=0.0)
    assert run.size_difference == 0.25
    assert run.parameters == tasks[0].config.parameters()


def test_a_run_that_fails_or_dies_costs_that_run_alone(data, test_images) -> None:
    wrong = task(2)
    wrong_shape = replace(wrong.config.model, dataset=replace(DIGITS, height=9))
    wrong = replace(wrong, config=replace(wrong.config, model=wrong_shape))
    deadly = Deadly(trial=4, config=CONFIG, size_difference=0.0)
    tasks = [wrong, deadly, task(3)]
    confirmation = confirm(
        tasks, data, test_images, trial_resources(Resources(gpus_per_trial=0.0)), []
    )
    states = {run.trial: run for run in confirmation.runs}
    assert states[2].state is TrialState.FAILED
    assert "height=9" in states[2].reason
    assert states[2].result is None
    assert states[4].state is TrialState.FAILED
    assert "the worker process died" in states[4].reason
    assert states[3].state is TrialState.COMPLETE
