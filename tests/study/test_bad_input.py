"""Bad input gets one sentence naming option and value, status 2, and creates nothing."""

import os
import re
import socket
import time
from pathlib import Path

import pytest
from PIL import Image

from study.planning import confirmation
from study.planning.study_lock import locked
from study.run import main

SPACE = "from search_spaces import SearchSpace\nfrom optuna.distributions import *\n"


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def refusal(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    before = sorted(Path().rglob("*"))
    assert main(list(argv)) == 2
    captured = capsys.readouterr()
    # Some of it shows only when Ray has started, which is said before.
    assert re.fullmatch(r"(Study \S+: (starting|joining) Ray.*\n)?", captured.out)
    assert captured.err.count("\n") == 1
    assert sorted(Path().rglob("*")) == before
    return captured.err.strip()


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--space", "noise_mask"], ["--space", "'noise_mask'", "did you mean noise_masks?"]),
        (["--space", "my/space.py"], ["--space", "my/space.py", "no file"]),
        (["--dataset", "digit"], ["--dataset", "'digit'", "did you mean 'digits'?"]),
        (["--sampler", "tpee"], ["--sampler", "'tpee'", "did you mean tpe?"]),
        (["--weights", "frnt"], ["--weights", "'frnt'", "did you mean front?"]),
        (["--scheduler", "mosha"], ["--scheduler mosha: 'mosha'", "did you mean moasha?"]),
        (
            ["--scheduler", "moasha", "--reduction-factor", "1"],
            ["--reduction-factor", "'1'", "at least 2"],
        ),
        (["--scheduler", "moasha", "--first-rung", "0"], ["--first-rung", "'0'", "at least 1"]),
        (
            ["--scheduler", "moasha", "--epochs", "9", "--first-rung", "9"],
            ["--first-rung 9: the first rung (epoch 9) must come before the full budget of 9"],
        ),
        (
            ["--scheduler", "moasha", "--epochs", "1"],
            ["--epochs 1: the first rung (epoch 1) must come before the full budget of 1"],
        ),
        (
            ["--scheduler", "moasha", "--objectives", "learnable_params,macs"],
            ["--scheduler moasha: the objectives learnable_params, macs", "val_accuracy"],
        ),
        (["--first-rung", "2"], ["--first-rung 2: --scheduler fifo stops no trial"]),
        (["--reduction-factor", "4"], ["--reduction-factor 4: --scheduler fifo stops no trial"]),
        (["--objectives", "val_acuracy"], ["--objectives", "did you mean val_accuracy?"]),
        (["--objectives", "macs,macs"], ["--objectives", "'macs' is named twice"]),
        (["--trials", "0"], ["--trials", "'0'", "at least 1"]),
        (["--trials", "many"], ["--trials", "'many'", "at least 1"]),
        (["--epochs", "-3"], ["--epochs", "'-3'", "at least 1"]),
        (["--seed", "-1"], ["--seed", "'-1'", "from 0 to 4294967295"]),
        (["--seed", "4294967296"], ["--seed", "'4294967296'", "from 0 to 4294967295"]),
        (["--cpus-per-trial", "0"], ["--cpus-per-trial", "'0'", "at least 1"]),
        (["--max-concurrent", "0"], ["--max-concurrent", "'0'", "at least 1"]),
        (["--gpus-per-trial", "1.5"], ["--gpus-per-trial", "'1.5'", "fraction"]),
        (["--gpus-per-trial", "some"], ["--gpus-per-trial", "'some'", "auto"]),
        (["--name", "a/b"], ["--name", "'a/b'", "letters"]),
        (["--name", "a b"], ["--name", "'a b'", "letters"]),
        (["--name", "../up"], ["--name", "'../up'", "letters"]),
        (["--name", "<b>x</b>"], ["--name", "'<b>x</b>'", "letters"]),
        (["--name", ""], ["--name", "''", "letters"]),
        (["--dataset", "imagefolder"], ["--data-dir", "data/train", "train/CLASS"]),
        (["--dataset", "digits", "--replicates", "0"], ["--replicates", "'0'", "at least 1"]),
        (["--confirm", "-1"], ["--confirm", "'-1'", "from 0 to 1000000"]),
        (["--confirm", "yes"], ["--confirm", "'yes'", "from 0 to 1000000"]),
        (["--confirm-trials", "all"], ["--confirm-trials all", "without --confirm S"]),
        (["--controls", "conv3x3"], ["--controls conv3x3", "without --confirm S"]),
        (["--tune-controls"], ["--tune-controls learning_rate", "without --confirm S"]),
        (
            ["--confirm", "3", "--tune-controls", "learnig_rate"],
            ["--tune-controls: 'learnig_rate' is not", "did you mean learning_rate?"],
        ),
        (
            ["--confirm", "3", "--tune-controls", "noise_level"],
            ["--tune-controls noise_level: layer conv1x1 does not use noise_level"],
        ),
        (
            ["--confirm", "3", "--tune-controls", "mask_count"],
            ["--tune-controls: 'mask_count' is no setting to tune", "accepted are learning_rate"],
        ),
        (
            ["--confirm", "3", "--tune-controls", "learning_rate=0,1"],
            ["--tune-controls learning_rate=0,1: learning_rate (=0) must be above 0"],
        ),
        (["--controls", "conv3"], ["--controls", "'conv3'", "did you mean conv3x3?"]),
        (["--controls", "none,conv3x3"], ["--controls", "leave one out"]),
        (["--confirm-trials", "best"], ["--confirm-trials", "'best'", "front, all or numbers"]),
        (
            ["--confirm", "1", "--confirm-trials", "3,24"],
            ["--confirm-trials 3,24: there is no trial 24: the study has trials 0 to 23"],
        ),
        (["--network", "resnet"], ["--network", "'resnet'", "resnet18"]),
        (["--space", "paper_tabel2"], ["--space", "'paper_tabel2'", "did you mean paper_table2?"]),
        (["--sapce", "x"], ["--sapce", "did you mean --space?"]),
        (["--output", ".."], ["--output ..", "exists"]),
        (["--storage", "optuna.db"], ["--storage optuna.db", "//USER@HOST/", "sqlite:///FILE"]),
        (["--storage", "redis://h"], ["--storage redis://h", "sqlite:///FILE"]),
        (["--storage", "mssql+pymssql://h/x"], ["needs the Python package pymssql"]),
        (["--storage", "sqlite://"], ["--storage sqlite://", "sqlite:///FILE"]),
        (["--storage", "sqlite:///no/x.db"], ["--storage sqlite:///no/x.db", "no folder"]),
        (["--checkpoints", "nosuch://x/y"], ["--checkpoints nosuch://x/y", "s3://BUCKET/PATH"]),
        (["--storage", ""], ["--storage", "'' names no place"]),
        (["--tracking-uri", ""], ["--tracking-uri", "'' names no place"]),
        (["--checkpoints", ""], ["--checkpoints", "'' names no place"]),
        (["--resume", "--dry-run"], ["--resume", "--dry-run", "leave one out"]),
        (["--resume", "--list-spaces"], ["--resume", "--list-spaces", "leave one out"]),
        (["--resume"], ["--resume needs --name NAME", "studies holds no study"]),
        (["--resume", "--name", "x"], ["--name x", "no folder studies/x", "no study yet"]),
        (["--resme"], ["--resme", "did you mean --resume?"]),
    ],
)
def test_a_bad_value_is_named(capsys, argv: list[str], said: list[str]) -> None:
    message = refusal(capsys, "--space", "noise_masks", *argv)
    assert all(part in message for part in said), message


