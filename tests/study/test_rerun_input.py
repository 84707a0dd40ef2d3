"""A recorded trial is planned again just as it was, or refused in one sentence."""

import itertools
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from mlflow import MlflowClient
from optuna.distributions import CategoricalDistribution

from pnn_core.config import Costs, DatasetShape, EpochResult
from search_spaces import SearchSpace, find_space
from study.command_line import BadInputError
from study.config import StudyConfig
from study.execution.export import export_front
from study.planning.arguments import Arguments, parse_arguments
from study.planning.new_study import StudyPlan, plan_study
from study.planning.resume import find_study, plan_resume
from study.planning.study_file import FILE, StudyFile
from study.results.mlflow.background_writer import MlflowWriter
from study.results.mlflow.store import MlflowStore
from study.results.objective import parse_objectives
from study.results.run_record import RunKey, RunRecord, RunState
from study.results.setting import OnRerun, options
from study.results.study_info import StudyEnd, StudyInfo
from study.run import main
from study.search.messages import ProposedRun
from study.search.optuna_storage import StudyStorage
from study.search.trial_manager import TrialManager

DIGITS = DatasetShape(channels=1, height=8, width=8, classes=10)
EPOCH = EpochResult(
    epoch=1, train_loss=1.0, val_loss=1.0, val_accuracy=0.9, train_seconds=1.0, val_seconds=1.0
)
SEEDED = SearchSpace(
    name="seeded",
    summary="",
    axes={"noise_level": CategoricalDistribution((0.1 + 0.2, 0.0))},
    fixed={"network": "resnet8", "mask_seed": 2**40, "layer": "perturbation"}
    | {"optimizer": "sgd", "momentum": 0.9, "unique_masks": False},
)

Begin = Callable[..., Sequence[ProposedRun]]


@pytest.fixture(autouse=True)
def tracker(sqlite_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The test's own, found by MLflow's own rule from an empty working folder."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", sqlite_uri)
    monkeypatch.delenv("OPTUNA_STORAGE", raising=False)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return sqlite_uri


@pytest.fixture
def begin(make_config, tracker: str, tmp_path: Path) -> Begin:
    """Proposes the trials of a study, and has the tracker know of them."""

    def begin(images: DatasetShape | None = DIGITS, **changes: object) -> Sequence[ProposedRun]:
        output = tmp_path / "elsewhere" / str(changes.get("name", "honest"))
        output.mkdir(parents=True)
        config = make_config(**{"name": "honest", "output": output, **changes})
        manager = TrialManager(config, StudyStorage(config), [])
        proposed = [run for (run,) in iter(manager.propose, ())]
        record(info_of(config, images), manager.records, tracker)
        return proposed

    return begin


def info_of(config: StudyConfig, images: DatasetShape | None) -> StudyInfo:
    return StudyInfo(
        name=config.name,
        study_id=config.study_id,
        space=config.space.name,
        dataset=config.dataset,
        seed=config.seed,
        trials=config.trials,
        epochs=config.epochs,
        replicates=config.replicates,
        confirm=config.confirm,
        sampler=config.sampler,
        scheduler="fifo",
        objectives=config.objectives,
        git_commit="",
        versions={},
        images=images,
    )


def record(info: StudyInfo, records: Sequence[RunRecord], tracker: str) -> None:
    writer = MlflowWriter(MlflowStore(tracker).open_study(info), collect_seconds=0.0)
    for trial in records:
        writer.run_started(trial)
    writer.study_ended(None, [], StudyEnd.INTERRUPTED)
    assert not writer.close(30).error


def plan(*argv: str) -> StudyPlan:
    return plan_study(parse_arguments(argv))


def proposed(config: StudyConfig) -> tuple[list[ProposedRun], RunRecord]:
    """All that the engine would train, and the record that it would begin with."""
    config.output.mkdir(parents=True, exist_ok=True)
    manager = TrialManager(config, StudyStorage(config), [])
    return [run for (run,) in iter(manager.propose, ())], manager.records[0]


