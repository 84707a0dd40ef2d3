"""Each setting is declared once: its flag, rules, place in study.json and in MLflow follow."""

import json
from dataclasses import MISSING, dataclass, fields, replace
from pathlib import Path

import pytest

from study.command_line import BadInputError
from study.planning.arguments import DEFAULTS, Arguments, parse_arguments
from study.planning.option_parser import add_option, make_parser
from study.planning.resume import ADDED, KEPT, KEPT_WITH_CONFIRM, MAY_CHANGE
from study.planning.study_file import FILE, StudyFile
from study.results.mlflow import study_format
from study.results.objective import parse_objectives
from study.results.setting import (
    PARAMETER,
    TAG,
    Group,
    OnRerun,
    OnResume,
    Shown,
    flag_of,
    kinds_of,
    option,
    options,
    spell,
)
from study.results.settings import Settings, ShownSettings
from study.results.study_info import StudyInfo

TYPED = {
    "address": "10.0.0.1:6379",
    "gpus_per_trial": "0.5",
    "objectives": "val_loss,macs",
    "data_dir": "images",
    "confirm_trials": "0,3",
    "controls": "conv1x1,conv3x3",
    "tune_controls": "learning_rate=0.001,0.01,weight_decay",
    "augment": "crop",
    "canvas": "320",
    "init": "honest:3",
    "limit": "learnable_params<=50000,val_accuracy>0.5",
    "enqueue": "mask_count=16,noise_level=0.1",
    "prior": "mask_count=16",
    "weights": "none",
    "memory_per_trial": "2.5",
    "resources_per_trial": "spot=1",
    "node_labels": "ray.io/market-type=spot",
    "confirm_node_labels": "ray.io/market-type=on-demand",
    "log": "tensorboard",
}
"""Values for those options that do not take any word or number."""

EARLIEST = {
    "version": 1,
    "name": "mine",
    "study_id": "0" * 32,
    "space": "noise_masks",
    "space_digest": "ab" * 32,
    "dataset": "digits",
    "images": "1x8x8 in 10 classes",
    "data_dir": "/data",
    "network": None,
    "trials": 24,
    "epochs": 4,
    "replicates": 1,
    "confirm": 0,
    "seed": 0,
    "objectives": "val_accuracy,learnable_params",
    "sampler": "tpe",
    "tracking_uri": None,
    "storage": None,
    "checkpoints": None,
    "keep_checkpoints": False,
    "address": None,
    "cpus_per_trial": 1,
    "gpus_per_trial": None,
    "max_concurrent": None,
}
"""Study file of the first version, from before trials were run again or stopped early."""


def text_for(name: str, kinds: tuple[type, ...] | None = None) -> str:
    """A value that can be typed, other than the default."""
    kinds = kinds or kinds_of(Settings)[name]
    return TYPED.get(name) or ("7" if int in kinds else "word")


def typed(name: str) -> object:
    """The value of a setting that was typed with one other than its default."""
    flag = flag_of(name)
    words = [flag] if bool in kinds_of(Settings)[name] else [flag, text_for(name)]
    arguments = parse_arguments(["--space", "noise_masks", *words])
    assert arguments.typed == {"space", name}
    return getattr(arguments, name)


def info(**changes: object) -> StudyInfo:
    known = {"name": "a", "study_id": "0" * 32, "space": "s", "trials": 3, "sampler": "tpe"}
    rungs = {"rungs": (1, 3)} if changes.get("reduction_factor") else {}
    return StudyInfo(**{**known, **rungs, "git_commit": "", "versions": {}, **changes})


@pytest.mark.parametrize("name", options(Arguments))
def test_every_option_has_a_flag_help_and_a_typed_default(name: str) -> None:
    (action,) = [a for a in make_parser(Arguments, DEFAULTS)._actions if a.dest == name]
    names = filter(None, (name, options(Arguments)[name].earlier))
    assert action.option_strings == [flag_of(each) for each in names]
    assert action.help == options(Arguments)[name].help
    assert len(action.help) > 5
    default = getattr(DEFAULTS, name)
    assert isinstance(default, kinds_of(Arguments)[name])


def test_every_field_of_the_settings_is_an_option_with_a_rule() -> None:
    names = [f.name for f in fields(Settings)]
    assert set(options(Settings)) == set(names)
    rules = (*KEPT, *MAY_CHANGE, *ADDED, *KEPT_WITH_CONFIRM)
    assert {*names, "space"} == set(rules)
    assert len(set(rules)) == len(rules)
    for name, declared in options(Settings).items():
        assert declared.on_resume is not OnResume.NOT_STORED, name


def test_what_grows_is_a_number() -> None:
    for name, declared in options(Settings).items():
        if declared.on_resume is OnResume.GROWS:
            assert int in kinds_of(Settings)[name]


