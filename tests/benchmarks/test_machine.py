"""Every benchmark ends with the command that repeats it, the versions and the machine."""

import importlib
import re
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def machine(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module("machine")


def test_the_footer_names_command_versions_machine_and_time(machine, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["/somewhere/layer.py", "--repeats", "3"])
    machine.print_footer({"torch": "2.14.1", "ray": "2.60.0"}, "a GPU")
    command, versions, last = capsys.readouterr().out.strip().splitlines()
    assert command == "Command: benchmarks/layer.py --repeats 3"
    assert versions == "torch 2.14.1, ray 2.60.0"
    assert re.fullmatch(r"a GPU; \d{4}-\d\d-\d\d \d\d:\d\d UTC", last)


def test_the_footer_of_a_script_for_gpus_names_its_folder(machine, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["benchmarks/gpu/plan.py", "layer"])
    machine.print_footer({})
    assert "\nCommand: benchmarks/gpu/plan.py layer\n" in capsys.readouterr().out


def test_without_a_name_the_machine_is_its_processor_and_cores(machine, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["theory.py"])
    machine.print_footer({})
    assert re.search(rf"\n{re.escape(machine.processor())}, \d+ cores; ", capsys.readouterr().out)
