"""A folder is free or begun at every moment, whatever strikes the process that begins a study."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from study.checkpoints.checkpoint_store import CheckpointStore
from study.command_line import BadInputError
from study.planning.arguments import parse_arguments
from study.planning.new_study import plan_study
from study.planning.resume import find_study, plan_resume
from study.planning.study_file import FILE
from study.planning.study_folder import FolderTakenError, begun, is_free
from study.planning.study_lock import locked
from study.search.optuna_storage import StudyStorage

ARGUMENTS = ["--space", "noise_masks", "--name", "cut", "--trials", "1"]

STRIKES = """
# Begins a study once for each call that touches its folder, struck at that call, each in a child.
import os, signal, sys
from dataclasses import replace
from functools import partial
from pathlib import Path
import ray
from study import driver
from study.engine.cluster import shared_folder
from study.planning.arguments import parse_arguments
from study.planning.new_study import own_checkpoints, plan_study
from study.planning.study_folder import begun

CALLS = ("open", "os.mkdir", "os.rename", "os.remove", "os.rmdir")
what, output, left = sys.argv[1], Path("studies/cut"), 0
ray.nodes = lambda: [{"Alive": True, "Resources": {}}]

def strike(event, arguments):
    global left
    paths = [os.fsdecode(a) for a in arguments if isinstance(a, (str, bytes, os.PathLike))]
    if left and event in CALLS and any(str(output) in path for path in paths):
        left -= 1
        if not left and what == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if not left and output.exists():
            output.rename("studies/moved")

sys.addaudithook(strike)
plan = plan_study(parse_arguments(sys.argv[2:]))
for call in range(1, 50):
    Path(str(call)).mkdir()
    if (child := os.fork()) == 0:
        os.chdir(str(call))
        config = replace(plan.config, checkpoints=own_checkpoints(output))
        left = call
        try:
            prepare = partial(driver._create_checkpoints, replace(plan, config=config))
            with begun(output, plan.file, prepare):
                os._exit(7 if left else 0)
        except OSError:
            os._exit(1)
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7:
        print(call)
        break
"""


@pytest.fixture(autouse=True)
def folder(sqlite_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a tracker of its own."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", sqlite_uri)
    return tmp_path


def go_on() -> None:
    """Begin the study or resume it, as its folder has it."""
    output = Path("studies/cut")
    if (output / FILE).is_file():
        arguments = parse_arguments(["--resume", "--name", "cut"])
        plan_resume(arguments, find_study(arguments))
        return
    plan = plan_study(parse_arguments(ARGUMENTS))
    with begun(output, plan.file, lambda: None):
        assert json.loads((output / FILE).read_text())["name"] == "cut"


@pytest.mark.parametrize("what", ["kill", "move"])
def test_a_study_struck_at_any_call_while_it_begins_is_begun_again_or_resumed(
    what: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", STRIKES, what, *ARGUMENTS],
        capture_output=True,
        text=True,
        check=True,
    )
    untouched = int(done.stdout)
    assert untouched >= 7
    for call in range(1, untouched):
        monkeypatch.chdir(folder / str(call))
        if (moved := Path("studies/moved")).exists():
            # Whoever takes it away while it is empty may find it made anew.
            if Path("studies/cut").exists():
                moved.rmdir()
            else:
                moved.rename("studies/cut")
        go_on()


def test_a_studys_folder_and_its_state_are_their_owners_alone() -> None:
    plan = plan_study(parse_arguments(ARGUMENTS))
    before = os.umask(0o022)
    try:
        with begun(plan.config.output, plan.file, lambda: None):
            StudyStorage(plan.config)
            CheckpointStore.of(plan.config).create()
            modes = {
                path.name: oct(path.stat().st_mode & 0o777)
                for path in (plan.config.output, *plan.config.output.rglob("*"))
                if path.name != "checkpoints"
            }
    finally:
        os.umask(before)
    own = f"cut-{plan.config.study_id[:8]}"
    assert modes.pop("cut") == modes.pop(own) == "0o700"
    assert modes == dict.fromkeys(("lock", "study.json", "optuna.journal"), "0o600")


def test_what_holds_nothing_is_begun(tmp_path: Path) -> None:
    output = Path("studies/cut")
    for left in ((), ("lock",), ("lock", "study.json.0123.part")):
        output.mkdir(parents=True)
        for name in left:
            (output / name).write_text("half")
        (output / "checkpoints" / "cut-0123").mkdir(parents=True)
        assert is_free(output)
        go_on()
        subprocess.run(["rm", "-r", str(output)], check=True)


def test_what_holds_something_is_never_begun() -> None:
    output = Path("studies/cut")
    for name in ("notes.txt", "checkpoints/cut-0123/0.ckpt"):
        (output / name).parent.mkdir(parents=True, exist_ok=True)
        (output / name).write_text("mine")
        with pytest.raises(BadInputError, match="--name cut: a study of that name exists in st"):
            plan_study(parse_arguments(ARGUMENTS))
        (output / name).unlink()


def test_trials_without_their_file_are_told_with_what_is_missing() -> None:
    output = Path("studies/cut")
    output.mkdir(parents=True)
    (output / "optuna.journal").write_text("{}\n")
    said = "--name cut: studies/cut holds trials .* no study.json, .*: bring study.json back to"
    with pytest.raises(BadInputError, match=said):
        plan_study(parse_arguments(ARGUMENTS))
    with pytest.raises(BadInputError, match=said):
        find_study(parse_arguments(["--resume", "--name", "cut"]))


def test_of_two_that_begin_at_once_the_second_leaves_the_first_ones_folder_alone() -> None:
    plan = plan_study(parse_arguments(ARGUMENTS))
    with begun(plan.config.output, plan.file, lambda: None):
        with pytest.raises(FolderTakenError, match=f"by process {os.getpid()} on host"):
            begun(plan.config.output, plan.file, lambda: None).__enter__()
        assert (plan.config.output / FILE).is_file()
    with pytest.raises(FolderTakenError, match="exists: choose a new folder"):
        begun(plan.config.output, plan.file, lambda: None).__enter__()
    with locked(plan.config.output):
        assert (plan.config.output / FILE).is_file()


def test_a_study_that_did_not_begin_leaves_only_folders_that_were_there(tmp_path: Path) -> None:
    def fail() -> None:
        raise OSError("no")

    plan = plan_study(parse_arguments(ARGUMENTS))
    with pytest.raises(OSError, match="no"):
        begun(plan.config.output, plan.file, fail).__enter__()
    assert not Path("studies").exists()
    plan.config.output.mkdir(parents=True)
    with pytest.raises(OSError, match="no"):
        begun(plan.config.output, plan.file, fail).__enter__()
    assert list(plan.config.output.iterdir()) == []


def test_an_empty_journal_holds_nothing() -> None:
    output = Path("studies/cut")
    output.mkdir(parents=True)
    (output / "optuna.journal").touch()
    go_on()
