"""A real study does what is asked of it from elsewhere, while it runs."""

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from study.results.mlflow.live_reader import FollowedStudy
from study.results.mlflow.store import MlflowStore
from study.results.run_record import RunState
from study.results.study_request import Action, StudyRequest

SPACE = """
from optuna.distributions import CategoricalDistribution, FloatDistribution
from search_spaces import SearchSpace

SPACE = SearchSpace(
    name="asked",
    summary="",
    axes={
        "mask_count": CategoricalDistribution((2, 4, 8)),
        "noise_level": FloatDistribution(0.01, 10.0, log=True),
    },
)
"""


def follow(folder: Path, true: Callable[[FollowedStudy], object]) -> FollowedStudy:
    """Wait until something is true of the study, as the tracker has it."""
    feed = MlflowStore(f"sqlite:///{folder}/mlflow.db").follow_study("asked")
    until = time.monotonic() + 400
    while True:
        try:
            followed = feed.read()
        except (OSError, ValueError):  # it has not begun
            followed = None
        if followed is not None and true(followed):
            return followed
        assert time.monotonic() < until, followed
        time.sleep(0.3)


def test_a_study_is_paused_given_a_point_loses_a_trial_and_ends_as_it_is_asked(
    tmp_path: Path, command_in
) -> None:
    (tmp_path / "space.py").write_text(SPACE)
    command = command_in(tmp_path)
    options = ("--space", "space.py", "--trials", "40", "--epochs", "3000", "--max-concurrent", "1")
    process: subprocess.Popen[str] = command.start(*options, "--name", "asked")
    followed = follow(tmp_path, lambda f: any(r.epochs for r in f.study.records))
    box = MlflowStore(f"sqlite:///{tmp_path}/mlflow.db").request_box(followed.parent_run_id)

    def ask(action: Action, **fields: object) -> str:
        box.ask(StudyRequest(action=action, **fields))
        answered = len(box.read().answers)
        follow(tmp_path, lambda f: len(f.control.answers) > answered)
        return box.read().answers[-1].said

    assert ask(Action.PAUSE).startswith("No run begins")
    assert box.read().is_paused
    assert "must be one of 2, 4, 8" in ask(Action.ENQUEUE, point="mask_count=3")
    assert ask(Action.ENQUEUE, point="mask_count=8,noise_level=0.25") == "The point is tried next."
    assert ask(Action.STOP_TRIAL, trial=0).startswith("Trial 0 ends")
    followed = follow(tmp_path, lambda f: f.study.records[0].state is RunState.PRUNED)
    assert followed.study.records[0].reason.startswith("stopped by hand after epoch ")
    begun = len(followed.study.records)
    assert ask(Action.CONTINUE) == "Runs begin again."
    follow(tmp_path, lambda f: len(f.study.records) > begun)
    assert ask(Action.STOP).startswith("The study saves its runs")
    out, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (130, "")
    assert "--resume --name asked" in out.splitlines()[-1]
    written = json.loads((tmp_path / "studies/asked/study.json").read_text())
    assert written["enqueue"] == "mask_count=8,noise_level=0.25"
    enqueued = [r for r in follow(tmp_path, lambda f: True).study.records if r.enqueued]
    assert [r.parameters["noise_level"] for r in enqueued] in ([], [0.25])
    assert box.read().waiting == ()