def test_a_control_that_a_network_cannot_hold_is_refused(capsys, monkeypatch) -> None:
    def refuse(model, layer):
        raise ValueError(f"{layer} needs maps of 9x9 and more")

    monkeypatch.setattr(confirmation, "control", refuse)
    confirm = ["--confirm", "1", "--controls", "conv1x1"]
    message = refusal(capsys, "--space", "noise_masks", *confirm)
    assert "--controls conv1x1: network resnet8 with layer perturbation cannot hold" in message
    assert message.endswith("conv1x1 needs maps of 9x9 and more")


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        ("('noise', 'of')", "'of' is not an arm of the experiment: accepted are noise, off; did"),
        ("('noise', 'noise')", "first (='noise') must be another arm than second"),
    ],
)
def test_a_comparison_of_no_two_arms_is_refused_with_the_nearest(capsys, plan, said) -> None:
    Path("arms.py").write_text(
        "from search_spaces import Experiment, PlannedComparison, SearchSpace\n"
        f"first, second = {plan}\n"
        "c = PlannedComparison(first=first, second=second, matters=0.01)\n"
        "SPACE = SearchSpace(name='arms', summary='', is_grid=True,"
        " experiment=Experiment(comparisons=(c,), seeds=2),"
        " variants={'noise': {'noise_level': 1.0}, 'off': {'noise_level': 0.0}})\n"
    )
    assert said in refusal(capsys, "--space", "arms.py")


