"""What a command imports before it knows what it is asked: a mistyped flag is refused at once."""

import subprocess
import sys

import pytest

from pnn_core.fused.compile import is_built

SLOW = ("torch", "ray", "mlflow", "scipy", "sklearn", "pandas", "plotly")


def imported_by(code: str) -> list[str]:
    told = f"import sys; {code}; print(*(name for name in {SLOW} if name in sys.modules))"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", told], capture_output=True, text=True, check=True
    )
    return done.stdout.split()


@pytest.mark.parametrize("module", ["study.run", "study.driver"])
def test_a_study_is_asked_for_without_any_slow_library(module: str) -> None:
    assert imported_by(f"import {module}") == []


def test_fused_operators_that_are_built_are_found_without_torch() -> None:
    if not is_built():
        pytest.skip("there is no C++ compiler")
    code = (
        "from study.engine.cluster.operators import choose_arithmetic; "
        "from study.engine.cluster.trial_resources import TrialResources; "
        "one = TrialResources(cpus=1, gpus=0, concurrent=1); "
        "assert choose_arithmetic(None, one, None) == 'fused'"
    )
    assert "torch" not in imported_by(code)
