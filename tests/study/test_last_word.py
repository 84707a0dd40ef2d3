"""Whatever ends a process, its last line says how to go on."""

import subprocess
import sys

import pytest

SCRIPT = """
import ctypes, os, signal, sys
from study.command_line import BadInputError
from study.last_word import LastWord

with LastWord() as word:
    word.will_be("go on by: not yet")
    word.will_be("go on by: study.run --name ünï")
    print("its own words", file=sys.stderr, flush=True)
    exec(sys.argv[1])
"""


def last_words(ending: str) -> tuple[int, list[str]]:
    done = subprocess.run([sys.executable, "-c", SCRIPT, ending], capture_output=True, text=True)
    return done.returncode, done.stderr.splitlines()


@pytest.mark.parametrize(
    ("ending", "status"),
    [
        ("os.kill(os.getpid(), signal.SIGKILL)", -9),
        ("os.killpg(os.setsid() or os.getpgid(0), signal.SIGKILL)", -9),
        ("ctypes.CDLL(None)._exit(1)", 1),
        ("os.abort()", -6),
        ("raise AssertionError('a defect')", 1),
    ],
)
def test_an_end_without_a_word_is_followed_by_the_last_sentence(ending: str, status: int) -> None:
    found, lines = last_words(ending)
    assert found == status
    assert lines[-1] == "go on by: study.run --name ünï"
    assert lines[0] == "its own words"


@pytest.mark.parametrize(
    ("ending", "status"),
    [
        ("pass", 0),
        ("sys.exit(3)", 3),
        ("word.end_at_once('another word', 130)", 130),
    ],
)
def test_an_end_that_has_said_its_word_is_followed_by_nothing(ending: str, status: int) -> None:
    found, lines = last_words(ending)
    assert found == status
    assert lines == ["its own words", "another word"][: 2 if status == 130 else 1]


@pytest.mark.parametrize("error", ["BadInputError('no')", "OSError('no')", "KeyboardInterrupt"])
def test_an_error_that_the_command_answers_is_followed_by_nothing(error: str) -> None:
    _, lines = last_words(f"raise {error}")
    assert "go on by" not in lines[-1]
