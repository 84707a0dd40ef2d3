"""Connection to an MLflow tracker: opened late, quiet, and never waiting for minutes."""

import logging
import math
import os
import sqlite3
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from study.results.databases import (
    check_remote_database,
    check_sqlite_file,
    holds_tables,
    is_remote_database,
    sqlite_path,
)
from study.results.error_messages import explain
from study.results.mask_secrets import hide_secrets
from study.results.mlflow.errors import TrackerUnreachableError
from study.results.mlflow.schema_cache import copy_tables

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Experiment, Run

CHECK_SECONDS = 4
"""Time that a tracker may take to answer at the start of a study."""

CALL_SECONDS = 20
"""Time that it may take over anything else."""

_RUNS_PER_PAGE = 1000

_LOUD_LOGGERS = ("mlflow", "alembic", "sqlalchemy", "urllib3")

# MLflow's usage telemetry would go out over the network; who wants it sets the variable.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

# Limits and silence of MLflow belong to the process, so one call at a time.
_ONE_CALL = threading.RLock()


class MlflowConnection:
    """One tracker.

    MLflow is imported at the first use, because that takes two seconds.

    Args:
        tracking_uri: Any that MLflow accepts; None for MLflow's own rule.

    Attributes:
        answered_at: Time when the tracker last did what it was asked, by `time.monotonic`.
    """

    def __init__(self, tracking_uri: str | None) -> None:
        self._given_uri = tracking_uri
        self.answered_at = -math.inf

    @cached_property
    def uri(self) -> str:
        """Return the tracking URI, resolved by MLflow's own rule where none was given."""
        if self._given_uri is not None:
            return self._given_uri
        with _quietly(CALL_SECONDS):
            import mlflow

            return mlflow.get_tracking_uri()

    @property
    def shown_uri(self) -> str:
        """Return the tracking URI, its passwords masked."""
        return hide_secrets(self.uri, self.uri)

    def explain(self, error: BaseException) -> str:
        """Return the cause of a failure in a few words, without this tracker's passwords."""
        return explain(error, self.uri)

    @property
    def exists(self) -> bool:
        """Return True if there is anything to open: MLflow has made the local file, if it is one.

        Raises:
            TrackerUnreachableError: The local file is no SQLite file.
        """
        path = sqlite_path(self.uri)
        try:
            return path is None or holds_tables(path)
        except Exception as error:
            # Not `from error`: what MLflow says may hold the password.
            raise TrackerUnreachableError(self.uri, error) from None

    @contextmanager
    def call(self, seconds: int = CALL_SECONDS) -> Iterator["MlflowClient"]:
        """Lend a client whose requests give up after so many seconds and are not repeated.

        `MLFLOW_HTTP_REQUEST_TIMEOUT` and `MLFLOW_HTTP_REQUEST_MAX_RETRIES` win where they are set.
        """
        with _quietly(seconds):
            yield cast("MlflowClient", _Timed(self._client, self._note_answer))

    @contextmanager
    def asking(self) -> Iterator["MlflowClient"]:
        """`call`, for what a user waits for.

        Raises:
            TrackerUnreachableError: The tracker fails.
        """
        try:
            with self.call() as client:
                yield client
        except (TrackerUnreachableError, ValueError):
            raise
        except Exception as error:
            # Not `from error`: what MLflow says may hold the password.
            raise TrackerUnreachableError(self.uri, error) from None

    def check(self) -> None:
        """Make sure that the tracker can be used, within ten seconds and without creating anything.

        Raises:
            TrackerUnreachableError: It cannot.
        """
        try:
            path = sqlite_path(self.uri)
            if path is not None:
                check_sqlite_file(path)
            elif is_remote_database(self.uri):
                check_remote_database(self.uri, CHECK_SECONDS)
            else:
                with self.call(CHECK_SECONDS) as client:
                    client.search_experiments(max_results=1)
        except Exception as error:
            raise TrackerUnreachableError(self.uri, error) from None

    def _note_answer(self) -> None:
        self.answered_at = time.monotonic()

    @cached_property
    def _client(self) -> "MlflowClient":
        with warnings.catch_warnings():  # its imports deprecate parts of each other
            warnings.simplefilter("ignore")
            from mlflow import MlflowClient

            # MLflow makes the tables itself where there are none: whatever fails here costs time.
            with suppress(OSError, RuntimeError, sqlite3.Error):
                copy_tables(self.uri)
            return MlflowClient(self.uri)


