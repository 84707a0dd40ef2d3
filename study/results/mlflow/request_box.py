"""Requests to a running study, kept as tags of its own run until its driver answers them.

A tracker is all that a page and a driver have in common: they may be on different machines. Who may
write into the tracker may therefore ask; a request is data, checked before anything is done.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict

from study.results.bounded_json import parse_json
from study.results.mlflow.client import MlflowConnection
from study.results.mlflow.machine_tags import PREFIX
from study.results.study_request import Answer, StudyControl, StudyRequest

_REQUEST = PREFIX + "request."
"""Prefix of the tags that hold a request each; its identifier follows."""

_ANSWERS = PREFIX + "request_answers"
"""Tag with the latest answers, as JSON."""

_PAUSED = PREFIX + "paused"
"""Tag of a study that begins no run."""

_MOST_ANSWERS, _LONGEST_SAID = 8, 300
"""Answers that are kept, and characters of each: MLflow keeps some thousands in a tag."""


class RequestBox:
    """Requests to one study.

    Every method raises `TrackerUnreachableError` when the tracker fails.

    Args:
        connection: The tracker.
        run_id: MLflow's identifier of the study's own run.
    """

    def __init__(self, connection: MlflowConnection, run_id: str) -> None:
        self._connection = connection
        self._run_id = run_id

    def ask(self, request: StudyRequest) -> None:
        """Leave a request."""
        with self._connection.asking() as client:
            client.set_tag(self._run_id, _REQUEST + request.request_id, request.to_json())

    def read(self) -> StudyControl:
        """Return requests and answers as they are now."""
        with self._connection.asking() as client:
            return control_of(client.get_run(self._run_id).data.tags)

    def answer(self, answers: Mapping[str, Answer]) -> None:
        """Write what became of requests, and take them out of the box.

        Args:
            answers: Answers by the identifiers of the requests.
        """
        with self._connection.asking() as client:
            held = client.get_run(self._run_id).data.tags
            known = control_of(held).answers
            # A request that is gone was answered by a write of which the tracker told nothing.
            news = [answer for name, answer in answers.items() if _REQUEST + name in held]
            kept = [asdict(answer) for answer in (*known, *news)][-_MOST_ANSWERS:]
            client.set_tag(self._run_id, _ANSWERS, json.dumps(kept))
            for request_id in answers:
                if _REQUEST + request_id in held:
                    client.delete_tag(self._run_id, _REQUEST + request_id)

    def tell_paused(self, *, is_paused: bool) -> None:
        """Write if the study begins no run."""
        with self._connection.asking() as client:
            client.set_tag(self._run_id, _PAUSED, str(is_paused).lower())


def answer_to(asked: str, said: str) -> Answer:
    """Return an answer that fits into the box."""
    shortened = said if len(said) <= _LONGEST_SAID else said[: _LONGEST_SAID - 1] + "…"
    return Answer(asked=asked[:_LONGEST_SAID], said=shortened)


def control_of(tags: Mapping[str, str]) -> StudyControl:
    """Read the requests of a study out of the tags of its own run."""
    waiting, unreadable = [], []
    for name, text in tags.items():
        if not name.startswith(_REQUEST):
            continue
        try:
            request = StudyRequest.from_json(text)
        except ValueError:
            request = None
        request_id = name.removeprefix(_REQUEST)
        if request is None or request.request_id != request_id:
            unreadable.append(request_id)
        else:
            waiting.append(request)
    return StudyControl(
        is_paused=tags.get(_PAUSED) == "true",
        waiting=tuple(sorted(waiting, key=lambda request: request.asked_ms)),
        unreadable=tuple(unreadable),
        answers=_answers(tags.get(_ANSWERS, "[]")),
    )


def without_control(tags: Mapping[str, str]) -> dict[str, str]:
    """Return the tags of a study that have nothing to do with requests to it."""
    return {
        name: value
        for name, value in tags.items()
        if name not in (_ANSWERS, _PAUSED) and not name.startswith(_REQUEST)
    }


def _answers(text: str) -> tuple[Answer, ...]:
    """Read the answers; none of those that something else has written."""
    try:
        return tuple(
            Answer(asked=str(one["asked"]), said=str(one["said"]), at_ms=int(one["at_ms"]))
            for one in parse_json(text, finite=True)
        )
    except (KeyError, TypeError, ValueError):
        return ()
