"""A tuning that is broken off goes on in real workers, with the numbers of the plain function."""

import os
import signal
from dataclasses import replace

import pytest
import torch

from pnn_core.config import DatasetShape, ModelConfig, OptimConfig, TrialConfig
from pnn_core.training.validated_run import train
from study.checkpoints.checkpoint_store import CheckpointStore
from study.checkpoints.cleanup import CheckpointCleanup
from study.engine.cluster.trial_resources import trial_resources
from study.engine.interrupts import Interrupts
from study.engine.tune import tuner
from study.engine.tune.tuner import train_runs
from study.search.confirmation_manager import ConfirmationManager
from study.search.confirmation_plan import ConfirmedNetwork
from study.search.optuna_storage import StudyStorage
from study.search.tuning_plan import plan_tuning

NETWORK = ConfirmedNetwork(
    trial=3,
    config=TrialConfig(
        model=ModelConfig(
            dataset=DatasetShape(channels=1, height=8, width=8, classes=10),
            network="resnet8",
            mask_count=4,
        ),
        optim=OptimConfig(batch_size=100),
        epochs=2,
    ),
    size_difference=0.0,
)


def timeless(curve):
    return [replace(epoch, train_seconds=0.0, val_seconds=0.0) for epoch in curve]


@pytest.mark.usefixtures("cluster")
def test_a_tuning_that_is_interrupted_loses_nothing_and_keeps_its_numbers(
    make_config, digits, heard_confirmations, monkeypatch
) -> None:
    monkeypatch.setattr(tuner, "PAUSE_SECONDS", 60.0)  # on a busy machine
    config = make_config(gpus_per_trial=0.0, max_concurrent=1, keep_checkpoints=True)
    store = CheckpointStore(url=config.checkpoints)
    store.create()
    plan = plan_tuning([NETWORK], "learning_rate=0.001,0.01,0.1", range(5, 6))

    def tune(*listeners) -> tuple[ConfirmationManager, bool]:
        cleanup = CheckpointCleanup(store, keep=True)
        every = [heard_confirmations, cleanup, *listeners]
        manager = ConfirmationManager(config, StudyStorage(config), every, plan, lambda: 1)
        with Interrupts() as interrupts:
            resources = trial_resources(config)
            interrupted = train_runs(
                config, digits, manager, store, resources, interrupts, pytest.fail
            )
        cleanup.close()
        return manager, interrupted

    class Interrupting(type(heard_confirmations)):
        def run_ended(self, run):
            if not self.of("ended"):
                os.kill(os.getpid(), signal.SIGINT)  # a second one would not wait
            super().run_ended(run)

    first, interrupted = tune(Interrupting())
    assert interrupted
    assert 1 <= len(first.ended) < len(plan)
    second, interrupted = tune()
    assert not interrupted
    assert store.names() == []  # of a trial the last checkpoint would stay
    assert second.ended[: len(first.ended)] == first.ended
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as in a worker with one core: sums are taken in another order
    for planned, run in zip(plan, second.ended, strict=True):
        expected = list(train(planned.config, digits, torch.device("cpu")))
        assert [timeless(curve) for curve in run.replicates] == [timeless(expected)]
    torch.set_num_threads(threads)
