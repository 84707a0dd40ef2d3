"""What the dashboards' commands have in common: one sentence for bad input."""

import argparse
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
        name, _, what = message.removeprefix("argument ").partition(": ")
        raise ValueError(f"{f'{name} {what}'.strip()}, see --help")


def refuse(program: str, message: str) -> int:
    """Say what is wrong, and give the exit status for it."""
    print(f"{program}: {message}", file=sys.stderr)
    return BAD_INPUT
