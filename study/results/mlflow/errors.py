"""Error of a tracker that cannot be used."""

from study.results.error_messages import explain
from study.results.mask_secrets import hide_secrets


class TrackerUnreachableError(OSError):
    """A tracker does not answer, is no MLflow server, or cannot be opened or created."""

    def __init__(self, uri: str, cause: BaseException) -> None:
        shown = hide_secrets(uri, uri)
        super().__init__(f"MLflow tracker {shown} cannot be used: {explain(cause, uri)}")