def refusal(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    before = sorted(Path("..").rglob("*"))
    assert main(list(argv)) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert sorted(Path("..").rglob("*")) == before
    return captured.err.strip()


@pytest.mark.parametrize("space", ["noise_masks", "dispute", "controls", "paper_table3", SEEDED])
def test_a_worker_is_told_to_do_what_the_trials_worker_was_told(
    begin: Begin, tracker: str, space: str | SearchSpace
) -> None:
    if isinstance(space, str):
        space = find_space(space, DIGITS)
    before = begin(space=space, trials=4, seed=77, replicates=3, epochs=5, sampler="random")
    assert len(before) == (2 if space is SEEDED else 4)
    known = MlflowStore(tracker).load_study("honest").records
    for trial in before:
        planned = plan("--rerun", f"honest:{trial.key.trial}")
        again, begun = proposed(planned.config)
        assert again == [replace(trial, key=RunKey(0))]
        assert begun.parameters == known[trial.key.trial].parameters


def test_the_study_around_it_is_the_trials_own(begin: Begin, tracker: str) -> None:
    objectives = parse_objectives("val_loss,macs")
    begin(trials=2, objectives=objectives, replicates=2, seed=3, confirm=4)
    planned = plan("--rerun", "honest:1", "--max-concurrent", "2", "--keep-checkpoints")
    config = planned.config
    assert (config.dataset, config.shape, config.objectives) == ("digits", DIGITS, objectives)
    assert (config.trials, config.replicates, config.confirm, config.seed) == (1, 2, 0, 5)
    assert (config.max_concurrent, config.keep_checkpoints) == (2, True)
    assert config.space.name == planned.file.space == "honest:1"
    assert planned.store.shown_uri == tracker
    assert config.study_id != "0" * 32


def test_it_is_named_after_the_trial_and_numbered_where_the_name_is_taken(
    begin: Begin, tracker: str
) -> None:
    begin()
    rerun = ("--rerun", "honest:2")
    assert plan(*rerun).config.name == "honest-trial-2"
    Path("studies/honest-trial-2/notes").mkdir(parents=True)
    MlflowClient(tracker).create_experiment("honest-trial-2-2")
    assert plan(*rerun).config.name == "honest-trial-2-3"
    planned = plan(*rerun, "--name", "mine", "--output", "there")
    assert (planned.config.name, planned.config.output) == ("mine", Path("there"))


def test_a_long_name_leaves_room_for_the_number(begin: Begin) -> None:
    begin(name="n" * 100)
    assert plan("--rerun", f"{'n' * 100}:2").config.name == f"{'n' * 80}-trial-2"


def test_a_rerun_of_a_rerun_is_the_same_trial(begin: Begin, tracker: str) -> None:
    trial = begin(replicates=2, seed=9)[1]
    first = plan("--rerun", "honest:1")
    _, begun = proposed(first.config)
    record(info_of(first.config, DIGITS), [begun], tracker)
    again, _ = proposed(plan("--rerun", "honest-trial-1:0").config)
    assert again == [replace(trial, key=RunKey(0))]


def resume(*argv: str) -> StudyPlan:
    arguments = parse_arguments(["--resume", "--name", "honest-trial-1", *argv])
    return plan_resume(arguments, find_study(arguments))


def refused_resume(*argv: str) -> str:
    with pytest.raises(BadInputError) as caught:
        resume(*argv)
    return str(caught.value)


def test_it_is_resumed_from_its_own_folder_alone(begin: Begin, tracker: str) -> None:
    begin(space=find_space("dispute", DIGITS), replicates=2, seed=5)
    started = plan("--rerun", "honest:1", "--keep-checkpoints")
    before, _ = proposed(started.config)
    started.file.write(started.config.output)
    # The trial that it runs again may be gone, or its tracker away.
    MlflowClient(tracker).delete_experiment(
        MlflowClient(tracker).get_experiment_by_name("honest").experiment_id
    )
    resumed = resume()
    assert resumed.config == started.config
    assert resumed.file == started.file
    again, _ = proposed(resumed.config)
    assert again == before
    for argv, said in (
        (("--space", "dispute"), "was started with --rerun honest:1, and goes on so: leave it out"),
        (("--epochs", "9"), "--epochs 9: study honest-trial-1 was started with --epochs 2"),
        (("--trials", "2"), "--trials 2: study honest-trial-1 runs trial honest:1 again and no"),
    ):
        message = refused_resume(*argv)
        assert said in message
        assert "--trials (more)" not in message
    assert resume("--trials", "1").config == started.config


def test_a_file_whose_settings_were_changed_is_refused(begin: Begin) -> None:
    begin()
    started = plan("--rerun", "honest:1")
    started.config.output.mkdir(parents=True)
    settings = dict(started.file.rerun or {})
    for changed, said in (
        ({"mask_count": 8}, "--space honest:1: this version of the program has another space"),
        ({"noise_levl": 1.0}, "--name honest-trial-1: 'noise_levl' is not a parameter"),
        ({"batch_size": "many"}, "this version of the program has another space"),
    ):
        replace(started.file, rerun=settings | changed).write(started.config.output)
        assert said in refused_resume()
    document = json.loads((started.config.output / FILE).read_text())
    assert set(document["rerun"]) >= {"mask_count", "seed", "epochs", "batch_size"}


@pytest.mark.parametrize(
    "argv",
    [
        ("--space", "noise_masks"),
        ("--dataset", "digits"),
        ("--network", "resnet8"),
        ("--trials", "1"),
        ("--epochs", "2"),
        ("--seed", "0"),
        ("--objectives", "macs"),
        ("--sampler", "grid"),
        ("--replicates", "1"),
        ("--confirm", "3"),
    ],
)
def test_what_the_trial_decides_cannot_be_chosen(capsys, argv: tuple[str, str]) -> None:
    """Also what would change nothing today: whoever types it expects it to count."""
    declared = options(Arguments)[argv[0].removeprefix("--")]
    assert declared.on_rerun is not OnRerun.CHOSEN
    message = refusal(capsys, "--rerun", "honest:1", *argv)
    assert message == (
        f"study.run: {' '.join(argv)}: --rerun honest:1 runs the trial again just as it was: "
        "leave one out"
    )


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--rerun", "honest"], "--rerun: 'honest' must be NAME:TRIAL"),
        (["--rerun", "honest:x"], "--rerun: 'honest:x' must be NAME:TRIAL"),
        (["--rerun", "honest:-1"], "--rerun: 'honest:-1' must be NAME:TRIAL"),
        (["--rerun"], "--rerun: expected one argument"),
        (["--rerunn", "honest:1"], "--rerunn is not an option: did you mean --rerun?"),
        (["--rerun", "honest:1", "--resume", "--name", "x"], "--resume goes on with a study"),
        (["--rerun", "honest:1", "--tracking-uri", "http://127.0.0.1:9"], "--tracking-uri http:"),
        (["--rerun", "honest:1", "--tracking-uri", "sqlite:///n.db"], "which holds no study yet"),
    ],
)
def test_what_cannot_be_read_is_named(capsys, argv: list[str], said: str) -> None:
    assert said in refusal(capsys, *argv)


