"""The GPU script trains on a CPU as well, here on the digits."""

import importlib
import re
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[3] / "benchmarks" / "gpu"


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(SCRIPTS)
    return importlib.import_module("train_on_a_gpu")


def run(script, tmp_path, *flags):
    small = ["--dataset", "digits", "--data-dir", str(tmp_path), "--device", "cpu"]
    return script.main([*small, "--mask-count", "4", "--epochs", "2", *flags])


def test_every_epoch_has_a_line_and_a_cpu_captures_no_graph(script, tmp_path, capsys):
    assert run(script, tmp_path) == 0
    *epochs, _, last = capsys.readouterr().out.splitlines()
    numbers = [re.fullmatch(r"epoch (\d+)  .*val_accuracy (\S+)  .*", line) for line in epochs]
    assert [int(line[1]) for line in numbers] == [1, 2]
    assert all(0 < float(line[2]) <= 1 for line in numbers)
    assert last == "No GPU: no CUDA graphs, no GPU memory."


def test_the_time_limit_ends_the_training_after_an_epoch(script, tmp_path, capsys):
    assert run(script, tmp_path, "--seconds", "0") == 0
    assert [line.split()[1] for line in capsys.readouterr().out.splitlines()[:-2]] == ["1"]
