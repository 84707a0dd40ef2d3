"""A study that stops trials early, for real: what is stopped, what is told, and going on."""

import os
import re
import signal
from pathlib import Path

import pytest
from mlflow import MlflowClient

from study.results.mlflow.loaded_study import LoadedStudy
from study.results.mlflow.store import MlflowStore
from study.results.objective import parse_objectives
from study.results.pareto import front
from study.results.run_record import RunRecord, RunState
from study.results.stop_reasons import describe_stops
from study.stopping.entry import entry_after

SPACE = """
from optuna.distributions import CategoricalDistribution, FloatDistribution
from search_spaces import SearchSpace

SPACE = SearchSpace(
    name="tiny",
    summary="networks that train in a moment",
    axes={
        "mask_count": CategoricalDistribution((2, 4)),
        "noise_level": FloatDistribution(0.01, 5.0, log=True),
    },
    fixed={"network": "resnet8", "batch_size": 40},
)
"""
STUDY = ("--space", "space.py", "--trials", "8", "--epochs", "4", "--sampler", "random")
ONE_BY_ONE = ("--scheduler", "moasha", "--max-concurrent", "1", "--name", "early")
RUNGS = (1, 3)
OBJECTIVES = parse_objectives("val_accuracy,learnable_params")


def load(folder: Path) -> LoadedStudy:
    loaded = MlflowStore(f"sqlite:///{folder}/mlflow.db").load_study("early")
    assert not loaded.undecodable
    return loaded


def numbers(record: RunRecord) -> tuple:
    """What became of a trial, without the time it took."""
    curve = [(e.epoch, e.train_loss, e.val_loss, e.val_accuracy) for e in record.epochs]
    return record.number, record.state, record.reason, record.parameters, curve


@pytest.fixture(scope="module")
def undisturbed(make_once, command_in) -> tuple[Path, str]:
    """A study whose trials ran one after the other, and what it said."""

    def make(folder: Path) -> None:
        (folder / "space.py").write_text(SPACE)
        status, out, err = command_in(folder).run(*STUDY, *ONE_BY_ONE)
        assert status == 0, err
        (folder / "out").write_text(out)

    folder = make_once("early-stopping", make)
    return folder, (folder / "out").read_text()


def test_stopped_trials_are_pruned_at_a_rung_where_another_was_better(undisturbed) -> None:
    folder, out = undisturbed
    study = load(folder)
    assert study.info.scheduler == "moasha"
    assert (study.info.rungs, study.info.reduction_factor) == (RUNGS, 3)
    stopped = [record for record in study.records if record.state is RunState.PRUNED]
    others = [record for record in study.records if record.state is RunState.COMPLETE]
    assert stopped
    assert len(stopped) + len(others) == 8
    assert all(r.state is RunState.COMPLETE for r in front(study.records, OBJECTIVES))
    for record in stopped:
        epoch = len(record.epochs)
        assert epoch in RUNGS
        told = rf"stopped at epoch {epoch}: rank \d of \d, \d may go on"
        assert re.fullmatch(told, record.reason)
        assert f"trial {record.number} pruned: {record.reason} (" in out
        own = entry_after(record, epoch, OBJECTIVES).losses
        before = [other for other in study.records[: record.number] if len(other.epochs) >= epoch]
        entries = [entry_after(other, epoch, OBJECTIVES).losses for other in before]
        assert any(loss != own and loss[0] <= own[0] and loss[1] <= own[1] for loss in entries)
    assert f"{len(stopped)} stopped early" in out
    assert f"{len(stopped)} of 8 trials stopped early: {describe_stops(stopped)}\n" in out


def test_stopped_trials_are_killed_runs_in_mlflow_with_their_reason(undisturbed) -> None:
    folder, _ = undisturbed
    client = MlflowClient(f"sqlite:///{folder}/mlflow.db")
    experiment = client.get_experiment_by_name("early")
    runs = client.search_runs([experiment.experiment_id], "tags.state = 'pruned'")
    assert runs
    for run in runs:
        assert run.info.status == "KILLED"
        assert run.data.tags["reason"].startswith("stopped at epoch ")
        history = client.get_metric_history(run.info.run_id, "val_accuracy")
        assert len(history) in RUNGS


def test_a_study_that_breaks_off_stops_the_same_trials_when_it_goes_on(
    tmp_path: Path, command, undisturbed
) -> None:
    (tmp_path / "space.py").write_text(SPACE)
    process = command.start(*STUDY, *ONE_BY_ONE)
    assert process.stdout is not None
    for _ in range(3):
        while not process.stdout.readline().startswith("trial "):
            assert process.poll() is None
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    status, _, err = command.run("--resume", "--name", "early")
    assert (status, err) == (0, "")
    expected = [numbers(record) for record in load(undisturbed[0]).records]
    assert [numbers(record) for record in load(tmp_path).records] == expected
