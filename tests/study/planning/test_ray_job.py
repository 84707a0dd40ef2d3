"""Within a Ray job a study joins its cluster, keeps out of its folder and is gone on with by it."""

import json
from pathlib import Path

import pytest

from study.command_line import BadInputError
from study.execution.next_commands import resume_command
from study.planning.arguments import parse_arguments
from study.planning.new_study import StudyPlan, plan_study
from study.planning.resume import find_study, plan_resume, resume_if_begun
from study.program import JOB_SETTINGS, interrupted_before_it_began
from study.results.resources import RAY_ADDRESS

CLUSTER = "10.0.0.1:6379"


@pytest.fixture(autouse=True)
def working_folder(sqlite_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", sqlite_uri)
    monkeypatch.delenv("OPTUNA_STORAGE", raising=False)
    monkeypatch.delenv(RAY_ADDRESS, raising=False)
    return tmp_path


def new_plan(*words: str) -> StudyPlan:
    return plan_study(parse_arguments(["--space", "noise_masks", *words]))


def begun(*words: str) -> StudyPlan:
    """A study that was started, as far as its folder goes."""
    plan = new_plan("--name", "mine", *words)
    plan.config.output.mkdir(parents=True)
    plan.file.write(plan.config.output)
    return plan


def again(*words: str) -> StudyPlan:
    """The plan of a command with `--resume-or-start`."""
    typed = parse_arguments(["--name", "mine", "--resume-or-start", *words])
    arguments = resume_if_begun(typed)
    return plan_resume(arguments, find_study(arguments)) if arguments.resume else plan_study(typed)


def set_job(monkeypatch: pytest.MonkeyPatch, **environment: object) -> None:
    monkeypatch.setenv(JOB_SETTINGS, json.dumps({"runtime_env": environment, "metadata": {}}))


def test_a_study_joins_the_cluster_that_the_environment_names(monkeypatch) -> None:
    monkeypatch.setenv(RAY_ADDRESS, CLUSTER)
    assert new_plan().config.address == CLUSTER
    assert new_plan("--address", "10.0.0.2:6379").config.address == "10.0.0.2:6379"
    assert new_plan("--address", "local").config.address is None


def test_a_job_that_goes_on_joins_its_own_cluster_and_not_the_one_the_study_began_on(
    monkeypatch,
) -> None:
    begun("--address", "10.0.0.9:6379")
    assert again("--space", "noise_masks").config.address == "10.0.0.9:6379"
    monkeypatch.setenv(RAY_ADDRESS, CLUSTER)
    assert again("--space", "noise_masks").config.address == CLUSTER


def test_the_address_of_the_environment_is_not_typed_again_for_a_larger_study(monkeypatch) -> None:
    monkeypatch.setenv(RAY_ADDRESS, CLUSTER)
    assert CLUSTER not in new_plan().arguments.repeated
    assert "10.0.0.2:6379" in new_plan("--address", "10.0.0.2:6379").arguments.repeated


def test_the_dashboards_address_is_told_from_the_clusters(monkeypatch) -> None:
    monkeypatch.setenv(RAY_ADDRESS, "http://10.0.0.1:8265")
    with pytest.raises(BadInputError, match=r"^RAY_ADDRESS http://10.0.0.1:8265: is the address"):
        new_plan()
    assert new_plan("--address", "local").config.address is None


def test_a_folder_that_ray_deletes_with_its_job_is_refused_and_one_elsewhere_is_not(
    working_folder: Path, monkeypatch
) -> None:
    here = working_folder / "session_1" / "runtime_resources" / "working_dir_files" / "_ray_pkg_1"
    here.mkdir(parents=True)
    monkeypatch.chdir(here)
    assert new_plan().config.output == Path("studies/noise_masks-digits-1")
    set_job(monkeypatch, working_dir="gcs://package.zip")
    with pytest.raises(BadInputError, match=r"^--output studies/mine: lies in the folder of a Ray"):
        new_plan("--name", "mine")
    assert not list(here.iterdir())
    lasting = working_folder / "lasting"
    assert new_plan("--output", str(lasting)).config.output == lasting


@pytest.mark.parametrize(
    ("environment", "folder"), [({"working_dir": "gcs://a.zip"}, "--working-dir . "), ({}, "")]
)
def test_a_job_is_gone_on_with_by_another_job(monkeypatch, environment, folder: str) -> None:
    config = new_plan("--name", "mine").config
    here = resume_command(config, None)
    assert here.endswith(" -m study.run --resume --name mine")
    set_job(monkeypatch, **environment)
    assert resume_command(config, None) == f"ray job submit {folder}-- {here}"
    assert f"go on by: ray job submit {folder}-- " in interrupted_before_it_began("study.run", [])


def test_the_same_command_begins_a_study_and_goes_on_with_it() -> None:
    words = ["--space", "noise_masks", "--trials", "7", "--seed", "3", "--confirm", "2"]
    words += ["--controls", "conv1x1", "--enqueue", "mask_count=16,noise_level=0.1"]
    assert again(*words).config.trials == 7
    started = begun(*words)
    plan = again(*words)
    assert plan.arguments.resume
    assert plan.config == started.config
    assert again(*words, "--quiet", "--trials", "9").config.trials == 9


def test_another_study_of_that_name_is_not_gone_on_with() -> None:
    begun("--seed", "3")
    with pytest.raises(BadInputError, match=r"^--seed 4: study mine was started with --seed 3"):
        again("--space", "noise_masks", "--seed", "4")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "--resume-or-start needs --name NAME"),
        (["--name", "a", "--resume"], "--resume-or-start goes on with a study, as --resume does"),
        (["--name", "a", "--dry-run"], "--resume-or-start goes on with a study, --dry-run runs"),
        (["--rerun", "a:1", "--name", "b"], "--resume-or-start goes on with a study, --rerun"),
    ],
)
def test_what_does_not_go_together_is_refused(words: list[str], said: str) -> None:
    space = [] if "--rerun" in words else ["--space", "noise_masks"]
    with pytest.raises(BadInputError, match=f"^{said}"):
        parse_arguments([*space, "--resume-or-start", *words])


@pytest.mark.parametrize(
    "words", [("--wait-for-nodes", "0"), ("--min-workers", "2"), ("--node-labels", "zone=a")]
)
def test_what_only_a_cluster_has_is_refused_before_ray_is_started(words: tuple[str, str]) -> None:
    flag, value = words
    message = f"^{flag} {value}: is of a cluster that --address names, not of this machine alone"
    with pytest.raises(BadInputError, match=message):
        new_plan(*words)
    assert new_plan(*words, "--address", CLUSTER).config.address == CLUSTER


def test_records_in_the_folder_of_a_job_are_refused_and_named_ones_are_not(
    monkeypatch, tmp_path: Path
) -> None:
    folder = tmp_path / "runtime_resources" / "working_dir_files" / "_ray_pkg_1"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    set_job(monkeypatch, working_dir="gcs://_ray_pkg_1.zip")
    words = ("--output", str(tmp_path / "stays"))
    assert new_plan(*words).config.output == tmp_path / "stays"  # by the variable
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    with pytest.raises(BadInputError, match=r"^--tracking-uri: none is named, and"):
        new_plan(*words)
    there = f"sqlite:///{tmp_path}/mlflow.db"
    assert new_plan(*words, "--tracking-uri", there).config.output == tmp_path / "stays"