class _Timed:
    """Client that tells whenever one of its calls has succeeded."""

    def __init__(self, client: "MlflowClient", note_answer: Callable[[], None]) -> None:
        self._client = client
        self._note_answer = note_answer

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method: Callable[..., Any] = getattr(self._client, name)

        def call(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - any of its methods
            result = method(*arguments, **named)
            self._note_answer()
            return result

        return call


def search_all_experiments(client: "MlflowClient", filter_string: str) -> list["Experiment"]:
    """Return the experiments that pass a filter, the latest first, deleted ones among them.

    Args:
        client: Client of the tracker.
        filter_string: Filter in MLflow's language.
    """
    from mlflow.entities import ViewType

    found: list[Experiment] = []
    token: str | None = None
    while token is None or token:
        page = client.search_experiments(
            view_type=ViewType.ALL,
            filter_string=filter_string,
            order_by=["creation_time DESC"],
            page_token=token,
        )
        found += page
        token = page.token or ""
    return found


def search_all_runs(
    client: "MlflowClient",
    experiment_id: str,
    filter_string: str = "",
    *,
    with_deleted: bool = False,
) -> list["Run"]:
    """Return every run of an experiment, the oldest first.

    Args:
        client: Client of the tracker.
        experiment_id: MLflow's.
        filter_string: Filter in MLflow's language; empty for all.
        with_deleted: True for those in MLflow's trash, too.
    """
    runs: list[Run] = []
    token: str | None = None
    while token is None or token:
        page, token = search_page(
            client, experiment_id, filter_string, token, with_deleted=with_deleted
        )
        runs += page
    return runs


def search_page(
    client: "MlflowClient",
    experiment_id: str,
    filter_string: str,
    token: str | None,
    *,
    with_deleted: bool = False,
) -> tuple[list["Run"], str]:
    """Return one page of `search_all_runs`, and the token of the next; empty after the last.

    Args:
        client: Client of the tracker.
        experiment_id: MLflow's.
        filter_string: Filter in MLflow's language; empty for all.
        token: Token of this page; None for the first.
        with_deleted: True for runs in MLflow's trash, too.
    """
    from mlflow.entities import ViewType

    page = client.search_runs(
        [experiment_id],
        run_view_type=ViewType.ALL if with_deleted else ViewType.ACTIVE_ONLY,
        filter_string=filter_string,
        max_results=_RUNS_PER_PAGE,
        order_by=["attributes.start_time ASC"],
        page_token=token,
    )
    return list(page), page.token or ""


@contextmanager
def _quietly(seconds: int) -> Iterator[None]:
    """Bound MLflow's requests and silence what it prints, for the length of a block.

    MLflow reads its bounds from environment variables at each request. Their defaults are changed
    here and not the environment, which child processes would inherit, and which no thread can
    change safely while another one reads it.
    """
    with _ONE_CALL, ExitStack() as stack:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from mlflow import environment_variables as variables
        for variable, value in (
            (variables.MLFLOW_HTTP_REQUEST_TIMEOUT, seconds),
            (variables.MLFLOW_HTTP_REQUEST_MAX_RETRIES, 0),
            (variables.MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT, True),
            (variables.MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR, False),
        ):
            stack.callback(setattr, variable, "default", variable.default)
            variable.default = value
        for name in _LOUD_LOGGERS:
            logger = logging.getLogger(name)
            stack.callback(logger.setLevel, logger.level)
            logger.setLevel(logging.CRITICAL)
        yield


def read_series(client: "MlflowClient", run_id: str, metric: str) -> dict[int, float]:
    """Read all values of a metric of a run by step."""
    return {point.step: point.value for point in client.get_metric_history(run_id, metric)}
