"""Studies of an earlier version of the program are read, shown, extended and run again.

The archive holds two studies as commit 4eece9f left them, in /tmp/earlier-study, with the tracker's
database; their pages and artifacts, which are made anew, are not in it:

- `earlier`: 4 trials of noise_masks on the digits, 2 epochs, 2 seeds, its front confirmed by 1 seed
- `earlier-moasha`: interrupted in the sixth of 7 trials, of which a checkpoint of 5 epochs is there
"""

import csv
import json
import shutil
import tarfile
from pathlib import Path
from typing import Any

import pytest

from dashboards import export, report
from pnn_core.config import ADDED_SETTINGS
from study.results.mlflow.loaded_study import LoadedStudy
from study.results.mlflow.store import MlflowStore
from study.results.run_record import Curve, RunState
from study.run import main

ARCHIVE = Path(__file__).with_name("earlier-study.tar.xz")
WRITTEN_IN = "/tmp/earlier-study"
ONE_WORKER = ("--max-concurrent", "1")
ANOTHER_ORDER_OF_SUMS = 0.02
"""Change of a loss in two epochs on another processor; torch's own operators change 0.004."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rewrite_paths) -> Path:
    """A working folder with both studies, as if it had been theirs."""
    monkeypatch.chdir(tmp_path)
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path, filter="data")
    rewrite_paths(tmp_path, WRITTEN_IN)
    return tmp_path


def load(folder: Path, name: str) -> LoadedStudy:
    study = MlflowStore(f"sqlite:///{folder}/mlflow.db").load_study(name)
    assert not study.undecodable
    return study


def written(folder: Path, name: str) -> dict[int, dict[str, Any]]:
    """The records in a study's journal by trial, read as plain JSON."""
    records = {}
    for line in (folder / "studies" / name / "optuna.journal").read_text().splitlines():
        attributes = json.loads(line).get("user_attr", {})
        if "record" in attributes:
            records[attributes["record"]["number"]] = attributes["record"]
    return records


def numbers(curve: Curve) -> list[list[float]]:
    """As a row of the journal has them, without the seconds."""
    return [[e.train_loss, e.val_loss, e.val_accuracy] for e in curve]


def test_its_trials_are_read_to_the_last_bit(folder: Path) -> None:
    for name, states in (
        ("earlier", ["complete"] * 4),
        ("earlier-moasha", ["complete"] * 3 + ["pruned", "complete", "paused"]),
    ):
        study, journal = load(folder, name), written(folder, name)
        assert [record.state.value for record in study.records] == states
        for record in study.records:
            if record.state is RunState.PAUSED:
                assert record.number not in journal
                continue
            before = journal[record.number]
            assert record.parameters == before["parameters"]
            assert [numbers(curve) for curve in record.replicates] == [
                [row[:3] for row in curve] for curve in before["replicates"]
            ]
    assert len(load(folder, "earlier").confirmed) == 8


def test_its_trials_are_exported(folder: Path, capsys) -> None:
    assert export.main(["--study", "earlier"]) == 0
    assert capsys.readouterr().out == "earlier.html\n"
    page = (folder / "earlier.html").read_text(encoding="utf-8")
    assert "<h1>Study earlier</h1>" in page
    picture = ["--study", "earlier", "--picture", "cost", "--output", "cost.csv"]
    assert export.main(picture) == 0
    with (folder / "cost.csv").open(newline="") as file:
        assert {row["trial"] for row in csv.DictReader(file)} == {"0", "1", "2", "3"}


def test_its_report_is_written(folder: Path, capsys) -> None:
    assert report.main(["--study", "earlier"]) == 0
    path, said = capsys.readouterr().out.splitlines()
    assert path == "earlier-report.html"
    assert said.startswith("earlier: 6 comparisons (")
    assert "does the noise matter?" in Path(path).read_text(encoding="utf-8")


def test_its_settings_are_known(folder: Path, capsys) -> None:
    assert main(["--resume", "--name", "earlier", "--epochs", "3"]) == 2
    assert "study earlier was started with --epochs 2" in capsys.readouterr().err
    assert main(["--resume", "--name", "earlier-moasha", "--reduction-factor", "4"]) == 2
    assert "was started with --reduction-factor 3" in capsys.readouterr().err


def test_it_goes_on_with_more_trials_and_keeps_those_it_has(folder: Path, command) -> None:
    before = load(folder, "earlier")
    journal = folder / "studies/earlier/optuna.journal"
    begun = journal.read_bytes()
    resume = ("--resume", "--name", "earlier", "--trials", "5", *ONE_WORKER)
    status, out, err = command.run(*resume, "--quiet")
    assert (status, err) == (0, "")
    assert "Front of earlier: digits, 5 complete, 2 epochs" in out
    assert journal.read_bytes().startswith(begun)
    after = load(folder, "earlier")
    assert after.records[:4] == before.records
    assert [record.state for record in after.records] == [RunState.COMPLETE] * 5
    assert after.info.trials == 5
    confirmed = {run.key: run for run in after.confirmed}
    assert all(confirmed[run.key] == run for run in before.confirmed)


def test_its_trial_is_run_again_with_the_same_curves(folder: Path, command) -> None:
    status, out, err = command.run("--rerun", "earlier:2", "--quiet")
    assert (status, err) == (0, "")
    assert "Front of earlier-trial-2: digits, 1 complete, 2 epochs" in out
    before = load(folder, "earlier").records[2]
    (again,) = load(folder, "earlier-trial-2").records
    assert (again.parameters, again.costs) == (
        {**ADDED_SETTINGS, **before.parameters},
        before.costs,
    )
    curves = [[row[:2] for row in numbers(curve)] for curve in before.replicates]
    losses = [[row[:2] for row in numbers(curve)] for curve in again.replicates]
    for curve, known, other in zip(losses, curves, reversed(curves), strict=True):
        assert curve[0] == pytest.approx(known[0], abs=ANOTHER_ORDER_OF_SUMS)
        assert curve[1] == pytest.approx(known[1], abs=ANOTHER_ORDER_OF_SUMS)
        # Those of the other seed are farther away than that.
        assert curve[1] != pytest.approx(other[1], abs=ANOTHER_ORDER_OF_SUMS)


@pytest.mark.parametrize("has_checkpoint", [True, False])
def test_its_unfinished_trial_goes_on_and_its_rungs_stay(
    folder: Path, command, has_checkpoint: bool
) -> None:
    before = load(folder, "earlier-moasha")
    assert len(before.records[5].replicates[0]) == 5
    journal = folder / "studies/earlier-moasha/optuna.journal"
    begun = journal.read_bytes()
    if not has_checkpoint:
        shutil.rmtree(folder / "studies/earlier-moasha/checkpoints")
    status, out, err = command.run("--resume", "--name", "earlier-moasha", "--quiet", *ONE_WORKER)
    assert (status, err) == (0, "")
    assert "Front of earlier-moasha: digits, " in out
    assert journal.read_bytes().startswith(begun)
    after = load(folder, "earlier-moasha")
    assert after.records[:5] == before.records[:5]
    assert [record.number for record in after.records] == list(range(7))
    assert after.info.rungs == (1, 3)
    gone_on = after.records[5]
    assert gone_on.state is RunState.COMPLETE
    assert len(gone_on.replicates[0]) == 9
    is_same_run = gone_on.replicates[0][:5] == before.records[5].replicates[0]
    assert is_same_run == has_checkpoint  # its seconds are those of the first life
