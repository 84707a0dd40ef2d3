"""A study that breaks off goes on as if it never had: processes of their own, a real tracker."""

import json
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest
from mlflow import MlflowClient

from study.results.mlflow.loaded_study import LoadedStudy
from study.results.mlflow.store import MlflowStore
from study.results.run_record import RunState

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
STUDY = ("--space", "space.py", "--trials", "4", "--epochs", "4", "--sampler", "random")
ONE_BY_ONE = (*STUDY, "--max-concurrent", "1")
"""The same with one worker, for what does not depend on their number: most of it is their start."""

RESUME = ("--resume", "--name", "cut")
SERIES = ("val_accuracy", "val_loss", "train_loss")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "space.py").write_text(SPACE)
    return tmp_path


@pytest.fixture(scope="module")
def finished(make_once, command_in) -> Path:
    """The working folder of the same study, never broken off."""

    def make(folder: Path) -> None:
        (folder / "space.py").write_text(SPACE)
        status, _, err = command_in(folder).run(*ONE_BY_ONE, "--name", "cut")
        assert status == 0, err

    return make_once("finished-study", make)


@pytest.fixture(scope="module")
def undisturbed(finished: Path) -> LoadedStudy:
    return load(finished)


def load(folder: Path, name: str = "cut") -> LoadedStudy:
    loaded = MlflowStore(f"sqlite:///{folder}/mlflow.db").load_study(name)
    assert not loaded.undecodable
    return loaded


def numbers(study: LoadedStudy) -> list[tuple]:
    """What training gave, without the time it took."""
    return [
        (
            record.number,
            record.state,
            record.parameters,
            [
                [(e.epoch, e.train_loss, e.val_loss, e.val_accuracy) for e in curve]
                for curve in record.replicates
            ],
        )
        for record in study.records
    ]


def statuses(folder: Path, name: str = "cut") -> list[str]:
    client = MlflowClient(f"sqlite:///{folder}/mlflow.db")
    experiment = client.get_experiment_by_name(name)
    return [run.info.status for run in client.search_runs([experiment.experiment_id])]


def assert_every_epoch_once(folder: Path) -> None:
    client = MlflowClient(f"sqlite:///{folder}/mlflow.db")
    experiment = client.get_experiment_by_name("cut")
    for run in client.search_runs([experiment.experiment_id]):
        if "trial_number" in run.data.tags:
            for metric in SERIES:
                history = client.get_metric_history(run.info.run_id, metric)
                assert [point.step for point in history] == [1, 2, 3, 4]


def wait_for_a_trial(process: subprocess.Popen[str]) -> None:
    """Wait until one has ended; what comes before is said before the first begins."""
    assert process.stdout is not None
    assert process.stdout.readline() == "Study cut: starting Ray\n"
    assert process.stdout.readline().startswith("images: ")
    assert process.stdout.readline().startswith("trial ")


def test_an_interrupted_study_resumes_to_the_same_numbers(
    folder: Path, command, undisturbed: LoadedStudy
) -> None:
    process = command.start(*STUDY, "--name", "cut")
    wait_for_a_trial(process)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does it: the whole process group
    out, err = process.communicate(timeout=120)  # seconds on a machine that has nothing else to do
    assert (process.returncode, err) == (130, "")
    assert "--resume --name cut" in out
    before = load(folder)
    assert {record.state for record in before.records} == {RunState.COMPLETE, RunState.PAUSED}
    assert set(statuses(folder)) == {"FINISHED", "SCHEDULED", "KILLED"}

    status, out, err = command.run(*RESUME)
    assert (status, err) == (0, "")
    assert "of 4 trials were done before" in out
    after = load(folder)
    assert numbers(after) == numbers(undisturbed)
    assert set(statuses(folder)) == {"FINISHED"}
    assert len(statuses(folder)) == 5
    assert_every_epoch_once(folder)
    assert not any((folder / "studies/cut/checkpoints").glob("*/*"))


def test_however_often_it_is_interrupted_the_last_line_says_how_to_go_on(
    folder: Path, command
) -> None:
    process = command.start(*ONE_BY_ONE, "--name", "cut")
    wait_for_a_trial(process)
    while process.poll() is None:  # also while it saves, tells the tracker and shuts Ray down
        process.send_signal(signal.SIGINT)
        time.sleep(0.1)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "--resume --name cut" in (out + err).splitlines()[-1]
    assert "before it began" not in err


def test_a_killed_study_resumes_to_the_same_numbers_and_is_not_run_twice_at_once(
    folder: Path, command, undisturbed: LoadedStudy
) -> None:
    process = command.start(*STUDY, "--name", "cut")
    wait_for_a_trial(process)
    # Held, or the study might end while the second one starts.
    os.kill(process.pid, signal.SIGSTOP)

    status, out, err = command.run(*RESUME)
    assert (status, out) == (2, "")
    assert f"process {process.pid} on host" in err
    assert err.count("\n") == 1

    process.kill()
    _, err = process.communicate()
    assert err.count("\n") == 1
    assert re.search(resumed_by("cut"), err)
    status, out, err = command.run(*RESUME)
    assert (status, err) == (0, "")
    assert numbers(load(folder)) == numbers(undisturbed)
    assert set(statuses(folder)) == {"FINISHED"}
    assert_every_epoch_once(folder)