def test_an_experiment_confirms_all_its_arms(capsys, arms) -> None:
    Path("arms.py").write_text(arms)
    message = refusal(
        capsys, *("--space", "arms.py", "--confirm", "1", "--confirm-trials", "front")
    )
    assert "--confirm-trials front: space arms plans an experiment" in message


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--controls", "conv3x3"], "--controls conv3x3: space arms plans an experiment, whose"),
        (["--trials", "1"], "the experiment has 2 arms, and --trials is 1"),
        (
            ["--tune-controls"],
            "--tune-controls learning_rate: space arms plans an experiment, whose",
        ),
    ],
)
def test_what_would_take_an_arm_away_add_another_or_change_one_is_refused(
    capsys, arms, argv, said
) -> None:
    Path("arms.py").write_text(arms)
    assert said in refusal(capsys, "--space", "arms.py", "--confirm", "1", *argv)


def test_two_arms_of_one_network_are_refused(capsys, arms) -> None:
    Path("arms.py").write_text(arms.replace("0.0}", "1.0}"))
    message = refusal(capsys, "--space", "arms.py")
    assert "arms 'noise' and 'off' of space 'arms' describe the same network" in message


def test_there_is_no_seal_to_open_without_an_experiment(capsys) -> None:
    message = refusal(capsys, "--space", "noise_masks", "--confirm", "1", "--open-early")
    assert "--open-early: space noise_masks plans no experiment" in message


def test_a_trial_that_a_grid_does_not_have_is_refused(capsys, arms) -> None:
    Path("arms.py").write_text(arms)
    plain = arms.replace("experiment=", "experiment=None and ")
    Path("grid.py").write_text(plain)
    message = refusal(
        capsys, *("--space", "grid.py", "--trials", "9", "--confirm", "1", "--confirm-trials", "2")
    )
    assert "there is no trial 2: the study has trials 0 to 1" in message


def test_a_missing_space_is_asked_for(capsys) -> None:
    assert "--space NAME is missing" in refusal(capsys)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "does not define SPACE"),
        ("raise RuntimeError('broken')", "raised RuntimeError: broken"),
        (
            SPACE + "SPACE = SearchSpace(name='x', summary='', fixed={'mask_count': 30},"
            " axes={'fan_out': CategoricalDistribution((1, 4))})",
            "fan_out (=4) must divide mask_count (=30): accepted are 1, 2, 3, 5, 6, 10, 15, 30",
        ),
        (
            SPACE + "SPACE = SearchSpace(name='x', summary='', fixed={'grouped': True},"
            " axes={'layer': CategoricalDistribution(('conv3x3', 'conv1x1'))})",
            "grouped (=True) must be False with layer (=conv1x1): it is a setting of perturbation,",
        ),
        (
            SPACE + "SPACE = SearchSpace(name='x', summary='',"
            " axes={'noise_levl': FloatDistribution(0, 1)})",
            "did you mean noise_level?",
        ),
        (
            SPACE + "SPACE = SearchSpace(name='x', summary='', fixed={'network': 'resnet9'},"
            " axes={'noise_level': FloatDistribution(0, 1)})",
            "holds no network that can be built: network (='resnet9') must be one of resnet8",
        ),
    ],
)
def test_a_bad_space_file_is_named(capsys, text: str, said: str) -> None:
    Path("mine.py").write_text(text)
    message = refusal(capsys, "--space", "mine.py")
    assert message.startswith("study.run: --space")
    assert "mine.py" in message
    assert said in message


def test_a_grid_without_values_for_a_continuous_axis_is_refused(capsys) -> None:
    Path("mine.py").write_text(
        SPACE + "SPACE = SearchSpace(name='x', summary='',"
        " axes={'noise_level': FloatDistribution(0, 1)})"
    )
    message = refusal(capsys, "--space", "mine.py", "--sampler", "grid")
    assert "--sampler grid" in message
    assert "'noise_level' is continuous" in message


def test_confirming_without_a_test_split_is_refused_before_anything_is_trained(capsys) -> None:
    for name in ("cats", "dogs"):
        folder = Path("images/train") / name
        folder.mkdir(parents=True)
        for number in range(3):
            Image.new("RGB", (8, 8)).save(folder / f"{number}.png")
    images = ("--dataset", "imagefolder", "--data-dir", "images")
    message = refusal(capsys, "--space", "noise_masks", *images, "--confirm", "3")
    assert "--confirm 3" in message
    assert "images/test" in message


def test_unreadable_images_are_named(capsys) -> None:
    for name in ("cats", "dogs"):
        folder = Path("images/train") / name
        folder.mkdir(parents=True)
        for number in range(3):
            Image.new("RGB", (8, 8)).save(folder / f"{number}.png")
    Path("images/train/dogs/1.png").write_bytes(b"not an image")
    message = refusal(
        capsys, "--space", "noise_masks", "--dataset", "imagefolder", "--data-dir", "images"
    )
    assert "--data-dir" in message
    assert "images/train/dogs/1.png" in message