def test_what_cannot_be_found_is_answered_with_what_there_is(begin: Begin, capsys) -> None:
    begin()
    for argv, *said in (
        (("honst:1",), "--rerun honst:1: there is no study 'honst' in", "did you mean 'honest'?"),
        (("honest:3",), "--rerun honest:3: there is no such trial: study honest has trials 0 to 2"),
    ):
        for dry in ((), ("--dry-run",)):
            message = refusal(capsys, "--rerun", *argv, *dry)
            assert all(part in message for part in said), message


def test_names_and_folders_that_are_taken_are_refused_as_for_any_study(
    begin: Begin, capsys
) -> None:
    begin()
    rerun = ("--rerun", "honest:1")
    assert "--name honest: a study of that name" in refusal(capsys, *rerun, "--name", "honest")
    assert "--output ..: exists" in refusal(capsys, *rerun, "--output", "..")


def test_how_many_trials_there_are_is_told_whatever_their_number(begin: Begin, capsys) -> None:
    begin(trials=1)
    assert refusal(capsys, "--rerun", "honest:7").endswith("study honest has trial 0 alone")


def test_a_study_without_trials_has_none_to_run(make_config, tracker: str, capsys) -> None:
    record(info_of(make_config(name="honest"), DIGITS), [], tracker)
    assert refusal(capsys, "--rerun", "honest:0").endswith("study honest has no trial yet")


def test_runs_that_cannot_be_read_are_told(begin: Begin, tracker: str, capsys) -> None:
    begin()
    client = MlflowClient(tracker)
    experiment = client.get_experiment_by_name("honest")
    (run,) = client.search_runs([experiment.experiment_id], "tags.trial_number = '2'")
    client.set_tag(run.info.run_id, "pnn.record.0000", "asleep")
    assert refusal(capsys, "--rerun", "honest:2").endswith(
        "study honest has trials 0 to 1, and 1 of its runs cannot be read"
    )


ODD = [
    ({"seed": "x"}, "its run does not say with which seed it was trained"),
    ({"seed": -1}, "seed (=-1) must be a whole number of at least 0"),
    ({"epochs": 0}, "epochs (=0) must be a whole number of at least 1"),
    ({"mask_count": "many"}, "mask_count (='many') must be a whole number of at least 1"),
    ({"network": "resnet9"}, "network (='resnet9') must be one of resnet8"),
    ({"novelty": 1}, "'novelty' is not a parameter"),
    ({"dropout": 2.0}, "dropout (=2.0) must lie below 1"),
    ({"stem_fan_out": 64}, "its setting stem_fan_out (=64) changes nothing in this version"),
]


