"""Start of every command: a word at once to whoever interrupts it, on any terminal.

The parts of a command, and the libraries that they need, take seconds to import, in which Python
itself answers Ctrl-C by a traceback, or not at all. So this is imported first, and needs the
standard library alone.
"""

import json
import os
import shlex
import shutil
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn

from study.exit_status import INTERRUPTED
from study.results.mask_secrets import mask_password

SIGNALS = (signal.SIGINT, signal.SIGTERM)

JOB_SETTINGS = "RAY_JOB_CONFIG_JSON_ENV_VAR"
"""Name of the variable, odd as it is, in which Ray gives a job's command the job's settings."""

_SHOW_CURSOR = b"\x1b[?25h"
"""Sequence by which a terminal shows its cursor again, where lines were redrawn in place."""


def begin(program: str) -> None:
    """Answer a signal at once from now on, and print whatever a user's bytes hold.

    Args:
        program: Name of the command, such as `study.run`.
    """
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]

    answer_signals(lambda: interrupted_before_it_began(program, sys.argv[1:]))


def answer_signals(last_line: Callable[[], str]) -> None:
    """End this process at once at a signal, from now on.

    Args:
        last_line: Function that returns what is said then.
    """

    def leave(_number: int, _frame: FrameType | None) -> None:
        end_at_once(last_line(), INTERRUPTED)

    for number in SIGNALS:
        signal.signal(number, leave)


def run(program: str, main: Callable[[], int]) -> NoReturn:
    """Run a command that has been imported; an interrupt ends it in one sentence.

    Args:
        program: Name of the command.
        main: The command; returns its exit status.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        status = main()
    except KeyboardInterrupt:
        print(f"{program}: interrupted: nothing was written", file=sys.stderr)
        status = INTERRUPTED
    sys.exit(status)


def interrupted_before_it_began(program: str, words: Sequence[str]) -> str:
    """Return the sentence for a command that was interrupted before it did anything.

    Args:
        program: Name of the command.
        words: Words that were typed after it.
    """
    again = shlex.join([installed("python"), "-m", program, *map(mask_password, words)])
    return f"{program}: interrupted before it began; go on by: {submitted(again)}"


def end_at_once(said: str, status: int) -> NoReturn:
    """End the process with a last line, whatever its threads and libraries are doing.

    Args:
        said: Line without its end; written past Python's own streams, whose locks may be held.
        status: Exit status.
    """
    try:
        if os.isatty(2):
            os.write(2, _SHOW_CURSOR)
        os.write(2, f"{said}\n".encode(errors="backslashreplace"))
    finally:
        os._exit(status)


def installed(program: str) -> str:
    """Return how to type a program of this environment in this folder."""
    beside = Path(sys.executable).with_name(program)
    found = shutil.which(program)
    if (found and Path(found) == beside) or not beside.exists():
        return program
    here = Path.cwd()
    return str(beside.relative_to(here)) if beside.is_relative_to(here) else str(beside)


def submitted(command: str) -> str:
    """Return a command as it is typed outside of the Ray job that this process is, if it is one."""
    settings = os.environ.get(JOB_SETTINGS)
    if settings is None:
        return command
    environment = json.loads(settings).get("runtime_env") or {}
    folder = "--working-dir . " if "working_dir" in environment else ""
    return f"ray job submit {folder}-- {command}"
