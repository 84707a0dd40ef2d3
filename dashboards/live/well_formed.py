"""Requests that the live page accepts: well-formed callbacks, and not too many at once."""

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import flask
from dash import Dash
from dash.exceptions import DependencyException
from werkzeug.exceptions import BadRequest, NotFound, ServiceUnavailable

from dashboards.elements.theme import Theme
from dashboards.live.page import Drawing

CALLBACK = "/_dash-update-component"
"""Path of Dash's callbacks."""

LONGEST = 1_000_000
"""Bytes of a request; a browser's own take some hundreds."""


class AtOnce:
    """Bound on what is done at once: others wait for a moment, and are then asked to come again.

    Args:
        most: Number that are done at once.
        seconds: Time that another one waits.
    """

    def __init__(self, most: int, seconds: float) -> None:
        self._places = threading.BoundedSemaphore(most)
        self._seconds = seconds

    @contextlib.contextmanager
    def place(self) -> Iterator[None]:
        """Wait for a place.

        Raises:
            ServiceUnavailable: There is none in time.
        """
        if not self._places.acquire(timeout=self._seconds):
            said = "Others are being drawn: ask again in a moment."
            raise ServiceUnavailable(said, retry_after=round(self._seconds))
        try:
            yield
        finally:
            self._places.release()


def accept_well_formed(app: Dash) -> None:
    """Answer what no browser of ours would send by 400 or 404, without a traceback."""
    server: flask.Flask = app.server
    server.config["MAX_CONTENT_LENGTH"] = LONGEST

    @server.before_request
    def check() -> None:
        if flask.request.path == CALLBACK and flask.request.method == "POST":
            _require_callback(app, flask.request.get_json())

    @server.errorhandler(DependencyException)
    def unknown(_error: DependencyException) -> Any:  # noqa: ANN401  # Flask's own
        return NotFound("There is no such file.")


def require_state(
    search: object, theme: object, drawn: object, brushed: object
) -> tuple[str, Theme, Drawing | None, str | None]:
    """Return what a browser says of itself, in types.

    Raises:
        BadRequest: It is nothing that the page has told it.
    """
    texts = all(text is None or isinstance(text, str) for text in (search, brushed))
    if not texts or theme not in [*Theme]:
        raise BadRequest("The search, theme or brush is none of this page's.")
    if drawn is not None and not (
        isinstance(drawn, dict)
        and drawn.keys() <= {*Drawing._fields}
        and all(isinstance(value, str) for value in drawn.values())
    ):
        raise BadRequest("What was drawn before is none of this page's states.")
    before = Drawing(**drawn) if drawn else None
    return (
        str(search or ""),
        Theme(str(theme)),
        before,
        brushed if isinstance(brushed, str) else None,
    )


def _require_callback(app: Dash, body: object) -> None:
    """Check that a callback is one of this page, with the properties that it has."""
    output = body.get("output") if isinstance(body, dict) else None
    known = app.callback_map.get(output) if isinstance(output, str) else None
    if not isinstance(body, dict) or known is None:
        raise BadRequest("This page has no such callback.")
    wanted: dict[str, list[tuple[object, ...]]] = {
        name: [_property(each) for each in known[name]] for name in ("inputs", "state")
    }
    wanted["outputs"] = [tuple(each.rsplit(".", 1)) for each in str(output).strip(".").split("...")]
    for name, properties in wanted.items():
        given = body.get(name, [])
        if not isinstance(given, list) or [_property(each) for each in given] != properties:
            raise BadRequest(f"The callback's {name} are not those of this page.")
    changed = body.get("changedPropIds", [])
    if not isinstance(changed, list) or not all(isinstance(each, str) for each in changed):
        raise BadRequest("The callback's changedPropIds are no names.")


def _property(each: object) -> tuple[object, ...]:
    return (each.get("id"), each.get("property")) if isinstance(each, dict) else (None, None)
