"""Studies kept in MLflow: which there are, and reading them back."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from study.results.mlflow.annotation import Annotations
from study.results.mlflow.client import MlflowConnection
from study.results.mlflow.experiments import find_experiment
from study.results.mlflow.live_reader import StudyFeed
from study.results.mlflow.loaded_study import LoadedStudy
from study.results.mlflow.overview import OverviewReader, StudyOverview
from study.results.mlflow.request_box import RequestBox
from study.results.mlflow.study_names import describe_taken, study_names
from study.results.mlflow.study_writer import MlflowStudy
from study.results.mlflow.weights import fetched_file
from study.results.run_record import RunKey
from study.results.study_info import StudyInfo
from study.results.weight_files import weight_file


class MlflowStore:
    """Studies in an MLflow tracker, each one an experiment that carries its identifier.

    Every method but `open_study` and `follow_study` raises `TrackerUnreachableError` when the
    tracker fails.

    Args:
        tracking_uri: Any that MLflow accepts; None for MLflow's own rule: `MLFLOW_TRACKING_URI`,
            else its local default.
    """

    def __init__(self, tracking_uri: str | None) -> None:
        self._connection = MlflowConnection(tracking_uri)
        self._overviews = OverviewReader(self._connection)

    @property
    def shown_uri(self) -> str:
        """Return the tracking URI in use, its password masked."""
        return self._connection.shown_uri

    def check(self) -> None:
        """Make sure that studies can be written, within ten seconds and without creating anything.

        Raises:
            TrackerUnreachableError: The tracker does not answer, is no MLflow server, or cannot be
                opened or created.
        """
        self._connection.check()

    def has_study(self, name: str) -> bool:
        """Return True if the name is taken: see `describe_taken`."""
        return bool(self.describe_taken(name))

    def describe_taken(self, name: str) -> str:
        """Describe what has a name already; empty where it is free.

        An experiment that is no study or was deleted counts: MLflow gives its name to no other.
        So does a study whose experiment was renamed.
        """
        return describe_taken(self._connection, name)

    def check_owner(self, name: str, study_id: str) -> None:
        """Make sure that the tracker holds that study, or nothing under its name.

        Raises:
            StudyRefusedError: It was deleted, or is no study, or another one.
        """
        if self._connection.exists:
            with self._connection.asking() as client:
                find_experiment(client, name, study_id)

    def study_names(self) -> tuple[str, ...]:
        """Return the names of all studies, the latest first."""
        return study_names(self._connection)

    def overviews(self) -> tuple[StudyOverview, ...]:
        """Return the latest studies, each in a line, without reading their trials."""
        return self._overviews.read()

    def open_study(self, info: StudyInfo, digest: Callable[[], str] | None = None) -> MlflowStudy:
        """Prepare a study for writing; nothing is created before its `open`.

        Args:
            info: The study.
            digest: Function that returns the digest of its images; None to leave the data set out.
        """
        return MlflowStudy(self._connection, info, digest)

    def load_study(self, name: str) -> LoadedStudy:
        """Read a study back.

        Raises:
            UnknownStudyError: There is none of that name; the nearest one is named.
            ValueError: Its parent run cannot be read.
        """
        return self.follow_study(name).read().study

    @contextmanager
    def weights(self, name: str, key: RunKey, seed: int) -> Iterator[Path | None]:
        """Fetch the weights of one seed of a run, for the length of a block; None without any.

        Raises:
            UnknownStudyError: There is no study of that name; the nearest one is named.
        """
        with fetched_file(self._connection, name, key, weight_file(key, seed)) as path:
            yield path

    def fetch_file(self, name: str, key: RunKey, file: str) -> bytes | None:
        """Return a file beside the weights of a run (`picture_files`); None without it.

        Raises:
            UnknownStudyError: There is no study of that name; the nearest one is named.
        """
        with fetched_file(self._connection, name, key, file) as path:
            return None if path is None else path.read_bytes()

    def request_box(self, run_id: str) -> RequestBox:
        """Return the requests to a study, by MLflow's identifier of its own run."""
        return RequestBox(self._connection, run_id)

    @property
    def annotations(self) -> Annotations:
        """Return notes and tags of people on runs."""
        return Annotations(self._connection)

    def follow_study(self, name: str, progress: Callable[[int], None] | None = None) -> StudyFeed:
        """Prepare to follow a study; nothing is asked before its `read`.

        Args:
            name: Name of the study.
            progress: Told how many runs have been read so far.
        """
        return StudyFeed(self._connection, name, progress)
