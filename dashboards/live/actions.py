"""Actions of a page: what may be asked of a study, and what people note of it, by POST alone."""

import hmac
import secrets
from collections.abc import Mapping
from typing import Any

import flask
from werkzeug.exceptions import BadRequest, Forbidden, NotFound, ServiceUnavailable

from dashboards.live.studies import Studies
from study.results.mlflow.annotation import Annotation
from study.results.mlflow.errors import TrackerUnreachableError
from study.results.mlflow.live_reader import FollowedStudy
from study.results.study_request import Action, StudyRequest

TOKEN_HEADER = "X-Study-Token"  # noqa: S105  # a header's name
"""Header that an action must carry; a page elsewhere cannot set it."""

ANNOTATE = "annotate"
"""Action that writes a note and tags; all others are a `study.results.study_request.Action`."""


def new_token() -> str:
    """Return a token that nobody can guess."""
    return secrets.token_urlsafe(24)


def serve_actions(server: flask.Flask, studies: Studies, token: str) -> None:
    """Serve `POST act` and `GET annotation`.

    Whoever reaches the page may read. To act takes the token, also on this machine, since others
    may have accounts on it.

    Args:
        server: Server of the page.
        studies: Studies of the tracker.
        token: Token that an action must carry.
    """

    @server.post("/act")
    def act() -> flask.Response:
        given = flask.request.headers.get(TOKEN_HEADER, "")
        if not hmac.compare_digest(given.encode(), token.encode()):
            raise Forbidden(
                "Acting needs the token of the address that dashboards.app printed when it started."
            )
        asked = flask.request.get_json()
        if not isinstance(asked, dict):
            raise BadRequest("An action is a JSON object.")
        followed = _followed(studies, asked.get("study"))
        try:
            said = _do(studies, followed, asked)
        except TrackerUnreachableError as error:
            raise ServiceUnavailable(str(error)) from error
        except ValueError as error:
            raise BadRequest(str(error)) from error
        return flask.jsonify(said=said)

    @server.get("/annotation")
    def annotation() -> flask.Response:
        asked = flask.request.args
        followed = _followed(studies, asked.get("study"))
        run_id = _run_id(followed, _number(asked.get("trial")))
        try:
            found = studies.store.annotations.read(run_id)
        except TrackerUnreachableError as error:
            raise ServiceUnavailable(str(error)) from error
        return flask.jsonify(note=found.note, tags=dict(found.tags))


def _followed(studies: Studies, name: object) -> FollowedStudy:
    if not isinstance(name, str) or name not in (studies.names().names or ()):
        raise NotFound(f"The tracker holds no study {name!r}.")
    followed = studies.state(name).followed
    if followed is None:
        raise ServiceUnavailable(f"Study {name} is being read: ask again in a moment.")
    return followed


def _do(studies: Studies, followed: FollowedStudy, asked: Mapping[str, Any]) -> str:
    """Do what is asked, and say what follows.

    Raises:
        ValueError: It cannot be done.
    """
    action, trial = _text(asked, "action"), _number(asked.get("trial"))
    if action == ANNOTATE:
        written = Annotation(note=_text(asked, "note"), tags=_tags(asked.get("tags", {})))
        studies.store.annotations.write(_run_id(followed, trial), written)
        return "Kept in MLflow."
    if action not in [*Action]:
        accepted = ", ".join((*Action, ANNOTATE))
        raise ValueError(f"there is no action {action!r}: accepted are {accepted}")
    info = followed.study.info
    if not followed.is_running:
        raise ValueError(
            f"study {info.name} does not run: go on with it by python -m study.run --resume "
            f"--name {info.name}"
        )
    request = StudyRequest(action=Action(action), trial=trial, point=_text(asked, "point").strip())
    studies.store.request_box(followed.parent_run_id).ask(request)
    return "Asked: the study answers within seconds, on its page Progress."


def _run_id(followed: FollowedStudy, trial: int | None) -> str:
    """Return MLflow's identifier of the run of a trial, or of the study where none is named."""
    if trial is None:
        return followed.parent_run_id
    if trial not in followed.run_ids:
        raise NotFound(f"Study {followed.study.info.name} has no trial {trial}.")
    return followed.run_ids[trial]


def _number(value: object) -> int | None:
    """Read the number of a trial; None where none is given.

    Raises:
        BadRequest: It is no number.
    """
    if value in (None, ""):
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 10:
        return int(value)
    raise BadRequest(f"trial (={value!r}) is no number of a trial.")


def _text(asked: Mapping[str, Any], name: str) -> str:
    value = asked.get(name, "")
    if not isinstance(value, str):
        raise ValueError(f"{name} must be text")
    return value


def _tags(value: object) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise ValueError("tags must be texts by name")
    return value
