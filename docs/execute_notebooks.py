"""The notebooks of `examples`: its scripts with cells, executed in a folder of their own.

Usage: execute_notebooks.py
"""

import os
import shutil
import tempfile
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient

EXAMPLES = Path(__file__).parents[1] / "examples"
SCRIPTS = (
    "first_study",
    "export_to_onnx",  # reads the study of the first one
    "study_own_data",
    "study_own_network",
    "study_own_objective",
)


def main() -> None:
    """Execute them all."""
    os.environ["PLOTLY_RENDERER"] = "png"  # which a notebook shows everywhere
    with tempfile.TemporaryDirectory() as folder:
        for path in EXAMPLES.glob("*.py"):
            shutil.copy(path, folder)
        for name in SCRIPTS:
            notebook = jupytext.read(EXAMPLES / f"{name}.py")
            NotebookClient(
                notebook,
                kernel_name="python3",
                record_timing=False,
                resources={"metadata": {"path": folder}},
            ).execute()
            nbformat.write(notebook, EXAMPLES / f"{name}.ipynb")


if __name__ == "__main__":
    main()
