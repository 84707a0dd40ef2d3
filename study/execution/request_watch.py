"""Watch for what is asked of a running study in its tracker, beside the trial loop."""

import contextlib
import queue
import threading
from types import TracebackType
from typing import Self

from study.results.mlflow.background_writer import MlflowWriter
from study.results.mlflow.request_box import RequestBox, answer_to
from study.results.mlflow.store import MlflowStore
from study.results.study_request import Action, Answer, StudyRequest

POLL_SECONDS = 3.0
"""Time between two looks."""

_LEAVING_SECONDS = 2.0
"""Time that the last answers may hold up the end of a study: a preempted one has 15 s in all."""


class RequestWatch:
    """Reads requests and writes answers in a thread of its own, for as long as its context lasts.

    A tracker that is away is asked again later: the study goes on without it.

    Args:
        store: The tracker.
        writer: Writer that opens the study there.
        poll_seconds: Time between two looks.
    """

    def __init__(
        self, store: MlflowStore, writer: MlflowWriter, poll_seconds: float = POLL_SECONDS
    ) -> None:
        self._store = store
        self._writer = writer
        self._poll_seconds = poll_seconds
        self._box: RequestBox | None = None
        self._seen: set[str] = set()
        self._taken: queue.SimpleQueue[StudyRequest] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[tuple[StudyRequest, Answer]] = queue.SimpleQueue()
        self._unsent: dict[str, Answer] = {}
        self._is_paused = False
        self._told_paused: bool | None = None
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._work, name="request-watch", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._is_paused = False
        self._closing.set()
        self._thread.join(_LEAVING_SECONDS)

    def take(self) -> list[StudyRequest]:
        """Return the requests that have come since the last call, without waiting."""
        taken = []
        with contextlib.suppress(queue.Empty):
            while True:
                taken.append(self._taken.get_nowait())
        return taken

    def answer(self, request: StudyRequest, said: str, *, is_paused: bool) -> None:
        """Have an answer written.

        Args:
            request: Request that it answers.
            said: What became of it, in a sentence.
            is_paused: True if the study begins no run now.
        """
        self._is_paused = is_paused
        self._answers.put((request, answer_to(str(request), said)))

    def _work(self) -> None:
        while True:
            is_last = self._closing.wait(self._poll_seconds)
            # Whatever a tracker raises: what is asked there waits until it can be read.
            with contextlib.suppress(Exception):
                self._look(is_last=is_last)
            if is_last:
                return

    def _look(self, *, is_last: bool) -> None:
        if self._box is None:
            if not (run_id := self._writer.parent_run_id):
                return
            self._box = self._store.request_box(run_id)
        box = self._box
        with contextlib.suppress(queue.Empty):
            while True:
                request, answer = self._answers.get_nowait()
                self._unsent[request.request_id] = answer
        control = box.read()
        for request_id in control.unreadable:
            self._unsent[request_id] = answer_to("a request", "It cannot be read.")
        is_first, self._told_paused = self._told_paused is None, control.is_paused
        for request in control.waiting:
            if request.request_id in self._seen:
                continue
            self._seen.add(request.request_id)
            # What was asked of an earlier life, which ended by itself, is not done to this one.
            if is_last or (is_first and request.action is not Action.ENQUEUE):
                said = "The study had ended before it could be done: ask again while it runs."
                self._unsent[request.request_id] = answer_to(str(request), said)
            else:
                self._taken.put(request)
        if self._unsent:
            box.answer(self._unsent)
            self._unsent = {}
        if self._told_paused != self._is_paused:
            box.tell_paused(is_paused=self._is_paused)
            self._told_paused = self._is_paused
