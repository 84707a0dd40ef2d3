"""A file of options is read as the words that are typed for them, and written from them."""

from pathlib import Path

import pytest

from study.command_line import BadInputError
from study.planning.arguments import Arguments, parse_arguments, typed_config
from study.results.setting import Group, flag_of, kinds_of, options
from study.run import main

URL = "postgresql://me:s3cret@host/db"
WORDS = {
    "gpus_per_trial": "auto",
    "address": "local",
    "objectives": "val_accuracy,a/b.py:mine:minimize",
    "confirm_trials": "0,3",
    "controls": "conv1x1,conv3x3",
    "tune_controls": "learning_rate=0.001,0.01",
    "augment": "crop",
    "canvas": "320",
    "init": "honest:3",
    "weights": "none",
    "memory_per_trial": "2.5",
    "resources_per_trial": "spot=1",
    "node_labels": "ray.io/market-type=spot",
    "confirm_node_labels": "ray.io/market-type=on-demand",
    "notify": "https://chat.example/hook",
    "log": "tensorboard",
    "limit": "macs<=5",
    "enqueue": "mask_count=16",
    "prior": "noise_level=0.1",
    "rerun": "honest:1",
    "name": "mine",
    "space": 'C:\\a "b"/space.py',
}
"""Values for those options that do not take any word or number."""


KEPT_IN_FILES = [
    name
    for name, declared in options(Arguments).items()
    if declared.group is not Group.INSTEAD and name != "config"
]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OPTUNA_STORAGE", raising=False)
    return tmp_path


def as_file(words: list[str]) -> Arguments:
    Path("study.toml").write_text(typed_config(words))
    return parse_arguments(["--config", "study.toml"])


@pytest.mark.parametrize("name", KEPT_IN_FILES)
def test_every_option_comes_through_the_file(name: str) -> None:
    kinds = kinds_of(Arguments)[name]
    value = WORDS.get(name) or ("7" if int in kinds else "word")
    words = [flag_of(name)] if bool in kinds else [flag_of(name), value]
    if name not in ("space", "rerun"):
        words += ["--space", "noise_masks"]
    words += ["--name", "x"] if name.startswith("resume") else []
    typed, read = parse_arguments(words), as_file(words)
    assert getattr(read, name) == getattr(typed, name)
    assert name in read.configured
    assert read.typed == typed.typed | {"config"}


def test_what_is_given_several_times_is_an_array_and_points_may_be_tables() -> None:
    words = ["--space", "s", "--limit", "macs<=5", "--limit", "val_loss<1", "--enqueue", "a=1,b=x"]
    read = as_file(words)
    assert (read.limit, read.enqueue) == (parse_arguments(words).limit, "a=1,b=x")
    Path("t.toml").write_text('space = "s"\n[[enqueue]]\na = 1\nb = "x"\n[[enqueue]]\na = 2\n')
    assert parse_arguments(["--config", "t.toml"]).enqueue == "a=1,b=x;a=2"


def test_typed_words_win_over_the_file() -> None:
    Path("a.toml").write_text('space = "s"\ntrials = 9\nmax-concurrent = 2\nlimit = "macs<5"\n')
    read = parse_arguments(["--config", "a.toml", "--trials", "3", "--limit", "macs<7"])
    assert (read.space, read.trials, read.max_concurrent) == ("s", 3, 2)
    assert [*map(str, read.limit)] == ["macs<7"]
    assert read.configured == {"space", "max_concurrent"}


def test_no_password_is_written_and_it_comes_from_the_environment_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = typed_config(["--space", "s", "--storage", URL])
    assert "s3cret" not in text
    Path("a.toml").write_text(text)
    with pytest.raises(BadInputError, match="its password, by --storage or in the environment"):
        parse_arguments(["--config", "a.toml"])
    assert parse_arguments(["--config", "a.toml", "--storage", URL]).storage == URL
    monkeypatch.setenv("OPTUNA_STORAGE", URL)
    assert parse_arguments(["--config", "a.toml"]).storage == URL


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("trails = 3", "--config a.toml: trails is not an option: did you mean trials?"),
        ("max_concurent = 3", "did you mean max-concurrent?"),
        ("config = 'b.toml'", "config is not an option"),
        ("trials = 3.5", "trials (=3.5) must be a whole number"),
        ("trials = '3'", "trials (='3') must be a whole number"),
        ("trials = 0", "--config a.toml: --trials: '0' must be a whole number of at least 1"),
        ("quiet = 'no'", "quiet (='no') must be true or false"),
        ("name = 2020-01-01", "must be a text"),
        ("objectives = {a = 1}", "must be a text or a list of texts"),
        ("trials = ", "--config a.toml: it is no TOML: "),
        ("max-concurrent = 1\nmax_concurrent = 2", "max_concurrent stands twice"),
    ],
)
def test_a_wrong_file_is_refused_in_one_sentence(
    text: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("a.toml").write_text(f"space = 'noise_masks'\n{text}\n")
    assert main(["--config", "a.toml"]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1
    assert [path.name for path in Path().iterdir()] == ["a.toml"]


def test_the_command_writes_what_it_was_given(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--space", "noise_masks", "--trials", "5", "--resume", "--name", "a"]
    assert main([*words, "--print-config"]) == 0
    out = capsys.readouterr().out
    assert out == 'space = "noise_masks"\ntrials = 5\nname = "a"\nresume = true\n'
    Path("a.toml").write_text(out)
    assert main(["--config", "a.toml", "--trials", "6", "--print-config"]) == 0
    assert capsys.readouterr().out == out.replace("5", "6")
