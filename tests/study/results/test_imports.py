import subprocess
import sys
from pathlib import Path

import study.results

HEAVY = ("ray", "torch", "mlflow")


def test_results_import_neither_ray_nor_torch_nor_mlflow():
    folder, root = Path(study.results.__file__).parent, Path(study.results.__file__).parents[2]
    files = sorted(folder.rglob("[a-z]*.py"))
    modules = [".".join(file.relative_to(root).with_suffix("").parts) for file in files]
    assert "study.results.mlflow.background_writer" in modules
    code = f"import sys, {', '.join(modules)}; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_tracker_in_use_imports_neither_ray_nor_torch(sqlite_uri):
    code = (
        "import sys; from study.results.mlflow.store import MlflowStore;"
        f"MlflowStore({sqlite_uri!r}).has_study('x');"
        "print([m for m in ('ray', 'torch') if m in sys.modules], 'mlflow' in sys.modules)"
    )
    root = Path(study.results.__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root
    )
    assert done.stdout.strip() == "[] True"
