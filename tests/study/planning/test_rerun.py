"""A trial that is run again gives the same numbers: processes of their own, real training."""

import json
import os
import signal
import time
from pathlib import Path

import pytest

from study.results.mlflow.loaded_study import LoadedStudy
from study.results.mlflow.store import MlflowStore
from study.results.run_record import Curve, RunRecord, RunState

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
    fixed={"network": "resnet8", "batch_size": 40, "dropout": 0.1, "mask_seed": 11},
)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "space.py").write_text(SPACE)
    return tmp_path


def load(folder: Path, name: str) -> LoadedStudy:
    loaded = MlflowStore(f"sqlite:///{folder}/mlflow.db").load_study(name)
    assert not loaded.undecodable
    return loaded


def numbers(curve: Curve) -> list[tuple[float, ...]]:
    return [(e.epoch, e.train_loss, e.val_loss, e.val_accuracy) for e in curve]


def assert_same(again: RunRecord, before: RunRecord) -> None:
    """To the last bit, but for the time it took."""
    assert (again.state, again.parameters) == (RunState.COMPLETE, before.parameters)
    assert again.costs == before.costs
    assert [numbers(c) for c in again.replicates] == [numbers(c) for c in before.replicates]
    assert again.metrics()["val_accuracy"] == before.metrics()["val_accuracy"]


def test_a_rerun_is_the_trial_to_the_last_bit(confirmed_study, own_copy, command) -> None:
    folder = own_copy(confirmed_study[0])
    first = load(folder, "two")
    status, out, err = command.run("--rerun", "two:1", "--json", "--quiet")
    assert (status, err) == (0, "")
    outcome = json.loads(out)
    assert (outcome["study"], outcome["trials"]) == ("two-trial-1", {"complete": 1})
    assert not any("Larger" in purpose for purpose in outcome["commands"])
    study = load(folder, "two-trial-1")
    assert study.info.images == first.info.images
    assert study.info.images is not None
    assert (study.info.replicates, study.info.space) == (2, "two:1")
    (again,) = study.records
    assert_same(again, first.records[1])
    # Whoever resumes it finds it done.
    status, out, err = command.run("--resume", "--name", "two-trial-1", "--json", "--quiet")
    assert (status, err) == (0, "")
    assert json.loads(out)["trials"] == {"complete": 1}
    assert [r.number for r in load(folder, "two").records] == [0, 1]


def test_a_rerun_that_is_interrupted_goes_on_to_the_same_numbers(folder: Path, command) -> None:
    long = ("--space", "space.py", "--trials", "1", "--epochs", "25", "--name", "first")
    status, _, err = command.run(*long)
    assert status == 0, err
    process = command.start("--rerun", "first:0")
    while not list(folder.glob("studies/first-trial-0/checkpoints/**/*.ckpt")):
        assert process.poll() is None
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "")
    assert "--resume --name first-trial-0" in out
    status, out, err = command.run("--resume", "--name", "first-trial-0")
    assert (status, err) == (0, "")
    (again,) = load(folder, "first-trial-0").records
    assert_same(again, load(folder, "first").records[0])
