"""What the dashboards' commands have in common: one sentence for bad input."""

import argparse
import difflib
import sys
from typing import NoReturn

DONE, BAD_INPUT = 0, 2


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence, without the usage before it."""

    def error(self, message: str) -> NoReturn:
        """Raise instead of ending the process.

        Raises:
            ValueError: Always.
        """
        missing = message.removeprefix("the following arguments are required: ")
        if missing != message:
            raise ValueError(f"{missing} is missing, see --help")
        unknown = message.removeprefix("unrecognized arguments: ")
        if unknown != message:
            word = unknown.split()[0].split("=")[0]
            near = difflib.get_close_matches(word, list(self._option_string_actions), n=1)
            hint = f"did you mean {near[0]}?" if near else "see --help"
            raise ValueError(f"{word} is not an option: {hint}")
        name, _, what = message.removeprefix("argument ").partition(": ")
        raise ValueError(f"{f'{name} {what}'.strip()}, see --help")


def refuse(program: str, message: str) -> int:
    """Say what is wrong, and give the exit status for it."""
    print(f"{program}: {message}", file=sys.stderr)
    return BAD_INPUT