def test_a_finished_study_is_extended_and_moves_to_another_tracker(
    finished: Path, own_copy, command
) -> None:
    folder = own_copy(finished)
    before = load(folder)
    status, out, _ = command.run(*RESUME, "--trials", "6", "--json")
    assert status == 0
    assert json.loads(out)["trials"] == {"complete": 6}
    after = load(folder)
    assert after.records[:4] == before.records
    assert [record.number for record in after.records] == list(range(6))
    assert after.info.trials == 6
    there = f"sqlite:///{folder}/there.db"
    unused = folder / "ray"
    unused.mkdir()
    argv = (*RESUME, "--json", "--tracking-uri", there)
    status, out, err = command.run(*argv, RAY_TMPDIR=str(unused))
    assert "Study cut: nothing is left to train" in err
    assert [*unused.iterdir()] == []  # Ray was not started
    assert (status, json.loads(out)["trials"]) == (0, {"complete": 6})
    moved = MlflowStore(there).load_study("cut")
    assert moved.records == after.records
    assert not moved.undecodable


def test_a_tracker_that_never_comes_back_costs_nothing_and_resuming_fills_it(
    folder: Path, command, own_server
) -> None:
    process = command.start(*ONE_BY_ONE, "--name", "cut", "--tracking-uri", own_server.uri)
    wait_for_a_trial(process)
    own_server.kill()
    out, err = process.communicate(timeout=180)
    assert (process.returncode, err) == (0, "")
    assert "nothing is lost, studies/cut/optuna.journal has it all" in out
    assert "--resume --name cut" in out
    own_server.start()
    status, out, err = command.run(*RESUME)
    assert (status, err) == (0, "")
    assert "lacks" not in out
    records = MlflowStore(own_server.uri).load_study("cut").records
    assert [record.state for record in records] == [RunState.COMPLETE] * 4


def test_an_interrupted_confirmation_goes_on(folder: Path, command) -> None:
    argv = ("--space", "space.py", "--trials", "2", "--epochs", "3", "--sampler", "random")
    process = command.start(*argv, "--confirm", "3", "--name", "cut")
    assert process.stdout is not None
    while not process.stdout.readline().startswith("confirm trial "):
        assert process.poll() is None
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "")
    assert "Interrupted during the confirmation" in out
    before = {run.key: run for run in load(folder).confirmed if run.state is RunState.COMPLETE}
    status, out, err = command.run(*RESUME, "--json")
    assert status == 0, err
    front = json.loads(out)["front"]
    after = {run.key: run for run in load(folder).confirmed}
    assert len(after) == 3 * 4 * len(front)
    assert all(run.state is RunState.COMPLETE for run in after.values())
    assert all(after[key] == run for key, run in before.items())
    assert set(statuses(folder)) == {"FINISHED"}


def test_a_finished_study_is_confirmed_later_and_by_more_seeds_and_keeps_those_it_has(
    finished: Path, own_copy, command
) -> None:
    folder = own_copy(finished)
    which = ("--confirm-trials", "0,2", "--controls", "none")
    status, out, err = command.run(*RESUME, "--confirm", "1", *which, "--json")
    assert status == 0, err
    first = load(folder)
    seed = first.info.first_fresh_seed
    assert [(run.trial, run.layer, run.seed) for run in first.confirmed] == [
        (0, "perturbation", seed),
        (2, "perturbation", seed),
    ]
    status, out, err = command.run(*RESUME, "--confirm", "2", "--json")
    assert status == 0, err
    raised = load(folder)
    assert raised.records == first.records
    assert [run.seed for run in raised.confirmed] == [seed, seed + 1] * 2
    assert [raised.info.is_exploratory(run.seed) for run in raised.confirmed] == [False, True] * 2
    assert all(run in raised.confirmed for run in first.confirmed)
    assert len(json.loads(out)["confirmed"]) == 4


def test_a_folder_that_vanishes_ends_the_study_with_one_sentence(folder: Path, command) -> None:
    process = command.start(*ONE_BY_ONE, "--name", "cut")
    wait_for_a_trial(process)
    (folder / "studies/cut").rename(folder / "gone")  # at once: its files are still being written
    shutil.rmtree(folder / "gone", ignore_errors=True)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 1
    assert err.startswith("study.run: failed: studies/cut/optuna.journal: ")
    assert "Traceback" not in err


def test_the_death_of_rays_control_store_ends_the_study_with_the_resume_command(
    folder: Path, command
) -> None:
    process = command.start(*ONE_BY_ONE, "--name", "cut")
    wait_for_a_trial(process)
    # Held, or the study might end before it is looked for.
    os.kill(process.pid, signal.SIGSTOP)
    (store,) = (p for p in psutil.Process(process.pid).children() if p.name() == "gcs_server")
    store.kill()
    os.kill(process.pid, signal.SIGCONT)
    died = time.monotonic()
    _, err = process.communicate(timeout=60)
    assert time.monotonic() - died < 30  # Ray itself takes sixty, and says nothing of ours
    assert process.returncode == 1
    last = err.splitlines()[-1]
    assert last.startswith("study.run: failed: Ray's control store (gcs_server at 127.0.0.1:")
    assert re.search(resumed_by("cut"), last)


def test_a_signal_to_the_whole_group_is_told_as_an_interrupt_though_ray_ends_with_it(
    folder: Path, command
) -> None:
    process = command.start(*ONE_BY_ONE, "--name", "cut")
    wait_for_a_trial(process)
    os.killpg(process.pid, signal.SIGTERM)  # as Slurm and `timeout` send it
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130
    assert re.search(resumed_by("cut"), err)
    assert "failed" not in err


def resumed_by(name: str) -> str:
    """Return the pattern of the end of a last line; how Python is spelt depends on the folder."""
    return rf"go on by: (\S*/)?python -m study\.run --resume --name {name}\n?$"
