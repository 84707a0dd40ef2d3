"""Carrying out what is asked of a running study, in the thread of its trial loop."""

from collections.abc import Callable

from study.engine.interrupts import Interrupts
from study.execution.request_watch import RequestWatch
from study.results.study_request import Action, StudyRequest
from study.search.run_manager import RunManager

Enqueue = Callable[[RunManager, str], None]
"""Function that has points tried next, or raises a ValueError where one cannot be tried."""


class Requests:
    """Carries out requests between two steps of the trial loop.

    Args:
        watch: Watch that has them.
        interrupts: Handler of signals, by which a study is ended.
        enqueue: Function that has points tried next.
        say: Function that tells the terminal what was done.
    """

    def __init__(
        self,
        watch: RequestWatch,
        interrupts: Interrupts,
        enqueue: Enqueue,
        say: Callable[[str], None],
    ) -> None:
        self._watch = watch
        self._interrupts = interrupts
        self._enqueue = enqueue
        self._say = say
        self._is_paused = False

    def attend(self, manager: RunManager) -> None:
        """Carry out what has been asked since the last call.

        Args:
            manager: Manager of the runs that train now.

        Raises:
            StorageError: The study's state cannot be written.
        """
        for request in self._watch.take():
            try:
                said = self._carry_out(request, manager)
            except ValueError as error:
                said = f"Refused: {error}"
            self._say(f"Asked from a page: {request}. {said}")
            self._watch.answer(request, said, is_paused=self._is_paused)
        manager.hold(held=self._is_paused)

    def _carry_out(self, request: StudyRequest, manager: RunManager) -> str:
        """Do what is asked, and say what came of it."""
        match request.action:
            case Action.PAUSE:
                self._is_paused = True
                return "No run begins until the study is continued there; running ones go on."
            case Action.CONTINUE:
                self._is_paused = False
                return "Runs begin again."
            case Action.STOP:
                self._interrupts.request()
                return "The study saves its runs and ends; --resume goes on with it."
            case Action.STOP_TRIAL:
                manager.stop_trial(request.trial or 0)
                return f"Trial {request.trial} ends after its epoch, as stopped early."
            case Action.ENQUEUE:
                self._enqueue(manager, request.point)
                return "The point is tried next."