def test_a_record_that_cannot_be_trained_as_it_was_is_refused(
    begin: Begin, make_config, tracker: str, capsys
) -> None:
    begin(trials=1)
    (trial,) = MlflowStore(tracker).load_study("honest").records
    trial = replace(trial, state=RunState.RUNNING)
    odd = [
        replace(trial, key=RunKey(number), parameters={**trial.parameters, **changed})
        for number, (changed, _) in enumerate(ODD)
    ]
    record(info_of(make_config(name="odd", study_id="1" * 32), DIGITS), odd, tracker)
    for number, (_, said) in enumerate(ODD):
        message = refusal(capsys, "--rerun", f"odd:{number}")
        assert message.startswith(f"study.run: --rerun odd:{number}: ")
        assert said in message


def test_images_of_another_shape_are_refused_and_unknown_ones_are_not(begin: Begin, capsys) -> None:
    begin(images=DatasetShape(channels=3, height=8, width=8, classes=4))
    for argv in ((), ("--dry-run",)):
        message = refusal(capsys, "--rerun", "honest:0", *argv)
        assert "holds images of 1x8x8 in 10 classes, and trial honest:0 was trained on" in message
        assert "3x8x8 in 4 classes: name the folder of those" in message
    begin(images=None, name="older", study_id="2" * 32)
    assert plan("--rerun", "older:0").config.shape == DIGITS


def test_images_of_a_folder_are_found_where_one_says(begin: Begin, capsys) -> None:
    from PIL import Image

    images = DatasetShape(channels=3, height=8, width=8, classes=2)
    begin(dataset="imagefolder", shape=images, images=images)
    assert "--data-dir data: " in refusal(capsys, "--rerun", "honest:0")
    assert main(["--rerun", "honest:0", "--dry-run", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert DatasetShape(**shown["shape"]) == images
    assert "data is absent: costs are for 3x8x8 images of 2 classes" in shown["note"]
    for name, number in itertools.product(("cats", "dogs"), range(2)):
        Path("mine/train", name).mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8)).save(Path("mine/train", name, f"{number}.png"))
    planned = plan("--rerun", "honest:0", "--data-dir", "mine")
    assert planned.config.shape == images
    assert planned.file.data_dir == Path("mine").absolute()


def test_a_dry_run_shows_the_trial_and_makes_nothing(begin: Begin, capsys) -> None:
    trial = begin(seed=4)[2]
    before = sorted(Path("..").rglob("*"))
    assert main(["--rerun", "honest:2", "--dry-run"]) == 0
    header, row, said = capsys.readouterr().out.splitlines()
    assert header.split()[:2] == ["mask_count", "fan_out"]
    assert row.split()[0] == str(trial.config.model.mask_count)
    assert said == "1 trial, a rerun of honest:2 on digits; nothing was run"
    assert main(["--rerun", "honest:2", "--dry-run", "--json", "--quiet"]) == 0
    (shown,) = json.loads(capsys.readouterr().out)["trials"]
    assert shown["parameters"] == trial.config.parameters()
    assert sorted(Path("..").rglob("*")) == before


def test_nothing_larger_is_offered_at_the_end(begin: Begin) -> None:
    begin()
    planned = plan("--rerun", "honest:1")
    _, begun = proposed(planned.config)
    complete = replace(
        begun,
        state=RunState.COMPLETE,
        costs=Costs(learnable_params=100, mask_values=10, macs=1000),
        replicates=((EPOCH,),),
    )
    outcome = export_front(planned, [complete], 287)
    assert [record.number for record in outcome.front] == [0]
    assert len(outcome.commands) == 2
    assert not any("study.run" in command for command in outcome.commands.values())


def test_nothing_larger_is_offered_where_all_trials_failed(begin: Begin) -> None:
    begin()
    planned = plan("--space", "noise_masks", "--name", "all-failed")
    planned.config.output.mkdir(parents=True)
    failed = RunRecord(key=RunKey(0), state=RunState.FAILED, parameters={}, reason="no such file")
    outcome = export_front(planned, [failed], 287)
    assert not any("study.run" in command for command in outcome.commands.values())


def test_the_file_says_all_that_the_plan_does(begin: Begin) -> None:
    begin()
    planned = plan("--rerun", "honest:1")
    folder = planned.config.output
    folder.mkdir(parents=True)
    planned.file.write(folder)
    assert StudyFile.read(folder) == planned.file
    assert planned.file.rerun is not None
    assert planned.file.rerun["noise_level"] == planned.config.space.axes["noise_level"].choices[0]
