"""A study run from Python is the one that the command runs, and ends in exceptions."""

import os
import re
import signal
from collections.abc import Sequence
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

import pytest
import ray
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

import study
from study import BadInputError, StudyInterrupted, StudyProgress, run_study
from study.engine.interrupts import Interrupts
from study.planning.arguments import Arguments, parse_arguments
from study.planning.option_words import words_of
from study.results.run_record import RunKey, RunRecord, RunState
from study.results.setting import kinds_of, options
from study.run_from_python import OF_THE_COMMAND, StudyWarning, _Script
from study.run_options import RunOptions

SPACE = """
from optuna.distributions import CategoricalDistribution
from search_spaces import SearchSpace

SPACE = SearchSpace(
    name="four",
    summary="networks that train in a moment",
    axes={"mask_count": CategoricalDistribution((2, 4, 6, 8))},
    fixed={"network": "resnet8", "batch_size": 200, "noise_level": 0.1},
)
"""


def members(hint: Any) -> tuple[type, ...]:
    parts = get_args(hint) if isinstance(hint, UnionType) else (hint,)
    return tuple(get_origin(part) or part for part in parts)


def test_the_typed_options_are_all_that_a_study_has() -> None:
    kinds, typed = kinds_of(Arguments), get_type_hints(RunOptions)
    assert set(typed) == set(options(Arguments)) - set(OF_THE_COMMAND)
    samples: dict[type, Any] = {int: 3, float: 0.5, str: "a", Path: Path("a"), Sequence: ["a"]}
    for name, hint in typed.items():
        told = members(hint)
        assert (NoneType in told) == (NoneType in kinds[name]), name
        assert (bool in told) == (bool in kinds[name] or options(Arguments)[name].alone is not None)
        for kind in set(told) - {NoneType, bool}:
            assert words_of(Arguments, {name: samples[kind]}), (name, kind)
        for kind in set(samples) - set(told) - ({int} if float in told or Path in told else set()):
            if kind is not Path and not (kind is int and Sequence in told):
                with pytest.raises(BadInputError, match=rf"^{name} \(=.*\) must be "):
                    words_of(Arguments, {name: samples[kind]})


def test_values_are_read_as_the_words_that_are_typed_for_them() -> None:
    values = {
        "space": "noise_masks",
        "trials": 3,
        "objectives": ["val_loss", "macs"],
        "gpus_per_trial": 0.5,
        "tune_controls": True,
        "confirm": 3,
        "output": Path("a b"),
        "resume": False,
        "name": None,
        "limit": ["learnable_params<=500", "val_loss < 2"],
        "enqueue": [{"mask_count": 16, "noise_level": 0.1}, "fan_out=2"],
    }
    words = ["--space", "noise_masks", "--trials", "3", "--objectives", "val_loss,macs"]
    words += ["--gpus-per-trial", "0.5", "--tune-controls", "--confirm", "3", "--output", "a b"]
    words += ["--limit", "learnable_params<=500,val_loss<2"]
    words += ["--enqueue", "mask_count=16,noise_level=0.1", "--enqueue", "fan_out=2"]
    assert parse_arguments(words_of(Arguments, values)) == parse_arguments(words)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"spase": "noise_masks"}, "spase is not an option: did you mean space?"),
        ({"space": "noise_masks", "trials": "3"}, "trials (='3') must be a whole number"),
        ({"space": "noise_masks", "trials": True}, "trials (=True) must be a whole number"),
        ({"space": "noise_masks", "quiet": "no"}, "quiet (='no') must be true or false"),
        ({"space": "noise_masks", "trials": 0}, "--trials: '0' must be a whole number of at least"),
        ({"space": "noise_mask"}, "--space noise_mask: 'noise_mask' is not a space: did you mean"),
        ({"space": "noise_masks", "dry_run": True}, "dry_run is an option of the command line"),
        ({}, "--space NAME is missing"),
        ({"resume": True, "name": "gone"}, "--name gone: there is no folder studies/gone"),
    ],
)
def test_bad_input_is_an_exception_with_the_commands_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: dict[str, Any], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadInputError, match=f"^{re.escape(said)}") as caught:
        run_study(**given)
    assert isinstance(caught.value, ValueError)
    assert [*tmp_path.iterdir()] == []


def test_what_a_callback_raises_asks_for_the_end_and_it_is_told_no_more(make_config) -> None:
    calls: list[StudyProgress] = []

    def fail(progress: StudyProgress) -> None:
        calls.append(progress)
        raise ZeroDivisionError

    script, interrupts = _Script(fail), Interrupts()
    (listener,) = script.listeners(make_config(trials=2), interrupts)
    for number in range(2):
        key = RunKey(number)
        listener.run_started(RunRecord(key=key, state=RunState.RUNNING, parameters={}))
        listener.run_ended(RunRecord(key=key, state=RunState.FAILED, parameters={}))
    assert [(p.done, p.planned, p.failed) for p in calls] == [(1, 2, 1)]
    assert isinstance(script.error, ZeroDivisionError)
    assert interrupts.requested.is_set()


def test_a_study_with_a_file_points_and_a_limit_is_interrupted_and_resumed_in_one_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    tracker = f"sqlite:///{tmp_path}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracker)
    (tmp_path / "space.py").write_text(SPACE)
    before = signal.getsignal(signal.SIGINT)
    told: list[StudyProgress] = []

    def interrupt(progress: StudyProgress) -> None:
        told.append(progress)
        if progress.done == 1 and len(told) == 2:
            os.kill(os.getpid(), signal.SIGINT)

    (tmp_path / "four.toml").write_text(
        'space = "space.py"\nmax-concurrent = 1\ntrials = 9\nlimit = "learnable_params<3658"\n'
    )
    points = [{"mask_count": 6}, {"mask_count": 2}, {"mask_count": 4}]
    given = {"epochs": 1, "name": "four", "limit": ["learnable_params<3658", "val_accuracy<2"]}
    with pytest.raises(StudyInterrupted) as caught:
        run_study(config="four.toml", trials=3, enqueue=points, progress=interrupt, **given)
    assert isinstance(caught.value, KeyboardInterrupt)
    assert caught.value.name == "four"
    assert str(caught.value).endswith(f"go on by: {caught.value.resume}")
    assert [(p.done, p.planned, p.part) for p in told[:2]] == [
        (0, 3, "searched"),
        (1, 3, "searched"),
    ]
    assert told[0].best is None
    assert told[1].best is not None
    assert signal.getsignal(signal.SIGINT) is before
    assert not ray.is_initialized()

    journal = tmp_path / "studies/four/optuna.journal"
    found = JournalStorage(JournalFileBackend(str(journal))).get_all_trials(0)
    assert found[-1].state is TrialState.WAITING

    # 8 masks are beyond the limit, so that the space holds no fourth point.
    with pytest.warns(StudyWarning, match="3 of 4 trials were run: the space holds no more"):
        finished = run_study(resume=True, name="four", trials=4)
    assert [*finished.trials()["state"]] == ["complete"] * 3
    assert [*finished.trials()["mask_count"]] == [6, 2, 4]
    assert [*map(str, finished.info.limit)] == given["limit"]
    assert finished.trials().equals(study.open_study("four", tracker).trials())
    assert capfd.readouterr() == ("", "")
