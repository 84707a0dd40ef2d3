"""Outcome of an attempt to write into MLflow."""

from enum import IntEnum
from http import HTTPStatus


class Outcome(IntEnum):
    """Outcome of an attempt, from the best to the worst."""

    SENT = 0
    REFUSED = 1
    """The tracker answered, and would answer the same again."""
    AWAY = 2
    """The tracker did not answer, or not as usual."""
    USELESS = 3
    """The tracker will never take what is left."""


def is_away(error: Exception) -> bool:
    """Return True if a failure tells only of the tracker or the way to it, not of the request."""
    from mlflow.exceptions import ERROR_CODE_TO_HTTP_STATUS, MlflowException
    from requests import RequestException

    if isinstance(error, RequestException | ConnectionError | TimeoutError):
        return True
    if not isinstance(error, MlflowException):
        return False
    status: int = ERROR_CODE_TO_HTTP_STATUS.get(error.error_code, HTTPStatus.INTERNAL_SERVER_ERROR)
    return status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS
