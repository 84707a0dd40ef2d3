import pytest

from dashboards.report import main
from pnn_core.config import ConfirmResult, Costs
from study.results.mlflow.loaded_study import LoadedStudy
from study.results.mlflow.store import MlflowStore
from study.results.objective import parse_objectives
from study.results.run_record import RunKey, RunRecord, RunState
from study.results.study_info import StudyInfo

INFO = StudyInfo(
    name="masks",
    study_id="0" * 32,
    space="controls",
    dataset="cifar10",
    seed=0,
    trials=1,
    epochs=2,
    replicates=1,
    confirm=2,
    sampler="grid",
    scheduler="fifo",
    objectives=parse_objectives("val_accuracy,learnable_params"),
    git_commit="",
    versions={},
)


def confirmed(layer, accuracy):
    """Two seeds; without an accuracy they failed."""
    return [
        RunRecord(
            key=RunKey(0, layer, seed),
            state=RunState.FAILED if accuracy is None else RunState.COMPLETE,
            parameters={"layer": layer, "batch_size": 10},
            size_difference=0.0,
            costs=Costs(learnable_params=1000, mask_values=1, macs=1),
            result=None
            if accuracy is None
            else ConfirmResult(
                train_loss=0.1,
                test_accuracy=accuracy,
                published_test_accuracy=accuracy,
                train_seconds=1.0,
            ),
            reason="out of memory" if accuracy is None else "",
        )
        for seed in (1, 2)
    ]


@pytest.fixture
def holding(monkeypatch):
    """Let every tracker hold a study of the given confirmed runs."""

    def hold(*groups):
        runs = tuple(run for group in groups for run in group)
        study = LoadedStudy(info=INFO, records=(), confirmed=runs, undecodable=())
        monkeypatch.setattr(MlflowStore, "load_study", lambda store, name: study)

    return hold


def refused(capsys, *argv):
    """Exit status and the only line, which stands on standard error."""
    status = main(argv)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    return status, err


def test_the_page_is_written_and_its_path_and_result_printed(holding, tmp_path, capsys):
    holding(confirmed("perturbation", 0.8), confirmed("conv1x1", 0.8))
    path = tmp_path / "page.html"
    assert main(["--study", "masks", "--output", str(path)]) == 0
    assert "does the noise matter?" in path.read_text(encoding="utf-8")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == str(path)
    assert lines[1] == "masks: 1 comparison (1 without a verdict)"
    assert len(lines) == 2


def test_the_page_is_named_after_the_study_by_default(holding, tmp_path, monkeypatch):
    holding(confirmed("perturbation", 0.8))
    monkeypatch.chdir(tmp_path)
    assert main(["--study", "masks"]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["masks-report.html"]


def test_a_study_without_confirmed_runs_says_how_to_get_them(holding, capsys):
    holding()
    status, message = refused(capsys, "--study", "masks")
    assert status == 2
    assert "'masks' has no confirmed runs" in message
    command = "--space controls --dataset cifar10 --trials 1 --epochs 2"
    assert f"`python -m study.run {command} --confirm 8`" in message


def test_a_study_whose_confirmed_runs_all_failed_says_why(holding, capsys):
    holding(confirmed("perturbation", None))
    status, message = refused(capsys, "--study", "masks")
    assert status == 2
    assert "none of the 2 confirmed runs of study 'masks' is complete: out of memory" in message


def test_an_unknown_study_is_refused_and_nothing_created(tmp_path, capsys):
    uri = f"sqlite:///{tmp_path / 'absent.db'}"
    status, message = refused(capsys, "--study", "masks", "--tracking-uri", uri)
    assert status == 2
    assert "there is no study 'masks'" in message
    assert list(tmp_path.iterdir()) == []


def test_a_tracker_that_cannot_be_used_is_refused(tmp_path, capsys):
    path = tmp_path / "notes.db"
    path.write_text("no database at all, but a text that is long enough to be read as one" * 9)
    status, message = refused(capsys, "--study", "masks", "--tracking-uri", f"sqlite:///{path}")
    assert status == 2
    assert "cannot be used" in message


def test_an_output_that_cannot_be_written_is_refused(holding, tmp_path, capsys):
    holding(confirmed("perturbation", 0.8))
    path = tmp_path / "absent" / "page.html"
    status, message = refused(capsys, "--study", "masks", "--output", str(path))
    assert status == 2
    assert f"--output {path}: cannot write: No such file or directory" in message


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ([], "--study is missing, see --help"),
        (["--study"], "--study: expected one argument"),
        (
            ["--study", "masks", "--studdy", "x"],
            "--studdy is not an option: did you mean --study?",
        ),
    ],
)
def test_what_is_missing_or_mistyped_is_named_in_one_sentence(capsys, argv, said):
    status, message = refused(capsys, *argv)
    assert status == 2
    assert message == f"dashboards.report: {said}\n"
