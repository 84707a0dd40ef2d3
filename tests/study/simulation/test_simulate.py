"""`study.simulate`: files, a table for people, and one sentence for bad input."""

import json

import pyarrow.parquet as pq
import pytest

from study.recording.parquet import write_table
from study.simulate import main


@pytest.fixture
def path(tmp_path, make_table):
    path = tmp_path / "table.parquet"
    write_table(make_table(), path)
    return path


@pytest.fixture
def drawn(monkeypatch) -> list[str]:
    """Names of the pictures; no browser is started."""
    names: list[str] = []

    def draw(picture) -> bytes:
        names.append(picture.name)
        return b"picture"

    monkeypatch.setattr("study.simulation.search_growth.to_png", draw)
    return names


def test_every_sampler_meets_every_scheduler(path, tmp_path, drawn, capsys) -> None:
    output = tmp_path / "out"
    words = ["--sampler", "random,grid", "--scheduler", "fifo,moasha", "--seeds", "3"]
    words += ["--trials", "8", "--first-rung", "1", "--output", str(output), "--json"]
    assert main(["--table", str(path), *words]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document == json.loads((output / "simulation.json").read_text())
    searches = document["searches"]
    assert [(s["sampler"], s["scheduler"]) for s in searches] == [
        ("random", "fifo"),
        ("random", "moasha"),
        ("grid", "fifo"),
        ("grid", "moasha"),
    ]
    assert all(len(s["final"]) == len(s["epochs_to_share"]) == 3 for s in searches)
    assert searches[0]["hypervolume"]["epochs"]["x"][-1] == 8 * 4
    assert document["table"]["provenance"]["study"] == "made-up"
    assert drawn == ["simulated-hypervolume-epochs", "simulated-hypervolume-seconds"]
    assert sorted(file.name for file in output.iterdir()) == [
        "simulated-hypervolume-epochs.png",
        "simulated-hypervolume-seconds.png",
        "simulation.json",
        "trials.parquet",
    ]
    trials = pq.read_table(output / "trials.parquet").to_pylist()
    pruned = [trial for trial in trials if trial["state"] == "pruned"]
    assert pruned
    assert {trial["scheduler"] for trial in pruned} == {"moasha"}
    assert all("rank" in trial["reason"] for trial in pruned)


def test_people_see_a_line_for_each_search(path, tmp_path, drawn, capsys) -> None:
    words = ["--scheduler", "fifo", "--sampler", "grid", "--seeds", "2", "--trials", "12"]
    assert main(["--table", str(path), *words, "--output", str(tmp_path / "out")]) == 0
    out, progress = capsys.readouterr()
    assert progress == "grid, fifo: 2 seeds done\n"
    assert out.splitlines()[-1].startswith(f"{tmp_path}/out: summary (JSON)")
    line = out.splitlines()[1]
    assert line.split("  ")[0].strip() == "grid, fifo"
    assert "2 of 2" in line
    assert "1.000 (1.000 to 1.000)" in line


def test_without_a_browser_the_table_is_printed_and_everything_else_written(
    path, tmp_path, capsys, monkeypatch
) -> None:
    monkeypatch.setenv("BROWSER_PATH", "/nowhere/chrome")
    monkeypatch.setenv("PATH", "")
    words = ["--scheduler", "fifo", "--sampler", "grid", "--seeds", "2", "--trials", "12"]
    assert main(["--table", str(path), *words, "--output", str(tmp_path / "out")]) == 0
    out, told = capsys.readouterr()
    assert "1.000 (1.000 to 1.000)" in out
    assert out.splitlines()[-1].endswith("out: summary (JSON), every trial (Parquet)")
    assert "study.simulate: no pictures were drawn: a png is drawn by Chrome" in told
    names = sorted(file.name for file in (tmp_path / "out").iterdir())
    assert names == ["simulation.json", "trials.parquet"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--sampler", "tpe,best"], "--sampler tpe,best: 'best' is not a sampler"),
        (
            ["--scheduler", "hope"],
            "--scheduler hope: 'hope' is not a scheduler: accepted are fifo, moasha, asha",
        ),
        (["--sampler", "tpe,tpe"], "--sampler tpe,tpe: 'tpe' is named twice"),
        (["--scheduler", "fifo,fifo"], "--scheduler fifo,fifo: 'fifo' is named twice"),
        (["--workers", "0"], "--workers: '0' must be a whole number of at least 1"),
        (["--reduction-factor", "1"], "'1' must be a whole number of at least 2"),
        (["--first-rung", "4"], "--first-rung 4: first (=4) must be at least 1 and below"),
        (["--objectives", "luck"], "--objectives luck: 'luck' is not an objective"),
        (["--replicates", "3"], "--replicates 3: the table has 2 of each configuration"),
        (["--scheduler", "ashaa"], "did you mean asha?"),
        (["--scheduler", "fifo", "--first-rung", "2"], "--first-rung 2: --scheduler fifo stops no"),
        (
            ["--scheduler", "fifo", "--reduction-factor", "3"],
            "--reduction-factor 3: --scheduler fifo stops no trial",
        ),
        (["--objectives", "learnable_params"], "--scheduler moasha: the objectives learnable"),
        (
            ["--scheduler", "asha", "--objectives", "learnable_params,val_accuracy"],
            "--scheduler asha: the objectives learnable_params are known before training",
        ),
        (["--workres", "3"], "--workres is not an option: did you mean --workers?"),
    ],
)
def test_bad_input_is_one_sentence_and_writes_nothing(path, tmp_path, capsys, words, said) -> None:
    output = tmp_path / "out"
    assert main(["--table", str(path), "--output", str(output), *words]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert not output.exists()


def test_a_table_that_is_not_there_is_named(tmp_path, capsys) -> None:
    assert main(["--table", str(tmp_path / "none.parquet")]) == 2
    error = capsys.readouterr().err
    assert error.startswith("study.simulate: ")
    assert "none.parquet: there is no file of that name" in error


def test_a_folder_that_cannot_be_written_is_named_before_anything_is_searched(
    path, tmp_path, capsys, monkeypatch
) -> None:
    def searched(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr("study.simulate.repeat", searched)
    (tmp_path / "file").touch()
    assert main(["--table", str(path), "--output", str(tmp_path / "file" / "out")]) == 2
    assert "file cannot be written: choose another folder" in capsys.readouterr().err


def test_the_table_that_comes_with_the_project_is_searched_where_none_is_named(
    tmp_path, drawn, capsys
) -> None:
    words = ["--sampler", "random", "--scheduler", "fifo", "--seeds", "1", "--trials", "2"]
    assert main([*words, "--output", str(tmp_path / "out"), "--json"]) == 0
    table = json.loads(capsys.readouterr().out)["table"]
    assert (table["space"], table["dataset"]) == ("pnn_bench", "digits")
    assert (table["configurations"], table["replicates"], table["epochs"]) == (320, 3, 27)


def test_an_interrupt_writes_nothing_and_says_so(path, tmp_path, capsys, monkeypatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("study.simulate.repeat", interrupted)
    assert main(["--table", str(path), "--output", str(tmp_path / "out")]) == 130
    assert capsys.readouterr().err == "study.simulate: interrupted: nothing was written\n"
    assert not (tmp_path / "out").exists()
