"""Names of the studies that a tracker holds."""

from pnn_core.config.checks import nearest
from study.results.mlflow import study_format as fmt
from study.results.mlflow.client import MlflowConnection


class UnknownStudyError(ValueError):
    """The tracker holds no study of that name.

    Args:
        connection: The tracker.
        name: Name that was asked for; the nearest one that is there is named.
    """

    def __init__(self, connection: MlflowConnection, name: str) -> None:
        known = study_names(connection)
        near = nearest(name, known)
        hint = f"; did you mean {near!r}?" if near else ", which holds no study yet"
        super().__init__(f"there is no study {name!r} in MLflow at {connection.shown_uri}{hint}")


def study_names(connection: MlflowConnection) -> tuple[str, ...]:
    """Names of all studies, the latest first.

    Raises:
        TrackerUnreachableError: The tracker fails.
    """
    if not connection.exists:
        return ()
    names: list[str] = []
    token: str | None = None
    with connection.asking() as client:
        while token is None or token:
            page = client.search_experiments(
                filter_string=f"tags.{fmt.STUDY_TAG} LIKE '%'",
                order_by=["creation_time DESC"],
                page_token=token,
            )
            names += [experiment.name for experiment in page]
            token = page.token or ""
    return tuple(names)
