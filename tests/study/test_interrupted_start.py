"""A signal after a study's folder was made is answered with what resumes it."""

import contextlib

import pytest

from study import driver, run
from study.engine.cluster import connect as cluster
from study.engine.cluster import control_store, growing_cluster
from study.engine.cluster.trial_resources import TrialResources
from study.execution import execute
from study.program import installed

ARGUMENTS = [
    "--space",
    "noise_masks",
    "--name",
    "cut",
    "--tracking-uri",
    "sqlite:///mlflow.db",
    "--trials",
    "1",
]


ONE_CPU = TrialResources(cpus=1, gpus=0, concurrent=1)


def interrupted(*arguments: object) -> None:
    raise KeyboardInterrupt


@pytest.fixture(autouse=True)
def without_ray(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cluster, "connected", lambda *given: contextlib.nullcontext())
    nothing = contextlib.nullcontext()
    monkeypatch.setattr(control_store, "control_store_watched", lambda *a, **k: nothing)
    monkeypatch.setattr(growing_cluster, "wait_for_resources", lambda asked, say: ONE_CPU)
    monkeypatch.setattr(driver, "_create_checkpoints", lambda plan: None)


def test_a_signal_before_the_first_trial_is_answered_with_the_resume_command(
    monkeypatch, capsys, tmp_path
):
    monkeypatch.setattr(execute, "execute", interrupted)
    assert run.main(ARGUMENTS) == 130
    assert (tmp_path / "studies/cut/study.json").is_file()
    said = capsys.readouterr().err
    assert "study.run: interrupted; go on by: " in said
    assert "-m study.run --resume --name cut" in said


def test_a_signal_before_there_is_anything_to_resume_is_answered_with_the_same_command(
    monkeypatch, capsys, tmp_path
):
    monkeypatch.setattr(driver, "_create_checkpoints", interrupted)
    assert run.main(ARGUMENTS) == 130
    assert not (tmp_path / "studies/cut").exists()
    said = capsys.readouterr().err
    assert f"interrupted before it began; go on by: python -m study.run {' '.join(ARGUMENTS)}" in (
        said.replace(installed("python"), "python")
    )
