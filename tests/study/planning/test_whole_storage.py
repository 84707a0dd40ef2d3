"""A storage that holds less than a study has done, or what other settings gave, is refused."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from study.command_line import BadInputError
from study.config import JOURNAL
from study.execution.ended_count import WRITE_SECONDS, EndedCount
from study.planning.arguments import parse_arguments
from study.planning.new_study import StudyPlan, plan_study
from study.planning.resume import find_study, plan_resume
from study.planning.study_file import FILE, StudyFile
from study.results.run_record import RunKey, RunRecord, RunState
from study.search.optuna_storage import SETTINGS, StudyStorage

OUTPUT = Path("studies/mine")
CONFIRMED = RunRecord(
    key=RunKey(0, "conv3x3", 10_000_000_001),
    state=RunState.FAILED,
    parameters={"mask_count": 3},
    reason="no",
)


@pytest.fixture(autouse=True)
def folder(sqlite_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a tracker of its own."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", sqlite_uri)
    return tmp_path


@pytest.fixture(params=["journal", "sqlite"])
def done(request: pytest.FixtureRequest, live) -> StudyPlan:
    """A study of three trials, which have ended, and a confirmation run."""
    argv = ["--space", "noise_masks", "--name", "mine", "--trials", "3", "--epochs", "2"]
    argv += ["--seed", "5", "--sampler", "random"]
    argv += ["--storage", "sqlite:///optuna.db"] if request.param == "sqlite" else []
    plan = plan_study(parse_arguments(argv))
    OUTPUT.mkdir(parents=True)
    plan.file.write(OUTPUT)
    life = live(plan.config)
    with EndedCount(plan.file, OUTPUT, life.storage.ended()) as count:
        for _ in range(3):
            life.complete(life.propose())
        life.storage.keep_confirmed(CONFIRMED)
        for run in (*life.records, CONFIRMED):
            count.run_ended(run)
    return plan


def storage_file(plan: StudyPlan) -> Path:
    return OUTPUT / JOURNAL if plan.config.storage is None else Path("optuna.db")


def resume(*argv: str) -> StudyPlan:
    arguments = parse_arguments(["--resume", "--name", "mine", *argv])
    return plan_resume(arguments, find_study(arguments))


def refusal() -> str:
    before = {path: path.stat().st_mtime_ns for path in Path().rglob("*")}
    with pytest.raises(BadInputError) as caught:
        resume()
    assert {path: path.stat().st_mtime_ns for path in Path().rglob("*")} == before
    message = str(caught.value)
    assert "\n" not in message
    return message


def lost(place: str, trials: str) -> str:
    return (
        f"--name mine: {place} holds {trials}, of at least 3 ended trials and 1 confirmation run "
        "that studies/mine/study.json counts: bring the whole storage back, or begin a study "
        "under another name"
    )


def test_a_whole_storage_goes_on_and_its_count_with_it(done: StudyPlan) -> None:
    plan = resume("--trials", "5")
    assert plan.config == replace(done.config, trials=5)
    assert (plan.file.trials_ended, plan.file.confirmations_ended) == (3, 1)


@pytest.mark.parametrize("how", ["removed", "emptied"])
def test_a_finished_study_whose_storage_was_lost_is_not_trained_again(
    done: StudyPlan, how: str
) -> None:
    file = storage_file(done)
    file.unlink() if how == "removed" else file.write_bytes(b"")
    assert refusal() == lost(done.config.storage_place, "0 ended trials")


def test_an_older_copy_of_the_storage_is_refused_and_the_whole_one_goes_on(
    done: StudyPlan, live
) -> None:
    file = storage_file(done)
    shutil.copy(file, "older")
    life = live(replace(done.config, trials=4))
    with EndedCount(StudyFile.read(OUTPUT), OUTPUT, life.storage.ended()) as count:
        life.complete(life.propose())
        count.run_ended(life.records[3])
    shutil.copy(file, "whole")
    shutil.copy("older", file)
    assert "holds 3 ended trials and 1 confirmation run, of at least 4 ended trials" in refusal()
    shutil.copy("whole", file)
    assert resume().file.trials_ended == 4


def test_a_storage_of_another_study_of_the_name_is_refused(done: StudyPlan) -> None:
    storage_file(done).unlink()
    StudyStorage(replace(done.config, study_id="e" * 32))
    assert refusal() == (
        f"--name mine: {done.config.storage_place} holds another study named mine, not the one of "
        "studies/mine/study.json: bring that one's storage back, or choose another name"
    )


@pytest.mark.parametrize("earlier", [False, True])
def test_settings_that_were_changed_in_the_file_are_refused(done: StudyPlan, earlier: bool) -> None:
    if earlier:  # a study from before its storage held settings has trials alone to tell
        StudyStorage(done.config).study.set_user_attr(SETTINGS, {})
    document = json.loads((OUTPUT / FILE).read_text())
    for name, value, was in [
        ("seed", 6, "5"),
        ("epochs", 3, "2"),
        ("replicates", 2, "1"),
        ("sampler", "tpe", "random"),
        ("objectives", "learnable_params,val_accuracy", "val_accuracy,learnable_params"),
    ]:
        (OUTPUT / FILE).write_text(json.dumps(document | {name: value}))
        if earlier and name not in ("seed", "epochs", "replicates"):
            continue
        assert refusal() == (
            f"--name mine: studies/mine/study.json says {name} {value}, and the trials in "
            f"{done.config.storage_place} were trained with {name} {was}: change it back, or begin "
            "a new study"
        )


def test_a_study_from_before_its_runs_were_counted_goes_on(done: StudyPlan) -> None:
    document = json.loads((OUTPUT / FILE).read_text())
    for name in ("trials_ended", "confirmations_ended"):
        del document[name]
    (OUTPUT / FILE).write_text(json.dumps(document))
    assert resume().file.trials_ended is None


def test_a_journal_that_cannot_be_read_is_one_sentence(done: StudyPlan) -> None:
    storage_file(done).write_bytes(b"asleep\n" * 3000)
    assert refusal().startswith(f"--name mine: {done.config.storage_place} cannot be read: ") or (
        done.config.storage is not None
    )


def test_the_count_is_written_while_runs_end_and_never_ahead_of_the_storage(
    done: StudyPlan,
) -> None:
    now = [0.0]
    file = StudyFile.read(OUTPUT)
    ended = StudyStorage(done.config).ended()
    assert len(ended) == 4
    with EndedCount(file, OUTPUT, ended, clock=lambda: now[0]) as count:
        for number in (3, 4):
            count.run_ended(replace(CONFIRMED, key=RunKey(number)))
            assert StudyFile.read(OUTPUT).trials_ended == 3 + 2 * (number == 4)
            now[0] += WRITE_SECONDS
    assert StudyFile.read(OUTPUT).trials_ended == 5


def test_what_ends_a_study_is_told_also_where_its_folder_is_gone(done: StudyPlan) -> None:
    def life() -> None:
        with EndedCount(StudyFile.read(OUTPUT), OUTPUT, frozenset()):
            OUTPUT.rename("away")
            raise OSError("the storage is away")

    with pytest.raises(OSError, match="the storage is away"):
        life()
    assert not OUTPUT.exists()
