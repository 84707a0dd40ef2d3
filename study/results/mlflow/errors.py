"""Error of a tracker that cannot be used."""

from study.results.error_messages import explain
from study.results.mask_secrets import hide_secrets

_WHO_ARE_YOU = (
    "it does not know this user: set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or "
    "http://USER:PASSWORD@HOST"
)


class TrackerUnreachableError(OSError):
    """A tracker does not answer, is no MLflow server, or cannot be opened or created."""

    def __init__(self, uri: str, cause: BaseException) -> None:
        shown = hide_secrets(uri, uri)
        # MLflow has no error of its own for it.
        is_refused = " failed with error code 401 " in str(cause)
        why = _WHO_ARE_YOU if is_refused else explain(cause, uri)
        super().__init__(f"MLflow tracker {shown} cannot be used: {why}")
