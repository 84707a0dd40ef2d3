"""How an attempt to write into MLflow ended."""

from enum import IntEnum
from http import HTTPStatus


class Outcome(IntEnum):
    """From the best to the worst."""

    SENT = 0
    REFUSED = 1
    """The tracker answered, and would answer the same again."""
    AWAY = 2
    """The tracker did not answer, or not as usual."""
    USELESS = 3
    """Nothing that is left will ever be taken."""


def is_away(error: Exception) -> bool:
    """Whether a failure says nothing of what was asked, only of the tracker or the way to it."""
    from mlflow.exceptions import ERROR_CODE_TO_HTTP_STATUS, MlflowException
    from requests import RequestException

    if isinstance(error, RequestException | ConnectionError | TimeoutError):
        return True
    if not isinstance(error, MlflowException):
        return False
    status: int = ERROR_CODE_TO_HTTP_STATUS.get(error.error_code, HTTPStatus.INTERNAL_SERVER_ERROR)
    return status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS
