"""Last word of a process, said also where it cannot say it itself."""

import contextlib
import os
import subprocess
from types import TracebackType
from typing import NoReturn, Self

from study.command_line import BadInputError
from study.program import end_at_once
from study.study_errors import StudyFailedError

_SHELL = "/bin/sh"
_WAIT = r"""
while IFS= read -r line; do word=$line; done
[ -n "$word" ] || exit 0
[ -t 2 ] && printf '\033[?25h'
printf '%s\n' "$word" >&2
"""
"""Commands of the shell: it reads until the pipe's other end is gone, and prints the last line."""

_SAID = (BadInputError, StudyFailedError, OSError, KeyboardInterrupt, SystemExit)
"""Errors that the command answers in a sentence of its own."""


class LastWord:
    """Sentence that is printed when this process ends without having said it.

    A process that is killed, runs out of memory or is ended by a library's C++ side prints nothing.
    So a shell waits at a pipe for its end, whatever that is, and prints the last sentence that it
    was given. It is a session of its own: what strikes the process and its group leaves it alone.
    """

    def __init__(self) -> None:
        reading, self._pipe = os.pipe()
        self._shell = subprocess.Popen(  # noqa: S603  # our own words
            [_SHELL, "-c", _WAIT], stdin=reading, stdout=subprocess.DEVNULL, start_new_session=True
        )
        os.close(reading)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None or issubclass(kind, _SAID):
            self.will_be("")
            os.close(self._pipe)
            self._shell.wait()
        # Else the pipe stays until the process ends, so that the sentence follows the traceback.

    def will_be(self, sentence: str) -> None:
        """Say this sentence at the end; none where it is empty."""
        line = " ".join(sentence.split()) + "\n"
        with contextlib.suppress(OSError):  # nobody listens any more
            os.write(self._pipe, line.encode(errors="backslashreplace"))

    def end_at_once(self, said: str, status: int) -> NoReturn:
        """End the process with another sentence, from any thread or a signal's handler."""
        self.will_be("")
        end_at_once(said, status)
