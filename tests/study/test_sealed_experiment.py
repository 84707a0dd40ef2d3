"""A planned experiment shows no test figure before its last run has ended: real small studies."""

import json
import re
from pathlib import Path

import pytest

from dashboards import report
from study.results.mlflow.store import MlflowStore
from study.results.planned_experiment import experiment_arms
from study.results.sealed_table import read_sealed_table

ARMS = """
from search_spaces import Experiment, PlannedComparison, SearchSpace

SPACE = SearchSpace(
    name="arms",
    summary="noise against none",
    fixed={"network": "resnet8", "batch_size": 200},
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
BLOCK = ("--space", "arms.py", "--epochs", "1", "--confirm", "1", "--max-concurrent", "1")


@pytest.fixture(scope="module")
def blocks(make_once, command_in) -> Path:
    """A working folder with two blocks of one seed each, and what their commands said."""

    def make(folder: Path) -> None:
        (folder / "arms.py").write_text(ARMS)
        command = command_in(folder)
        status, out, err = command.run(*BLOCK, "--name", "block-0")
        assert (status, err) == (0, "")
        (folder / "block-0.txt").write_text(out)
        status, out, err = command.run(*BLOCK, "--name", "block-1", "--seed", "1", "--json")
        assert status == 0, err
        (folder / "block-1.txt").write_text(out + err)

    return make_once("sealed-blocks", make)


def load(folder: Path, name: str):
    return MlflowStore(f"sqlite:///{folder}/mlflow.db").load_study(name)


def table(folder: Path, name: str) -> Path:
    return folder / f"studies/{name}/{name}-sealed.parquet"


def figures(folder: Path) -> set[str]:
    """Test figures of all blocks, as they could be spelt."""
    runs = [run for n in (0, 1) for run in read_sealed_table(table(folder, f"block-{n}")).confirmed]
    assert len(runs) == 4
    results = [run.result for run in runs]
    assert all(result is not None for result in results)
    return {f"{result.test_accuracy:.4f}" for result in results} | {
        repr(result.train_loss) for result in results
    }


def test_a_sealed_block_shows_no_figure_of_its_confirmed_runs(blocks: Path) -> None:
    said = (blocks / "block-0.txt").read_text()
    assert re.search(r"confirm trial 0 perturbation seed 1 of 1 complete: .*, sealed  \[", said)
    assert "2 of 4 runs of the experiment have ended (2 arms of 2 fresh seeds). Sealed: " in said
    assert "--seed 1" in said
    document, _ = json.JSONDecoder().raw_decode((blocks / "block-1.txt").read_text())
    assert (document["confirmed"], document["comparisons"], document["cautions"]) == ([], [], [])
    experiment = document["experiment"]
    assert (experiment["ended"], experiment["planned"], experiment["sealed"]) == (2, 4, True)
    for name in ("block-0", "block-1"):
        study = load(blocks, name)
        assert len(study.records) == 2
        assert study.confirmed == ()
        assert study.info.sealed_runs == 2
        page = (blocks / f"studies/{name}/front.html").read_text()
        assert "sealed: no test figure is shown before its last run has ended" in page
        assert "2 of the experiment&#x27;s 4 runs have ended in this study." in page
    everywhere = said + (blocks / "block-1.txt").read_text()
    assert "test_accuracy" not in everywhere
    assert not [figure for figure in figures(blocks) if figure in everywhere]


def test_the_report_waits_for_all_blocks(blocks: Path, monkeypatch, capsys, tmp_path) -> None:
    monkeypatch.chdir(tmp_path)
    tracker = ["--tracking-uri", f"sqlite:///{blocks}/mlflow.db"]
    first, second = (["--study", str(table(blocks, f"block-{n}"))] for n in (0, 1))
    for names in (first, ["--study", "block-0", *tracker]):
        assert report.main(names) == 2
        out, err = capsys.readouterr()
        assert (out, err.count("\n")) == ("", 1)
        assert "ealed" in err
        assert "2 of the experiment's 4 runs" in err or "2 of 4 runs of the experiment" in err
        assert list(tmp_path.iterdir()) == []
    assert report.main([*first, *second, "--output", "report.html"]) == 0
    page = Path("report.html").read_text()
    assert "4 of 4 runs of the experiment have ended" in page
    capsys.readouterr()
    copy = tmp_path / "copy-sealed.parquet"
    copy.write_bytes(table(blocks, "block-0").read_bytes())
    assert report.main([*first, "--study", str(copy)]) == 2
    assert "block-0 repeats fresh seed" in capsys.readouterr().err


def test_the_seal_opens_with_the_last_run_and_the_tracker_gets_what_was_held_back(
    blocks: Path, own_copy, command
) -> None:
    folder = own_copy(blocks)
    held_back = read_sealed_table(table(folder, "block-0")).confirmed
    status, out, err = command.run("--resume", "--name", "block-0", "--confirm", "2")
    assert (status, err) == (0, "")
    assert "4 of 4 runs of the experiment have ended (2 arms of 2 fresh seeds): the seal" in out
    assert "Confirmed on the test set: 4 of 4 runs" in out
    study = load(folder, "block-0")
    assert (len(held_back), len(study.confirmed)) == (2, 4)
    assert all(run in study.confirmed for run in held_back)
    assert study.info.experiment is not None
    arms = experiment_arms(study.info.experiment, study.records, study.confirmed)
    assert [(arm.name, len(arm.runs)) for arm in arms] == [("noise", 2), ("off", 2)]
    assert not any(study.info.is_exploratory(run.seed) for run in study.confirmed)


def test_a_seal_that_is_opened_early_says_so_wherever_figures_are(
    blocks: Path, own_copy, command, monkeypatch, capsys
) -> None:
    folder = own_copy(blocks)
    status, out, err = command.run("--resume", "--name", "block-0", "--open-early")
    assert (status, err) == (0, "")
    assert "The seal was opened early, by --open-early" in out
    assert "Confirmed on the test set: 2 of 2 runs" in out
    assert "The seal was opened early" in (folder / "studies/block-0/front.html").read_text()
    study = load(folder, "block-0")
    assert study.info.open_early
    assert len(study.confirmed) == 2
    # Once opened, it stays so.
    assert json.loads((folder / "studies/block-0/study.json").read_text())["open_early"]
    monkeypatch.chdir(folder)
    assert report.main(["--study", "block-0"]) == 0
    assert "The seal was opened early" in Path("block-0-report.html").read_text()
