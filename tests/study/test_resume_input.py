"""What --resume takes from a study's file, what may be typed beside it, and what is refused."""

import json
import sqlite3
from dataclasses import replace
from pathlib import Path

import optuna
import pytest

from study.command_line import BadInputError
from study.execution.export import describe_study
from study.planning.arguments import parse_arguments
from study.planning.new_study import StudyPlan, plan_study
from study.planning.resume import find_study, plan_resume
from study.planning.study_file import FILE, StudyFile
from study.results.fresh_seeds import FIRST_FRESH_SEED
from study.stopping.rungs import Rungs

SPACE = """
from optuna.distributions import CategoricalDistribution
from search_spaces import SearchSpace

SPACE = SearchSpace(
    name="tiny",
    summary="small",
    axes={"mask_count": CategoricalDistribution((2, 4))},
    fixed={"network": "resnet8"},
)
"""
PASSWORD = "postgresql+psycopg2://me:s3cret@127.0.0.1:9/db"
MASKED = "postgresql+psycopg2://me:***@127.0.0.1:9/db"


@pytest.fixture(autouse=True)
def folder(sqlite_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a tracker of its own."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", sqlite_uri)
    monkeypatch.delenv("OPTUNA_STORAGE", raising=False)
    (tmp_path / "space.py").write_text(SPACE)
    return tmp_path


def begin(*argv: str) -> StudyPlan:
    """A study that was started, as far as its folder goes."""
    plan = plan_study(parse_arguments(["--space", "space.py", "--name", "mine", *argv]))
    plan.config.output.mkdir(parents=True)
    plan.file.write(plan.config.output)
    return plan


def resume(*argv: str) -> StudyPlan:
    arguments = parse_arguments(["--resume", "--name", "mine", *argv])
    return plan_resume(arguments, find_study(arguments))


def refusal(*argv: str) -> str:
    before = {path: path.stat().st_mtime_ns for path in Path().rglob("*")}
    with pytest.raises(BadInputError) as caught:
        resume(*argv)
    assert {path: path.stat().st_mtime_ns for path in Path().rglob("*")} == before
    message = str(caught.value)
    assert "\n" not in message
    return message


def edit(**changes: object) -> None:
    """Change what the study's file holds, as another life of the study does."""
    output = Path("studies/mine")
    replace(StudyFile.read(output), **changes).write(output)


def test_the_name_alone_gives_the_study_as_it_was_started(folder: Path, monkeypatch) -> None:
    argv = ["--trials", "7", "--epochs", "9", "--replicates", "2", "--confirm", "3", "--seed", "5"]
    argv += ["--objectives", "val_loss, macs", "--sampler", "random", "--max-concurrent", "2"]
    argv += ["--gpus-per-trial", "0.5", "--cpus-per-trial", "1", "--keep-checkpoints"]
    argv += ["--storage", "sqlite:///trials.db", "--checkpoints", "safe", "--data-dir", "images"]
    started = begin(*argv, "--address", "10.0.0.1:6379", "--model", "resnet8")
    resumed = resume()
    assert resumed.config == started.config
    assert resumed.file == started.file
    assert not resumed.warnings
    assert resumed.arguments.data_dir == folder / "images"
    assert resumed.config.storage == f"sqlite:///{folder}/trials.db"
    assert resumed.config.checkpoints == f"{folder}/safe"
    # From anywhere else as well.
    (folder / "other").mkdir()
    monkeypatch.chdir(folder / "other")
    elsewhere = resume("--output", "../studies/mine")
    assert replace(elsewhere.config, output=started.config.output) == started.config


def test_defaults_stay_defaults_whatever_the_folder_is_called_later(folder: Path) -> None:
    started = begin()
    (folder / "studies").rename(folder / "moved")
    resumed = resume("--output", "moved/mine")
    output = Path("moved/mine")
    assert resumed.config == replace(
        started.config, output=output, checkpoints=f"{folder}/moved/mine/checkpoints"
    )
    assert resumed.file == started.file
    assert resumed.arguments.data_dir == Path("data")