def test_data_that_can_neither_be_found_nor_downloaded_is_named(capsys, monkeypatch) -> None:
    from torchvision.datasets import FashionMNIST

    def no_network(self: object) -> None:
        raise OSError("Name or service not known")

    monkeypatch.setattr(FashionMNIST, "download", no_network)
    message = refusal(
        capsys, "--space", "noise_masks", "--dataset", "fashion_mnist", "--data-dir", "nowhere"
    )
    assert "--data-dir" in message
    assert "nowhere" in message
    assert "train-images-idx3-ubyte" in message


def test_a_folder_that_cannot_be_written_is_named(capsys, empty_folder: Path) -> None:
    Path("file").write_text("")
    message = refusal(capsys, "--space", "noise_masks", "--output", "file/below")
    assert "--output file/below" in message
    assert "cannot be written" in message


def test_a_study_whose_folder_exists_is_refused(capsys) -> None:
    Path("studies/mine/notes").mkdir(parents=True)
    message = refusal(capsys, "--space", "noise_masks", "--name", "mine")
    assert message == (
        "study.run: --name mine: a study of that name exists in studies/mine: choose another name"
    )


def test_a_study_that_can_go_on_is_offered_to(capsys) -> None:
    Path("studies/mine").mkdir(parents=True)
    Path("studies/mine/study.json").write_text("{}")
    message = refusal(capsys, "--space", "noise_masks", "--name", "mine")
    assert message.endswith("choose another name or go on with that study by --resume")
    message = refusal(capsys, "--resume")
    assert message == "study.run: --resume needs --name NAME: studies holds mine"


def test_a_study_that_is_running_is_not_started_twice(capsys) -> None:
    Path("studies/mine").mkdir(parents=True)
    Path("studies/mine/study.json").write_text("{}")
    with locked(Path("studies/mine")):
        message = refusal(capsys, "--resume", "--name", "mine")
    assert f"is being run by process {os.getpid()} on host " in message


@pytest.mark.parametrize("flag", ["--storage", "--stroage", "--tracking-uri", "--checkpoints"])
def test_no_refusal_tells_a_password(capsys, flag: str) -> None:
    url = "postgresql://me:s3cret@127.0.0.1:9/db"
    for argv in ([f"{flag}={url}"], [flag, url]):
        message = refusal(capsys, "--space", "noise_masks", *argv)
        assert flag in message
        assert "s3cret" not in message


def test_a_database_that_does_not_answer_is_named_within_seconds(capsys) -> None:
    pytest.importorskip("psycopg2")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql+psycopg2://me:s3cret@127.0.0.1:{silent.getsockname()[1]}/db"
        started = time.monotonic()
        message = refusal(capsys, "--space", "noise_masks", "--storage", url)
        assert time.monotonic() - started < 10
    assert f"--storage {url.replace('s3cret', '***')}: cannot be used: it does not" in message


def test_a_study_that_the_tracker_knows_is_refused(capsys, sqlite_uri: str) -> None:
    from mlflow import MlflowClient

    MlflowClient(sqlite_uri).create_experiment("mine")
    message = refusal(
        capsys, "--space", "noise_masks", "--name", "mine", "--tracking-uri", sqlite_uri
    )
    assert message.startswith(
        "study.run: --name mine: an experiment of that name, which is no study, exists in MLflow at"
    )


def test_a_tracking_server_that_does_not_answer_is_named_without_its_password(capsys) -> None:
    uri = "http://me:secret@127.0.0.1:9"
    message = refusal(capsys, "--space", "noise_masks", "--tracking-uri", uri)
    assert "--tracking-uri" in message
    assert "http://me:***@127.0.0.1:9" in message
    assert "secret" not in message


@pytest.mark.parametrize(
    ("address", "said"),
    [("127.0.0.1:9", "no Ray cluster answers"), ("cluster", "accepted are host:port and auto")],
)
def test_a_ray_address_that_does_not_answer_is_named(capsys, address: str, said: str) -> None:
    message = refusal(capsys, "--space", "noise_masks", "--address", address)
    assert f"--address {address}" in message
    assert said in message


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--gpus-per-trial", "64"], "--gpus-per-trial 64: "),
        (["--cpus-per-trial", "4096"], "--cpus-per-trial 4096: the largest node has "),
    ],
)
def test_more_than_the_machine_has_is_refused(capsys, argv: list[str], said: str) -> None:
    assert said in refusal(capsys, "--space", "noise_masks", *argv)


def test_a_place_for_checkpoints_that_cannot_be_made_leaves_nothing(capsys) -> None:
    # Of /proc root is told that it can be written, and cannot.
    message = refusal(capsys, "--space", "noise_masks", "--checkpoints", "/proc/none")
    assert "--checkpoints /proc/none" in message
