"""Weights of networks as artifacts of their runs."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from study.results.mlflow import run_format as fmt
from study.results.mlflow.client import MlflowConnection, search_all_runs
from study.results.mlflow.study_format import STUDY_ID_TAG
from study.results.mlflow.study_names import find_named
from study.results.run_record import RunKey
from study.results.weight_files import artifact_folder

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run


def send_weights(client: "MlflowClient", run_id: str, files: Sequence[Path]) -> None:
    """Send those files that a run lacks, or holds a part of.

    Args:
        client: Client of the tracker.
        run_id: MLflow's identifier of the run.
        files: Files.

    Raises:
        FileNotFoundError: One is not there, as where the study's folder was moved away: it is sent
            once it is back.
    """
    if not files:
        return
    folders = {artifact_folder(path.name) for path in files}
    found = (file for folder in sorted(folders) for file in client.list_artifacts(run_id, folder))
    there = {Path(file.path).name: file.file_size for file in found}
    for path in files:
        if not path.is_file():
            raise FileNotFoundError(f"{path} is not there")
        if there.get(path.name) != path.stat().st_size:
            client.log_artifact(run_id, str(path), artifact_folder(path.name))


@contextmanager
def fetched_file(
    connection: MlflowConnection, name: str, key: RunKey, file: str
) -> Iterator[Path | None]:
    """Fetch a file of a run, for the length of a block; None where the tracker holds none.

    Args:
        connection: The tracker.
        name: Name of the study.
        key: Key of the run.
        file: Name of the file, of `study.results.weight_files`.

    Raises:
        UnknownStudyError: There is no such study.
        TrackerUnreachableError: The tracker fails.
    """
    _, experiment = find_named(connection, name)
    study_id = experiment.tags.get(STUDY_ID_TAG, "")
    with TemporaryDirectory(prefix="pnn-study-weights-") as folder:
        with connection.asking() as client:
            run_id = _find_run(client, str(experiment.experiment_id), study_id, key)
            path = None if run_id is None else _fetch(client, run_id, file, folder)
        yield path


def _fetch(client: "MlflowClient", run_id: str, file: str, folder: str) -> Path | None:
    place = artifact_folder(file)
    if file not in {Path(held.path).name for held in client.list_artifacts(run_id, place)}:
        return None
    return Path(client.download_artifacts(run_id, f"{place}/{file}", folder))


def _find_run(client: "MlflowClient", experiment_id: str, study_id: str, key: RunKey) -> str | None:
    """Return the identifier of the run of a key, the oldest where there are several."""
    tag = fmt.CONFIRMS_TAG if key.is_confirmation else fmt.TRIAL_NUMBER_TAG
    for run in search_all_runs(client, experiment_id, f"tags.{tag} = '{key.trial}'"):
        if run.data.tags.get(STUDY_ID_TAG) == study_id and _key(run) == key:
            return str(run.info.run_id)
    return None


def _key(run: "Run") -> RunKey | None:
    try:
        return fmt.run_key(run.data.tags)
    except KeyError:  # a run of another tool
        return None
