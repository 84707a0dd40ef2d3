"""Scripts of `examples` with cells: each runs as it stands, and its notebook is that script."""

import getpass
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import jupytext
import nbformat
import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
SCRIPTS = sorted(p.stem for p in EXAMPLES.glob("*.py") if p.read_text("utf-8").startswith("# %%"))
PRIVATE = re.compile(r"(?<![\w.:/])/\w+/|://|\b" + re.escape(getpass.getuser()) + r"\b")
"""Absolute path, host, or name of whoever executed a notebook."""


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_notebook_is_its_script_executed_without_a_fault_and_names_no_machine(name: str) -> None:
    script = jupytext.read(EXAMPLES / f"{name}.py").cells
    cells = nbformat.read(EXAMPLES / f"{name}.ipynb", as_version=4).cells
    assert [(c.cell_type, c.source) for c in cells] == [(c.cell_type, c.source) for c in script]
    code = [cell for cell in cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == [*range(1, len(code) + 1)]
    outputs = [output for cell in code for output in cell.outputs]
    assert outputs
    assert not [o for o in outputs if o.output_type == "error" or o.get("name") == "stderr"]
    texts = [o.text if o.output_type == "stream" else {**o.data, "image/png": ""} for o in outputs]
    assert PRIVATE.findall(json.dumps(texts)) == []


def run(folder: Path, name: str) -> str:
    """Run a script with its neighbours in a folder, and return what it printed."""
    for path in EXAMPLES.glob("*.py"):
        (folder / path.name).write_bytes(path.read_bytes())
    done = subprocess.run(
        [sys.executable, f"{name}.py"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_a_first_study_is_read_and_its_network_gives_the_same_accuracy_in_onnxruntime(
    tmp_path: Path,
) -> None:
    first = re.search(r"accuracy (0\.\d+), recorded \1\n", run(tmp_path, "first_study"))
    assert first is not None
    printed = run(tmp_path, "export_to_onnx")
    assert f"onnxruntime {first[1]}, recorded {first[1]}\n" in printed
    assert "logits differ by less than 1e-4: True" in printed


def test_a_study_of_own_data_is_confirmed_on_images_that_the_search_did_not_have(
    tmp_path: Path,
) -> None:
    header, *front = run(tmp_path, "study_own_data").split("\n\n")[-1].strip().splitlines()
    assert header.split()[-2:] == ["test_accuracy", "seeds"]
    assert {row.split()[-1] for row in front} == {"3"}


def test_an_own_network_is_turned_and_searched_and_gives_logits(tmp_path: Path) -> None:
    printed = run(tmp_path, "study_own_network")
    assert "turned 3:\n  3\n  6\n  9\nkept 1:\n  0: first convolution" in printed
    assert "logits [1, 10] for one image, classes 0, 1, 2, 3, 4, 5, 6, 7, 8, 9" in printed


def test_an_own_objective_is_measured_for_each_trial(tmp_path: Path) -> None:
    *_, table = run(tmp_path, "study_own_objective").split("\n\n")
    header, *rows = table.strip().splitlines()
    values = [float(row.split()[header.split().index("faded_accuracy")]) for row in rows]
    assert len(values) == 4
    assert all(0 < value < 1 for value in values)
