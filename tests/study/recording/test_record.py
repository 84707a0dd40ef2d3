"""`study.record`: a study is run, or gone on with, and written as a table."""

from pathlib import Path

import pytest

from study import run
from study.record import main
from study.recording.parquet import read_table


@pytest.fixture
def asked(monkeypatch) -> list[list[str]]:
    """What `study.run` would have been asked for; it fails."""
    words: list[list[str]] = []

    def refuse(argv) -> int:
        words.append(argv)
        return 130

    monkeypatch.setattr(run, "main", refuse)
    return words


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_whole_grid_is_recorded_unless_a_number_is_given(folder, asked) -> None:
    words = ["--space", "pnn_bench", "--output", "table.parquet"]
    assert main(words) == 130
    assert main([*words, "--configurations", "9"]) == 130
    grid, sample = (" ".join(argv) for argv in asked)
    shared = "--space pnn_bench --dataset digits --name pnn_bench-digits-table --replicates 3"
    assert grid == f"{shared} --epochs 27 --seed 0 --sampler grid"
    assert sample == f"{shared} --epochs 27 --seed 0 --sampler random --trials 9"
    assert main([*words, "--augment", "crop"]) == 130
    assert " ".join(asked[-1]) == f"{shared} --epochs 27 --seed 0 --augment crop --sampler grid"
    own = ["--network", "mine.py", "--layer-file", "layer.py"]
    assert main([*words, *own]) == 130
    assert " ".join(asked[-1]) == f"{shared} --epochs 27 --seed 0 {' '.join(own)} --sampler grid"
    assert not (folder / "table.parquet").exists()


def test_the_same_command_goes_on_with_what_is_there(folder, asked) -> None:
    (folder / "studies" / "mine").mkdir(parents=True)
    (folder / "studies" / "mine" / "study.json").touch()
    main(["--space", "pnn_bench", "--name", "mine", "--output", "table.parquet"])
    assert asked[0][-1] == "--resume"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "--output is missing"),
        (["--output", "t.parquet"], "--space NAME is missing, or --name of a study"),
        (
            ["--output", "t.parquet", "--name", "none"],
            "--name none: there is no study studies/none",
        ),
        (["--output", "t.parquet", "--speed", "3"], "--speed is not an option"),
    ],
)
def test_bad_input_is_one_sentence(folder, capsys, words, said) -> None:
    assert main(words) == 2
    error = capsys.readouterr().err
    assert error.startswith("study.record: ")
    assert said in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--output", "none/t.parquet"], "--output none/t.parquet: there is no folder none"),
        (["--output", "."], "--output .: is a folder"),
        (["--output", "t.parquet", "--configurations", "0"], "--configurations: '0' must be a"),
        (["--output", "t.parquet", "--seed", "-1"], "--seed: '-1' must be a whole number from 0"),
    ],
)
def test_bad_input_is_refused_before_anything_is_trained(
    folder, asked, capsys, words, said
) -> None:
    assert main(["--space", "pnn_bench", *words]) == 2
    assert said in capsys.readouterr().err
    assert asked == []


def test_an_unknown_augmentation_is_refused_by_the_study(folder, capsys) -> None:
    words = ["--space", "pnn_bench", "--output", "t.parquet", "--augment", "crops"]
    assert main(words) == 2
    assert "--augment: 'crops' is not an augmentation" in capsys.readouterr().err
    assert not [*folder.iterdir()]


def test_a_recording_holds_what_was_trained(confirmed_study, own_copy, monkeypatch, capsys) -> None:
    monkeypatch.chdir(folder := own_copy(confirmed_study[0]))
    assert main(["--name", "two", "--output", "table.parquet"]) == 0
    assert "2 configurations of two on digits, 2 seeds each, 2 epochs" in capsys.readouterr().out
    table = read_table(folder / "table.parquet")
    assert table.provenance.command == (
        "python -m study.run --space two.py --dataset digits --sampler grid --trials 2 --epochs 2 "
        "--replicates 2 --seed 3"
    )
    assert [c.parameters["mask_count"] for c in table.configurations] == [2, 4]
    assert [c.first_seed for c in table.configurations] == [3, 5]
    assert all(e.train_seconds > 0 for c in table.configurations for k in c.curves for e in k)
    assert {"python", "torch"} <= table.provenance.versions.keys()
