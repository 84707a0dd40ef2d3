"""Caller of a study: a command in a terminal, or a script."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Self

from study.config import StudyConfig
from study.engine.interrupts import Interrupts
from study.results.run_listener import RunListener
from study.study_errors import StudyInterrupted


class Caller(ABC):
    """Base of who runs a study: what differs between a terminal and a script.

    Its context lasts as long as the study.

    Attributes:
        interrupted: End to tell whenever an interrupt breaks in; None before the study has begun.
    """

    interrupted: StudyInterrupted | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(  # noqa: B027  # nothing to do for most
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Take note of the end."""

    @abstractmethod
    def starting(self, interrupts: Interrupts) -> AbstractContextManager[None]:
        """Answer signals while Ray starts, which does not survive being broken into."""

    def begun(self, interrupted: StudyInterrupted) -> None:
        """Take note that the study has begun.

        Args:
            interrupted: End of a study that is interrupted from now on.
        """
        self.interrupted = interrupted

    @abstractmethod
    def lost(self, config: StudyConfig, said: str, again: str, interrupts: Interrupts) -> None:
        """End the study, from another thread, because Ray's control store is gone.

        Args:
            config: The study.
            said: Reason.
            again: Command that goes on with it.
            interrupts: Handler of signals.
        """

    def listeners(self, config: StudyConfig, interrupts: Interrupts) -> Sequence[RunListener]:
        """Return listeners of its own to the runs of a study."""
        return ()
