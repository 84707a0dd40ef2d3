import subprocess
import sys
from pathlib import Path

import study.results

HEAVY = ("ray", "torch", "mlflow")


def test_results_import_neither_ray_nor_torch_nor_mlflow():
    folder = Path(study.results.__file__).parent
    modules = [f"study.results.{path.stem}" for path in sorted(folder.glob("[a-z]*.py"))]
    assert "study.results.mlflow_writer" in modules
    code = f"import sys, {', '.join(modules)}; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_tracker_in_use_imports_neither_ray_nor_torch(sqlite_uri):
    code = (
        "import sys; from study.results.mlflow_store import MlflowStore;"
        f"MlflowStore({sqlite_uri!r}).has_study('x');"
        "print([m for m in ('ray', 'torch') if m in sys.modules], 'mlflow' in sys.modules)"
    )
    root = Path(study.results.__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root
    )
    assert done.stdout.strip() == "[] True"
