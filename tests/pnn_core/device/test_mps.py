"""CUDA's multi-process service is found by its control daemon."""

import os
import subprocess
import sys

import pytest

from pnn_core.device.mps import mps_runs


@pytest.fixture
def daemon_says(tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_MPS_PIPE_DIRECTORY", str(tmp_path))
    return (tmp_path / "nvidia-cuda-mps-control.pid").write_text


def test_a_daemon_that_lives_is_found(daemon_says):
    daemon_says(f"{os.getpid()}\n")
    assert mps_runs()


def test_files_of_a_daemon_that_has_ended_are_none(daemon_says):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    daemon_says(str(ended.pid))
    assert not mps_runs()


@pytest.mark.parametrize("text", ["", "no number", "9" * 30])
def test_a_file_without_a_process_is_none(daemon_says, text):
    daemon_says(text)
    assert not mps_runs()


@pytest.mark.usefixtures("daemon_says")
def test_a_folder_without_the_file_is_none():
    assert not mps_runs()