def test_a_rerun_takes_from_the_study_only_what_mlflow_shows() -> None:
    for name, declared in options(Settings).items():
        if declared.on_rerun is OnRerun.OF_STUDY:
            assert name in options(ShownSettings)


@pytest.mark.parametrize("name", options(Settings))
def test_every_setting_that_decides_what_is_trained_is_given_by_the_trial_or_chosen(
    name: str,
) -> None:
    flag = [flag_of(name)]
    words = flag if bool in kinds_of(Settings)[name] else [*flag, text_for(name)]
    argv = ["--rerun", "honest:1", *words]
    if options(Settings)[name].on_rerun is OnRerun.CHOSEN:
        assert getattr(parse_arguments(argv), name) != getattr(DEFAULTS, name)
        return
    with pytest.raises(BadInputError, match=rf"{flag[0]} .*runs the trial again just as it was"):
        parse_arguments(argv)


@pytest.mark.parametrize("name", options(Settings))
def test_every_setting_comes_through_the_study_file(name: str, tmp_path: Path) -> None:
    identity = {"name": "a", "study_id": "0" * 32, "space": "s", "space_digest": "", "images": ""}
    file = StudyFile(**{"trials": 3, "sampler": "tpe", **identity, name: typed(name)})
    file.write(tmp_path)
    read = StudyFile.read(tmp_path)
    assert read == file
    assert getattr(read, name) == typed(name)
    assert name in json.loads((tmp_path / FILE).read_text())


@pytest.mark.parametrize("name", options(ShownSettings))
def test_every_shown_setting_comes_through_mlflow(name: str) -> None:
    assert options(ShownSettings)[name].shown
    study = info(**{name: typed(name)})
    params, tags = study_format.study_params(study), study_format.study_tags(study)
    assert study_format.decode_study("a", params, tags) == study
    in_params = Shown.PARAMETER in options(ShownSettings)[name].shown
    assert (name in params) == in_params
    assert (params if in_params else tags)[name] == spell(typed(name))


def test_settings_that_are_not_shown_are_not_in_mlflow() -> None:
    hidden = set(options(Settings)) - set(options(ShownSettings))
    shown = {**study_format.study_params(info()), **study_format.study_tags(info())}
    assert not hidden & shown.keys()
    assert not any(options(Settings)[name].shown for name in hidden)


def test_a_study_of_the_first_version_can_be_read(tmp_path: Path) -> None:
    """A setting that came later must say that older studies lack it."""
    (tmp_path / FILE).write_text(json.dumps(EARLIEST))
    read = StudyFile.read(tmp_path)
    for name, declared in options(Settings).items():
        if name not in EARLIEST:
            assert declared.may_lack, name
            assert getattr(read, name) == getattr(DEFAULTS, name)
    params = study_format.study_params(info())
    tags = study_format.study_tags(info())
    for name in options(ShownSettings):
        if name not in EARLIEST and name != "scheduler":
            params.pop(name, None)
            tags.pop(name, None)
    assert study_format.decode_study("a", params, tags) == info()


def test_an_unknown_setting_is_answered_with_the_nearest(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(json.dumps({**EARLIEST, "sheduler": "fifo"}))
    with pytest.raises(ValueError, match=r"'sheduler' is unknown: .*; did you mean scheduler\?"):
        StudyFile.read(tmp_path)


def test_a_toy_setting_is_one_declaration(tmp_path: Path) -> None:
    """With its declaration alone it can be typed and shown, and reads as what it is."""

    @dataclass(frozen=True, kw_only=True)
    class Larger(ShownSettings):
        warmup_epochs: int = option(
            2,
            group=Group.FIRST,
            after="epochs",
            metavar="N",
            help="epochs with a small learning rate (default: 2)",
            least=0,
            most=9,
            shown=PARAMETER | TAG,
            may_lack=True,
        )

    declared = options(Larger)
    names = list(declared)
    assert names[names.index("epochs") + 1] == "warmup_epochs"
    assert replace(Larger(), warmup_epochs=3).warmup_epochs == 3
    assert all(f.default is not MISSING for f in fields(Larger))
    parser = make_parser(Arguments, DEFAULTS)
    add_option(parser, "warmup_epochs", declared["warmup_epochs"], (int,), default=2)
    assert parser.parse_args([]).warmup_epochs == 2
    assert parser.parse_args(["--warmup-epochs", "5"]).warmup_epochs == 5
    said = "--warmup-epochs: '10' must be a whole number from 0 to 9"
    with pytest.raises(BadInputError, match=said):
        parser.parse_args(["--warmup-epochs", "10"])


def test_objectives_are_spelt_as_they_are_typed() -> None:
    assert spell(parse_objectives("val_loss, macs")) == "val_loss,macs"
