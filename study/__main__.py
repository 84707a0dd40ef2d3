"""`pnn-study`, or `python -m study`: every command under one name."""

import importlib.metadata
import sys
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from typing import NamedTuple, NoReturn

from pnn_core.config.checks import did_you_mean
from study.command_line import refuse
from study.exit_status import DONE
from study.program import begin, run

PROGRAM = "pnn-study"


class _Command(NamedTuple):
    """A command.

    Attributes:
        module: Module of its function, imported when it is called.
        function: Name of the function that takes the words behind the command and returns the
            exit status.
        summary: Line of the help.
    """

    module: str
    function: str
    summary: str


COMMANDS = {
    "run": _Command("study.run", "main", "search, and confirm a front"),
    "list": _Command("study.show", "list_studies", "names of all studies"),
    "show": _Command("study.show", "show_trials", "trials of a study, as a table or as JSON"),
    "best": _Command("study.show", "show_front", "front of a study"),
    "save-network": _Command("study.save_network", "main", "trained network of a trial as a file"),
    "predict": _Command("study.predict", "main", "classes of images by a saved network"),
    "dashboard": _Command("dashboards.app", "main", "live page of all studies"),
    "export": _Command("dashboards.export", "main", "a study as one page, or a picture as a file"),
    "report": _Command("dashboards.report", "main", "replication report of confirmed studies"),
    "record": _Command("study.record", "main", "a space trained whole, as a table"),
    "simulate": _Command("study.simulate", "main", "searches on a recorded table, in seconds"),
}
"""Commands by name, in the order of the help."""


def main(argv: Sequence[str] | None = None) -> int:
    """Call a command.

    Args:
        argv: Words without the program's name; None for this process's.

    Returns:
        The exit status of the command; 2 if there is none of that name.
    """
    return _command(sys.argv[1:] if argv is None else argv)()


def start() -> NoReturn:
    """Call a command and end the process; a signal is answered at once while it is imported."""
    begin("study")
    run("study", _command(sys.argv[1:]))


def _command(words: Sequence[str]) -> Callable[[], int]:
    """Import a command, and return it with the words behind its name."""
    match words:
        case [] | ["-h" | "--help"]:
            return partial(_say, _help())
        case ["--version"]:
            return partial(_say, f"{PROGRAM} {importlib.metadata.version(PROGRAM)}")
    name, *rest = words
    if name not in COMMANDS:
        hint = did_you_mean(name, COMMANDS)
        said = f"{name!r} is no command: accepted are {', '.join(COMMANDS)}"
        return partial(refuse, PROGRAM, f"{said}; {hint}" if hint else said)
    command = COMMANDS[name]
    return partial(getattr(import_module(command.module), command.function), rest)


def _say(text: str) -> int:
    print(text)
    return DONE


def _help() -> str:
    width = max(map(len, COMMANDS))
    lines = [f"  {name:{width}}  {command.summary}" for name, command in COMMANDS.items()]
    return "\n".join(
        [
            f"usage: {PROGRAM} COMMAND …",
            "",
            "Hyperparameter studies of Perturbative Neural Networks.",
            "",
            *lines,
            "",
            f"{PROGRAM} COMMAND --help says more; {PROGRAM} --version which version it is.",
        ]
    )


if __name__ == "__main__":
    start()
