"""A command answers Ctrl-C at once while it is imported, and prints in any encoding."""

import os
import subprocess
import sys

import pytest

COMMANDS = (
    "study.run",
    "study.record",
    "study.simulate",
    "dashboards.app",
    "dashboards.export",
    "dashboards.report",
)

SPACE = """
from optuna.distributions import CategoricalDistribution
from search_spaces import SearchSpace

SPACE = SearchSpace(
    name="µ → m", summary="", axes={"mask_count": CategoricalDistribution((4,))}, is_grid=True
)
"""

STRUCK = """
import os, runpy, signal, sys

name, number = sys.argv[1:]

def strike(event, arguments):
    if event == "import" and arguments[0] == "pnn_core":
        os.kill(os.getpid(), getattr(signal, number))

sys.addaudithook(strike)
sys.argv = ["command", "--output", "ü.html"]
runpy.run_module(name, run_name="__main__")
"""


@pytest.mark.parametrize(
    ("command", "number"), [*((name, "SIGINT") for name in COMMANDS), ("study.run", "SIGTERM")]
)
def test_a_signal_during_the_imports_is_answered_in_one_sentence(command: str, number: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", STRUCK, command, number], capture_output=True, text=True
    )
    assert done.returncode == 130
    assert done.stdout == ""
    assert done.stderr.startswith(f"{command}: interrupted before it began; go on by: ")
    assert done.stderr.endswith(f"python -m {command} --output 'ü.html'\n")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_what_an_encoding_lacks_is_spelt_out_and_ends_no_command(encoding: str, tmp_path) -> None:
    space = tmp_path / "space.py"
    space.write_text(SPACE, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "study.run", "--space", str(space), "--dry-run"],
        capture_output=True,
        env=os.environ | {"PYTHONIOENCODING": encoding},
    )
    assert done.returncode == 0, done.stderr
    assert rb"\u2192" in done.stdout


def test_an_interrupt_of_a_command_without_a_study_is_one_sentence() -> None:
    script = (
        "import os, signal; from study.program import begin, run; begin('dashboards.export');"
        "run('dashboards.export', lambda: os.kill(os.getpid(), signal.SIGINT))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr == "dashboards.export: interrupted: nothing was written\n"
