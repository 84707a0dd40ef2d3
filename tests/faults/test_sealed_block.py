"""A block of a planned experiment that is killed in its confirmation goes on, and stays sealed."""

import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from driver import POLL_SECONDS, Driver
from small_study import environment, scratch

from pnn_core.config import ConfirmResult, DatasetShape, ModelConfig, TrialConfig
from pnn_core.data import confirm_step, load_test_data, load_training_data
from pnn_core.training.confirmation_run import train_and_test
from study.results.mlflow.store import MlflowStore
from study.results.run_record import RunRecord, RunState
from study.results.sealed_table import read_sealed_table

NAME = "block"
SPACE = """
from search_spaces import Experiment, PlannedComparison, SearchSpace

SPACE = SearchSpace(
    name="arms",
    summary="noise against none",
    fixed={"network": "resnet8", "batch_size": 50},
    variants={
        "noise": {"mask_count": 4, "noise_level": 1.0},
        "off": {"mask_count": 4, "noise_level": 0.0},
    },
    is_grid=True,
    experiment=Experiment(
        comparisons=(PlannedComparison(first="noise", second="off", matters=0.01),), seeds=2
    ),
)
"""
EPOCHS = 6
BLOCK = (
    *("--space", "space.py", "--name", NAME, "--epochs", str(EPOCHS)),
    *("--confirm", "1", "--max-concurrent", "1"),
)
PATIENCE_SECONDS = 300.0
ENDED = "perturbation seed 1 of 1 complete: "
"""End of a confirmed run, as progress tells it."""


def live(folder: Path, temporary: Path, *arguments: str, until: str = "") -> Driver:
    """Run a driver to its end, or kill it once it has printed something."""
    log = f"life-{len(list(folder.glob('life-*.out'))) + 1}"
    driver = Driver(arguments, folder, log=log, environment=environment(temporary))
    try:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while driver.status is None and time.monotonic() < deadline:
            if until and until in driver.output:
                driver.signal(signal.SIGKILL)
                driver.wait(30)
            time.sleep(POLL_SECONDS)
    finally:
        driver.end()
    return driver


def trained_alone(run: RunRecord) -> ConfirmResult:
    """Train a confirmed run again by the plain function, with one core as a worker has."""
    shape = DatasetShape(channels=1, height=8, width=8, classes=10)
    config = TrialConfig(model=ModelConfig(dataset=shape)).with_parameters(run.parameters)
    assert (config.seed, config.epochs) == (run.seed, EPOCHS)
    data = load_training_data("digits", Path("nowhere"))
    with confirm_step():
        test = load_test_data("digits", Path("nowhere"))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    result = train_and_test(config, data.traits, data.joined(), test, torch.device("cpu"))
    torch.set_num_threads(threads)
    return result


def test_a_killed_block_goes_on_with_equal_values_and_stays_sealed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("space.py").write_text(SPACE)
    with scratch() as temporary:
        killed = live(tmp_path, temporary, *BLOCK, until=f"trial 0 {ENDED}")
        assert killed.status == -signal.SIGKILL
        assert f"trial 1 {ENDED}" not in killed.output
        resumed = live(tmp_path, temporary, "--resume", "--name", NAME)
    assert resumed.status == 0, resumed.errors
    assert f"trial 1 {ENDED}" in resumed.output
    assert "2 of 4 runs of the experiment have ended (2 arms of 2 fresh seeds). Sealed: " in (
        resumed.output
    )
    runs = read_sealed_table(Path(f"studies/{NAME}/{NAME}-sealed.parquet")).confirmed
    assert [(run.key.trial, run.state) for run in runs] == [
        (0, RunState.COMPLETE),
        (1, RunState.COMPLETE),
    ]
    for run in runs:
        assert run.result is not None
        expected = trained_alone(run)
        assert replace(run.result, train_seconds=0.0) == replace(expected, train_seconds=0.0)
    require_sealed(runs, [killed, resumed])


def require_sealed(runs: tuple[RunRecord, ...], lives: list[Driver]) -> None:
    """Look for test figures wherever somebody could see them."""
    study = MlflowStore("sqlite:///mlflow.db").load_study(NAME)
    assert (len(study.records), study.confirmed) == (2, ())
    shown = [Path(f"studies/{NAME}/front.html").read_text()]
    shown += [driver.output + driver.errors for driver in lives]
    figures = [
        repr(figure)
        for run in runs
        if run.result is not None
        for figure in (run.result.test_accuracy, run.result.train_loss)
    ]
    assert len(figures) == 4
    for text in shown:
        assert "test_accuracy" not in text
        assert not [figure for figure in figures if figure in text]