def test_a_larger_study_is_offered_with_the_settings_of_the_first_life() -> None:
    begin("--seed", "5", "--keep-checkpoints")
    space = str(Path("space.py").absolute())
    assert resume("--quiet").arguments.repeated == (
        *("--space", space, "--seed", "5", "--keep-checkpoints"),
    )


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--space", "noise_masks"], "--space noise_masks: study mine was started with --space /"),
        (["--dataset", "mnist"], "--dataset mnist: study mine was started with --dataset digits"),
        (["--data-dir", "d"], "--data-dir d: study mine was started with --data-dir /"),
        (["--network", "resnet8"], "--network resnet8: study mine was started without --network"),
        (["--epochs", "5"], "--epochs 5: study mine was started with --epochs 4"),
        (["--replicates", "2"], "--replicates 2: study mine was started with --replicates 1"),
        (["--seed", "4"], "--seed 4: study mine was started with --seed 3"),
        # The default is as wrong as any other value, where it was typed.
        (["--seed", "0"], "--seed 0: study mine was started with --seed 3"),
        (["--objectives", "macs"], "--objectives macs: study mine was started with --objectives v"),
        (["--sampler", "nsga2"], "--sampler nsga2: study mine was started with --sampler tpe"),
        (["--scheduler", "moasha"], "moasha: study mine was started with --scheduler fifo"),
        (["--first-rung", "2"], "--first-rung 2: study mine was started without --first-rung"),
        (["--checkpoints", "c"], "--checkpoints c: study mine was started without --checkpoints"),
        (["--storage", "sqlite:///o.db"], "study mine was started without --storage"),
        (["--keep-checkpoints"], "--keep-checkpoints: study mine was started without --keep-check"),
    ],
)
def test_a_contradiction_is_named_with_what_was_stored_and_what_may_change(
    argv: list[str], said: str
) -> None:
    begin("--seed", "3")
    message = refusal(*argv)
    assert said in message
    assert message.endswith(
        "and goes on so: leave it out; what may change is --trials (more), --confirm "
        "(more), --enqueue, --address, --cpus-per-trial, --gpus-per-trial, --max-concurrent, "
        "--memory-per-trial, --resources-per-trial, --node-labels, --confirm-node-labels, "
        "--wait-for-nodes, --min-workers, --open-early, --tracking-uri, --weights, --log"
    )


def test_rungs_go_on_as_they_were_and_a_larger_study_has_its_own() -> None:
    started = begin("--scheduler", "moasha", "--epochs", "30")
    assert started.config.rungs == Rungs(first=2, reduction_factor=3, epochs=30)
    resumed = resume()
    assert resumed.config == started.config
    assert resumed.file == started.file
    assert resumed.arguments.repeated[2:] == ("--scheduler", "moasha")
    assert resume("--reduction-factor", "3", "--first-rung", "2").config == started.config
    assert "started with --reduction-factor 3" in refusal("--reduction-factor", "4")


def test_rungs_that_were_asked_for_are_asked_of_a_larger_study() -> None:
    begin("--scheduler", "moasha", "--epochs", "30", "--first-rung", "6", "--reduction-factor", "5")
    assert resume().arguments.repeated[2:] == (
        *("--scheduler", "moasha", "--reduction-factor", "5", "--first-rung", "6"),
    )


def test_a_study_that_began_before_there_were_rungs_goes_on_without() -> None:
    started = begin()
    file = Path("studies/mine") / FILE
    document = json.loads(file.read_text())
    for name in ("scheduler", "reduction_factor", "first_rung"):
        del document[name]
    file.write_text(json.dumps(document))
    assert resume().config == started.config


def test_what_agrees_may_be_typed_again() -> None:
    argv = ["--seed", "3", "--epochs", "4", "--storage", "sqlite:///o.db", "--checkpoints", "c"]
    argv += ["--objectives", "val_accuracy, learnable_params", "--sampler", "tpe"]
    argv += ["--dataset", "digits", "--data-dir", "data", "--confirm", "0", "--trials", "24"]
    started = begin(*argv)
    assert resume("--space", "./space.py", *argv).config == started.config


def test_what_may_change_changes_and_is_kept(sqlite_uri: str) -> None:
    of_a_cluster = ("--wait-for-nodes", "300", "--min-workers", "2", "--node-labels", "zone=a")
    begin("--address", "10.0.0.1:6379", "--gpus-per-trial", "1", *of_a_cluster)
    argv = ["--trials", "48", "--address", "local", "--cpus-per-trial", "2"]
    plan = resume(*argv, "--gpus-per-trial", "auto", "--max-concurrent", "3")
    resources = plan.config
    assert (plan.config.trials, plan.config.address) == (48, None)
    assert (plan.config.wait_for_nodes, plan.config.min_workers) == (None, None)
    assert plan.config.node_labels is None
    assert (resources.cpus_per_trial, resources.gpus_per_trial) == (2, None)
    plan.file.write(plan.config.output)
    assert resume().config == plan.config
    assert resume("--tracking-uri", sqlite_uri).file.tracking_uri == sqlite_uri


