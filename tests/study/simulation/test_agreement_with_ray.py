"""A simulated search decides as a real one does whose workers take their epochs from the table."""

import time
from dataclasses import dataclass, replace

import pytest
from ray import tune

from study.checkpoints.checkpoint_store import CheckpointStore
from study.engine.cluster.trial_resources import TrialResources
from study.engine.cluster.worker_name import worker_name
from study.engine.interrupts import Interrupts
from study.engine.tune import tuner
from study.results.run_listener import RunListener
from study.results.run_record import RunState
from study.search.messages import REPORTS, RUNS
from study.search.optuna_storage import StudyStorage
from study.search.trial_manager import TrialManager
from study.simulation.replay import Replay
from study.simulation.simulated_search import SearchSettings, simulate
from study.stopping.entry import entry_after
from study.stopping.halving import SuccessiveHalving
from study.stopping.rungs import Rungs

pytestmark = pytest.mark.usefixtures("cluster")

REAL_SECONDS = 0.02
"""Of a simulated one."""

RUNGS = Rungs(first=1, reduction_factor=2, epochs=4)


class TableTrainable(tune.Trainable):
    """A worker that takes its epochs from a table, and a part of their time."""

    def setup(self, config, images, settings) -> None:
        self.replay = images
        self.begin(config)

    def reset_config(self, new_config) -> bool:
        self.begin(new_config)
        return True

    def begin(self, config) -> None:
        (run,) = config[RUNS]
        self.key = run.key
        self.trial = self.replay.of(run)
        self.epochs = run.config.epochs
        self.epoch = 0

    def step(self):
        time.sleep(REAL_SECONDS * self.trial.epoch_seconds)
        self.epoch += 1
        report = self.trial.report(self.epoch, worker_name())
        return {REPORTS: ((self.key, report),), "done": self.epoch == self.epochs}


@dataclass
class Arrivals(RunListener):
    """The order in which epochs were reported."""

    order: list[tuple[int, int]]

    def epoch_finished(self, key, result) -> None:
        self.order.append((key.trial, result.epoch))


@pytest.fixture
def run_with_ray(make_config, make_table, monkeypatch):
    """Runs a study whose workers train nothing; gives its records and the order of arrivals."""
    monkeypatch.setattr(tuner, "TrialTrainable", TableTrainable)
    table = make_table()

    def run(workers: int):
        config = make_config(
            space=table.space,
            shape=table.shape,
            epochs=4,
            trials=12,
            sampler="grid",
            rungs=RUNGS,
        )
        config = replace(config, max_concurrent=workers)
        arrivals = Arrivals([])
        manager = TrialManager(config, StudyStorage(config), [arrivals])
        store = CheckpointStore(url=config.checkpoints)
        resources = TrialResources(cpus=1, gpus=0.0, concurrent=workers)
        with Interrupts() as interrupts:
            replay = Replay(table, config.seed)
            tuner.train_runs(config, replay, manager, store, resources, interrupts, pytest.fail)
        return config, manager.records, arrivals.order

    return run


def test_one_worker_makes_every_decision_as_simulated(run_with_ray, make_table) -> None:
    config, records, _ = run_with_ray(workers=1)
    settings = SearchSettings(
        objectives=config.objectives,
        sampler="grid",
        workers=1,
        trials=12,
        replicates=1,
        rungs=RUNGS,
        seed=config.seed,
    )
    ends = sorted(simulate(make_table(), settings), key=lambda end: end.number)
    simulated = [(end.number, end.state, end.epochs, end.reason) for end in ends]
    real = [(r.number, r.state, len(r.epochs), r.reason) for r in records]
    assert real == simulated
    assert {record.state for record in records} == {RunState.COMPLETE, RunState.PRUNED}


def test_several_workers_decide_as_simulated_for_the_order_in_which_they_report(
    run_with_ray,
) -> None:
    config, records, order = run_with_ray(workers=2)
    halving = SuccessiveHalving(RUNGS)
    stops = {}
    for number, epoch in order:
        entry = entry_after(records[number], epoch, config.objectives)
        decision = halving.report(number, epoch, entry.losses) if epoch < 4 else None
        if decision is not None and decision.stop is not None:
            stops[number] = decision.stop
    assert {r.number: r.stop for r in records if r.state is RunState.PRUNED} == stops
    assert len(stops) > 1
