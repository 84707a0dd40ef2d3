"""Requests to a running study from somebody who looks at it, and what became of them."""

import json
import secrets
from dataclasses import asdict, dataclass, field
from enum import StrEnum

from study.results.bounded_json import parse_json
from study.results.timestamps import now_ms

LONGEST_POINT = 2000
"""Characters of a point that is enqueued."""


class Action(StrEnum):
    """Actions that can be asked of a running study."""

    PAUSE = "pause"
    """Begin no further run; those that train go on to their end."""
    CONTINUE = "continue"
    """Begin runs again."""
    STOP = "stop"
    """Save all runs and end, as Ctrl-C does."""
    STOP_TRIAL = "stop-trial"
    """End a trial after the epoch that it trains."""
    ENQUEUE = "enqueue"
    """Try a point next."""


@dataclass(frozen=True, kw_only=True)
class StudyRequest:
    """Request to a running study.

    Attributes:
        action: Action.
        trial: Number of the trial to stop; None for every other action.
        point: Point to enqueue, as `--enqueue` takes one; empty for every other action.
        asked_ms: Time of the request, in milliseconds since 1970.
        request_id: Tells it from others.

    Raises:
        ValueError: The action lacks its trial or its point, or has one that it does not take.
    """

    action: Action
    trial: int | None = None
    point: str = ""
    asked_ms: int = field(default_factory=now_ms)
    request_id: str = field(default_factory=lambda: secrets.token_hex(6))

    def __post_init__(self) -> None:
        if (self.trial is not None) != (self.action is Action.STOP_TRIAL):
            raise ValueError(f"trial (={self.trial}) is for {Action.STOP_TRIAL}, which needs one")
        if bool(self.point) != (self.action is Action.ENQUEUE):
            raise ValueError(f"point (={self.point!r}) is for {Action.ENQUEUE}, which needs one")
        if len(self.point) > LONGEST_POINT:
            raise ValueError(
                f"point has {len(self.point)} characters: accepted are {LONGEST_POINT}"
            )

    def __str__(self) -> str:
        match self.action:
            case Action.STOP_TRIAL:
                return f"stop trial {self.trial}"
            case Action.ENQUEUE:
                return f"enqueue {self.point}"
        return self.action.value

    def to_json(self) -> str:
        """Return the request as a JSON document."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "StudyRequest":
        """Read what `to_json` wrote, or somebody else instead of it.

        Raises:
            ValueError: It is no such document.
        """
        found = parse_json(text, finite=True)
        try:
            request = cls(**{**found, "action": Action(found["action"])})
        except (KeyError, TypeError):
            raise ValueError("it is no request") from None
        whole = [request.asked_ms] + ([] if request.trial is None else [request.trial])
        texts = (request.point, request.request_id)
        if any(type(n) is not int for n in whole) or any(type(t) is not str for t in texts):
            raise ValueError("it is no request")
        return request


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Answer to a request.

    Attributes:
        asked: Request in words.
        said: What became of it, in a sentence.
        at_ms: Time of the answer, in milliseconds since 1970.
    """

    asked: str
    said: str
    at_ms: int = field(default_factory=now_ms)


@dataclass(frozen=True, kw_only=True)
class StudyControl:
    """State of a study's requests.

    Attributes:
        is_paused: True if it begins no run.
        waiting: Requests without an answer, the oldest first.
        unreadable: Identifiers of requests that cannot be read.
        answers: Latest answers, the oldest first.
    """

    is_paused: bool = False
    waiting: tuple[StudyRequest, ...] = ()
    unreadable: tuple[str, ...] = ()
    answers: tuple[Answer, ...] = ()