@pytest.mark.parametrize("flag", ["--trials", "--confirm"])
def test_fewer_trials_or_fresh_seeds_are_refused(flag: str) -> None:
    begin(flag, "24")
    assert refusal(flag, "23") == (
        f"{flag} 23: study mine was asked for 24: accepted are 24 and more"
    )


def test_a_raised_confirmation_keeps_its_seeds_and_the_number_fixed_beforehand() -> None:
    started = begin("--confirm", "2", "--seed", "3")
    for number in (5, 6):
        raised = resume("--confirm", str(number))
        assert raised.config.fresh_seeds[:2] == started.config.fresh_seeds
        assert len(raised.config.fresh_seeds) == number
        info = describe_study(raised.config)
        assert (info.confirm, info.confirm_beforehand) == (number, 2)
        fresh = raised.config.fresh_seeds
        assert [info.is_exploratory(seed) for seed in fresh] == [False] * 2 + [True] * (number - 2)
        raised.file.write(raised.config.output)


def test_a_confirmation_can_be_added_with_its_choice_and_is_then_kept() -> None:
    begin("--trials", "3")
    added = resume("--confirm", "2", "--confirm-trials", "2,0", "--controls", "conv3x3")
    assert (added.config.confirm_beforehand, added.config.confirm_trials) == (2, "0,2")
    added.file.write(added.config.output)
    assert resume().config == added.config
    assert resume("--confirm", "3", "--controls", "conv3x3").config.confirm_beforehand == 2
    message = refusal("--confirm", "3", "--tune-controls")
    assert message.startswith(
        "--tune-controls learning_rate: study mine confirms without --tune-controls, and another"
    )
    for choice in (["--controls", "none"], ["--confirm-trials", "all"]):
        message = refusal("--confirm", "3", *choice)
        assert message.startswith(f"{' '.join(choice)}: study mine confirms with {choice[0]} ")
        more = ", name those and more" if choice[0] == "--controls" else ""
        said = f"would be another confirmation: leave it out{more}, or begin a new study"
        assert message.endswith(said)


def test_controls_that_are_added_to_a_confirmation_are_exploratory() -> None:
    begin("--confirm", "2", "--controls", "conv3x3")
    added = resume("--controls", "noise_off,conv3x3")
    assert added.config.controls == "conv3x3,noise_off"
    assert added.config.controls_beforehand == "conv3x3"
    added.file.write(added.config.output)
    assert resume().config == added.config
    info = describe_study(resume("--controls", "conv3x3,noise_off,conv1x1").config)
    assert info.controls == "conv3x3,noise_off,conv1x1"
    layers = ("conv3x3", "noise_off", "conv1x1")
    assert [info.is_added_control(layer) for layer in layers] == [False, True, True]
    assert refusal("--controls", "noise_off").startswith(
        "--controls noise_off: study mine confirms"
    )


def test_a_study_confirmed_before_there_was_a_choice_keeps_its_controls_and_seeds() -> None:
    begin("--confirm", "2", "--seed", "3")
    file = Path("studies/mine") / FILE
    document = json.loads(file.read_text())
    for name in ("confirm_trials", "controls", "confirm_beforehand", "first_fresh_seed"):
        del document[name]
    del document["controls_beforehand"]
    file.write_text(json.dumps(document))
    plan = resume("--confirm", "4")
    assert plan.config.controls == "perturbation,conv1x1,conv3x3,local_binary"
    first = FIRST_FRESH_SEED + 3 * 2
    assert plan.config.fresh_seeds == range(first, first + 4)
    plan.file.write(plan.config.output)
    assert resume().config == plan.config
    assert plan.config.confirm_beforehand == 2
    assert plan.config.controls_beforehand == plan.config.controls


def test_a_space_that_changed_is_refused_and_a_new_summary_is_not() -> None:
    begin()
    Path("space.py").write_text(SPACE.replace("small", "tiny"))
    resume()
    Path("space.py").write_text(SPACE.replace("(2, 4)", "(2, 4, 8)"))
    message = refusal()
    assert message.startswith(f"--space {Path('space.py').absolute()}: the file has another space")
    Path("space.py").unlink()
    assert "there is no file of that name" in refusal()


def test_a_missing_study_is_answered_with_the_nearest_name() -> None:
    begin()
    for name, what in (("mien", "there is no folder studies/mien"), ("x", "studies/x holds no")):
        if name == "x":
            Path("studies/x").mkdir()
        arguments = parse_arguments(["--resume", "--name", name])
        with pytest.raises(BadInputError, match=f"--name {name}: {what}.*; did you mean mine"):
            find_study(arguments)
    arguments = parse_arguments(["--resume", "--name", "mine", "--output", "studies/x"])
    with pytest.raises(BadInputError, match=r"--output studies/x: there is no study in it"):
        find_study(arguments)


