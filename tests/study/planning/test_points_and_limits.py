"""What is tried first and what bounds a study is checked before anything is created."""

from dataclasses import replace
from pathlib import Path

import pytest

from study.command_line import BadInputError
from study.planning.arguments import parse_arguments
from study.planning.new_study import StudyPlan, plan_study
from study.planning.resume import find_study, plan_resume
from study.planning.study_file import StudyFile
from study.search.optuna_storage import StudyStorage
from study.search.trial_manager import TrialManager

SPACE = """
from optuna.distributions import CategoricalDistribution, FloatDistribution
from search_spaces import SearchSpace

SPACE = SearchSpace(
    name="tiny",
    summary="small",
    axes={
        "mask_count": CategoricalDistribution((2, 3, 4)),
        "fan_out": CategoricalDistribution((1, 2)),
        "noise_level": FloatDistribution(0.01, 5.0, log=True),
    },
    fixed={"network": "resnet8"},
    grid={"noise_level": (0.1, 1.0)},
)
"""


@pytest.fixture(autouse=True)
def folder(sqlite_uri: str, arms: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", sqlite_uri)
    monkeypatch.delenv("OPTUNA_STORAGE", raising=False)
    (tmp_path / "space.py").write_text(SPACE)
    (tmp_path / "arms.py").write_text(arms)
    return tmp_path


def plan(*argv: str, space: str = "space.py") -> StudyPlan:
    return plan_study(parse_arguments(["--space", space, "--name", "mine", *argv]))


def resumed(*argv: str) -> StudyPlan:
    arguments = parse_arguments(["--resume", "--name", "mine", *argv])
    return plan_resume(arguments, find_study(arguments))


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--limit", "learnable_params<=50"], "no point of space tiny meets learnable_params<=50"),
        (["--limit", "learnable_params<=50"], "the smallest learnable_params is "),
        (["--limit", "macs>1e12"], "the largest macs is "),
        (["--limit", "learnable_parms<1"], "--limit learnable_parms<1: 'learnable_parms' is not"),
        (["--enqueue", "mask_count=5"], "--enqueue mask_count=5: mask_count (='5') must be one of"),
        (["--enqueue", "mask_cont=4"], "did you mean mask_count?"),
        (["--enqueue", "noise_level=9"], "noise_level (=9) must be a number from 0.01 to 5"),
        (["--enqueue", "mask_count=3,fan_out=2"], "the space holds no such point that can be"),
        (["--enqueue", "network=resnet18,fan_out=2"], "network (=resnet18) is resnet8 in all"),
        (["--enqueue", "network=resnet8"], "names no setting that space tiny searches"),
        (["--enqueue", "fan_out=2;fan_out=2"], "--enqueue fan_out=2: it stands twice"),
        (
            ["--enqueue", "mask_count=2,fan_out=1,noise_level=0.1"] * 2,
            "the study tries this point already",
        ),
        (["--enqueue", "fan_out=1;fan_out=2", "--trials", "1"], "2 points and --trials 1: raise"),
        (
            ["--enqueue", "mask_count=4,fan_out=1", "--limit", "learnable_params<=700"],
            "and is within learnable_params<=700",
        ),
        (["--enqueue", "noise_level=0.2", "--sampler", "grid"], "no such point on the grid"),
        (["--enqueue", "paper"], "the paper tells of no point of space tiny with network resnet8"),
        (
            ["--prior", "fan_out=2"],
            "--prior fan_out=2: sampler tpe weighs no belief: accepted with",
        ),
        (
            ["--sampler", "ehvi", "--prior", "fan_out=3"],
            "--prior fan_out=3: fan_out (='3') must be",
        ),
        (["--sampler", "ehvi", "--prior", "fan_ot=2"], "did you mean fan_out?"),
        (
            ["--sampler", "ehvi", "--prior", "mask_count=3,fan_out=2"],
            "the space holds no such point",
        ),
    ],
)
def test_what_cannot_be_met_or_tried_is_refused(argv: list[str], said: str) -> None:
    with pytest.raises(BadInputError) as caught:
        plan(*argv)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("argv", [["--limit", "macs>1"], ["--enqueue", "variant=off"]])