def test_without_any_study_that_is_what_is_said() -> None:
    with pytest.raises(BadInputError, match="studies holds no study yet"):
        find_study(parse_arguments(["--resume", "--name", "mine"]))


@pytest.mark.parametrize("text", ["", "{", "[]"])
def test_a_file_that_cannot_be_used_is_named(text: str) -> None:
    begin()
    Path("studies/mine", FILE).write_text(text)
    assert refusal().startswith("--name mine: studies/mine/study.json cannot be used: ")


def test_a_folder_of_another_study_is_refused() -> None:
    begin()
    Path("studies/mine").rename("studies/ours")
    message = refusal("--output", "studies/ours", "--name", "ours")
    assert message == "--name ours: studies/ours/study.json is of study mine"


def test_values_that_no_study_can_have_are_refused_with_the_study() -> None:
    begin()
    edit(replicates=0)
    assert refusal() == "--name mine: replicates (=0) must be at least 1"


@pytest.mark.parametrize(
    ("name", "ways"),
    [
        ("tracking_uri", "--tracking-uri or in the environment variable MLFLOW_TRACKING_URI"),
        ("storage", "--storage or in the environment variable OPTUNA_STORAGE"),
        ("checkpoints", "--checkpoints"),
    ],
)
def test_a_password_must_be_given_again(name: str, ways: str) -> None:
    begin()
    edit(**{name: PASSWORD})
    assert refusal() == (
        f"--{name.replace('_', '-')} {MASKED}: a study's file keeps no password: give the URL "
        f"again, with its password, by {ways}"
    )


def test_a_password_may_come_from_the_environment_if_the_rest_agrees(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begin()
    edit(storage=PASSWORD)
    monkeypatch.setenv("OPTUNA_STORAGE", "postgresql+psycopg2://me:s3cret@elsewhere/db")
    assert "a study's file keeps no password" in refusal()
    # Taken, and found to be out of reach; its password is not told.
    monkeypatch.setenv("OPTUNA_STORAGE", PASSWORD)
    message = refusal()
    assert message.startswith(f"--storage {MASKED}: ")
    assert "s3cret" not in message
    assert "s3cret" not in refusal("--storage", PASSWORD)


def test_another_storage_is_refused_by_its_name() -> None:
    begin("--storage", "sqlite:///a.db")
    assert "was started with --storage sqlite:////" in refusal("--storage", "sqlite:///b.db")


def test_a_masked_url_is_no_url() -> None:
    begin()
    for flag in ("--storage", "--tracking-uri", "--checkpoints"):
        assert "its password in the place of ***" in refusal(flag, MASKED)


def test_a_tracker_that_is_away_is_no_reason_to_stand_still_unless_it_was_just_typed() -> None:
    begin()
    away = "http://127.0.0.1:9"
    edit(tracking_uri=away)
    (warning,) = resume().warnings
    assert warning.startswith(f"MLflow tracker {away} cannot be used: ")
    assert warning.endswith("the study goes on, and sends its trials once it can")
    assert refusal("--tracking-uri", away).startswith(f"--tracking-uri {away}: ")


def test_the_tracker_of_the_first_life_is_kept_whatever_the_shell_says(
    sqlite_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    assert resume().store.shown_uri == sqlite_uri


def test_a_new_study_finds_its_storage_in_the_environment_and_nothing_is_created(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPTUNA_STORAGE", "sqlite:///optuna.db")
    plan = plan_study(parse_arguments(["--space", "space.py"]))
    assert plan.config.storage == f"sqlite:///{folder}/optuna.db"
    assert not Path("optuna.db").exists()
    assert not Path("studies").exists()


def test_names_that_the_storage_knows_are_taken() -> None:
    url = "sqlite:///optuna.db"
    optuna.create_study(storage=url, study_name="mine")
    optuna.create_study(storage=url, study_name="tiny-digits-1")
    before = Path("optuna.db").read_bytes()
    with pytest.raises(BadInputError, match="--name mine: a study of that name exists in sqlite:"):
        plan_study(parse_arguments(["--space", "space.py", "--name", "mine", "--storage", url]))
    plan = plan_study(parse_arguments(["--space", "space.py", "--storage", url]))
    assert plan.config.name == "tiny-digits-2"
    assert Path("optuna.db").read_bytes() == before


def test_a_storage_of_something_else_holds_no_study() -> None:
    sqlite3.connect("other.db").execute("CREATE TABLE t (x)").connection.close()
    plan = begin("--storage", "sqlite:///other.db")
    assert plan.config.storage == f"sqlite:///{Path.cwd()}/other.db"