def test_a_planned_experiment_trains_its_arms_as_they_were_planned(argv: list[str]) -> None:
    with pytest.raises(BadInputError, match=r"plans an experiment, whose arms are all trained"):
        plan(*argv, space="arms.py")


def test_a_grid_counts_what_its_limits_leave_and_begins_with_what_was_asked_for() -> None:
    config = plan("--sampler", "grid", "--enqueue", "mask_count=4,fan_out=2").config
    assert config.trials == 10
    few = plan("--sampler", "grid", "--limit", "learnable_params<=700").config
    assert 0 < few.trials < 10
    assert config.enqueued == ({"mask_count": 4, "fan_out": 2},)


def test_the_papers_best_point_is_the_one_with_the_highest_figure(tmp_path: Path) -> None:
    (tmp_path / "paper.py").write_text(
        SPACE.replace('"resnet8"', '"resnet18"').replace("(2, 3, 4)", "(32, 64)")
    )
    words = ["--space", "paper.py", "--dataset", "cifar10", "--enqueue", "paper"]
    config = plan_study(parse_arguments(words)).config
    assert config.enqueued == ({"mask_count": 32, "fan_out": 1},)  # Table 5: 93.08%


def test_a_belief_is_kept_as_it_was_typed_and_read_by_the_axes() -> None:
    typed = "noise_level=.10,fan_out=2,network=resnet8"
    words = ["--sampler", "ehvi", "--prior", typed]
    started = plan(*words, "--limit", "learnable_params<=5000", "--enqueue", "mask_count=4")
    assert started.config.prior == typed
    assert started.config.believed == {"noise_level": 0.1, "fan_out": 2}
    started.config.output.mkdir(parents=True)
    started.file.write(started.config.output)
    assert resumed(*words).config.believed == started.config.believed


def test_a_belief_is_blamed_for_itself_beside_other_wishes() -> None:
    with pytest.raises(BadInputError, match=r"^--prior fan_ot=2: .*did you mean fan_out"):
        plan(
            "--sampler",
            "ehvi",
            "--prior",
            "fan_ot=2",
            "--limit",
            "macs>1",
            "--enqueue",
            "fan_out=1",
        )


@pytest.mark.parametrize("typed", ["paper", "points.csv", "noise_level"])
def test_a_belief_is_settings_alone(typed: str) -> None:
    with pytest.raises(
        BadInputError, match=rf"--prior: '{typed}' must be settings such as [^;]+1$"
    ):
        parse_arguments(["--prior", typed])


def test_points_are_added_to_a_study_that_goes_on() -> None:
    first = "mask_count=2,fan_out=1,noise_level=0.5"
    started = plan("--trials", "3", "--enqueue", first)
    started.config.output.mkdir(parents=True)
    started.file.write(started.config.output)
    manager = TrialManager(started.config, StudyStorage(started.config), [])
    assert [len(manager.propose()) for _ in range(2)] == [1, 1]
    more = ["--enqueue", "fan_out=2,mask_count=4", "--enqueue", "fan_out=1"]
    again = resumed("--trials", "4", *more)
    assert again.config.enqueue == f"{first};fan_out=2,mask_count=4;fan_out=1"
    assert again.file.enqueue == again.config.enqueue
    for argv, said in (
        (["--enqueue", first], "the study tries this point already"),
        (more, "2 points would wait, and --trials 3 leaves 1 trial: raise --trials"),
    ):
        with pytest.raises(BadInputError, match=said):
            resumed(*argv)
    assert StudyFile.read(started.config.output) == started.file
    # A file may hold what the study was begun with and more.
    Path("mine.toml").write_text(f'enqueue = ["{first}", "fan_out=2"]\n')
    assert resumed("--config", "mine.toml").config.enqueue == f"{first};fan_out=2"


def test_limits_may_change_until_a_confirmation_is_asked_for() -> None:
    started = plan("--limit", "macs<100000")
    started.config.output.mkdir(parents=True)
    started.file.write(started.config.output)
    other = "val_accuracy>0.5,macs<100000"
    assert [*map(str, resumed("--limit", other).config.limit)] == other.split(",")
    assert resumed().config.limit == started.config.limit
    assert resumed("--limit", "").config.limit == ()
    replace(started.file, confirm=2).write(started.config.output)
    with pytest.raises(BadInputError, match="another choice would be another"):
        resumed("--limit", other)
