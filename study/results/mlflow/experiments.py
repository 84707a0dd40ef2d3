"""Finding the experiment and the runs of a study by its `study_id`, whatever they are called."""

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from study.results.mlflow import study_format as fmt
from study.results.mlflow.client import search_all_experiments, search_all_runs
from study.results.mlflow.run_diff import ParameterChangedError, RunContent, RunMirror
from study.results.mlflow.study_names import how_to_restore, is_active, precedence
from study.results.mlflow.study_note import NOTE_TAG, born_tags, is_ours, study_note
from study.results.study_info import StudyInfo

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run


_LONGEST_DIGEST = 36
"""Characters of a digest that MLflow's databases take."""


class StudyRefusedError(ValueError):
    """The experiment of a study was deleted, or another one has its name."""


def find_experiment(client: "MlflowClient", name: str, study_id: str) -> str | None:
    """Return the identifier of a study's experiment; None where there is none and the name is free.

    Args:
        client: Client of the tracker.
        name: Name of the study.
        study_id: Identifier of the study: its experiment may have another name by now.

    Raises:
        StudyRefusedError: It was deleted, or what has its name is no study, or another one.
    """
    elsewhere = "choose another name, or another tracker by --tracking-uri"
    of_study = search_all_experiments(client, f"tags.{fmt.STUDY_ID_TAG} = '{study_id}'")
    experiment = min(of_study, key=precedence, default=None)
    if experiment is None:
        experiment = client.get_experiment_by_name(name)
    if experiment is None:
        return None
    if not is_active(experiment):
        raise StudyRefusedError(
            f"MLflow's experiment {experiment.name!r} was deleted and still holds the name: "
            f"{how_to_restore(experiment)}, or {elsewhere}"
        )
    if fmt.STUDY_TAG not in experiment.tags:
        raise StudyRefusedError(
            f"MLflow's experiment {name!r} is not a study of this platform: {elsewhere}"
        )
    owner = experiment.tags.get(fmt.STUDY_ID_TAG, "")
    if owner != study_id:
        raise StudyRefusedError(
            f"MLflow's experiment {name!r} holds another study of that name "
            f"(study_id {owner or 'unknown'}, not {study_id}): {elsewhere}"
        )
    return str(experiment.experiment_id)


def open_experiment(client: "MlflowClient", info: StudyInfo) -> tuple[str, list["Run"]]:
    """Find a study's experiment and the study's runs, or create it.

    Returns:
        Identifier of the experiment, and runs of the study: those that are there before those
        that were deleted, each the oldest first.

    Raises:
        StudyRefusedError: The experiment was deleted, or that of the study's name is another's.
    """
    experiment_id = find_experiment(client, info.name, info.study_id)
    if experiment_id is not None:
        runs = search_all_runs(client, experiment_id, with_deleted=True)
        own = [run for run in runs if run.data.tags.get(fmt.STUDY_ID_TAG, "") == info.study_id]
        return experiment_id, sorted(own, key=is_deleted)
    tags = {fmt.STUDY_TAG: info.name, fmt.STUDY_ID_TAG: info.study_id}
    return str(client.create_experiment(info.name, tags=tags)), []


def is_deleted(run: "Run") -> bool:
    """Return True if a run lies in MLflow's trash."""
    return bool(run.info.lifecycle_stage != "active")


def open_parent(
    client: "MlflowClient",
    experiment_id: str,
    info: StudyInfo,
    runs: Sequence["Run"],
    digest: Callable[[], str] | None = None,
) -> RunMirror:
    """Take up the study's own run, restored where it was deleted, or create it; mark it as running.

    Args:
        client: Client of the tracker.
        experiment_id: Identifier of the experiment.
        info: Study.
        runs: Runs of the study, as `open_experiment` gives them.
        digest: Function that returns the digest of the images; None to leave the data set out.

    Raises:
        StudyRefusedError: It holds other settings.
    """
    tags = {**fmt.study_tags(info), "state": "running"}
    parent = next((run for run in runs if fmt.STUDY_TAG in run.data.tags), None)
    if parent is None:
        new = client.create_run(experiment_id, tags={**tags, **born_tags()}, run_name=info.name)
        mirror = RunMirror(new, is_new=True)
    else:
        if is_deleted(parent):
            client.restore_run(parent.info.run_id)
        mirror = RunMirror(parent, is_new=False)
    if is_ours(mirror.tag(NOTE_TAG)):
        tags[NOTE_TAG] = study_note(info)
    content = RunContent(params=fmt.study_params(info), tags=tags, status="RUNNING")
    try:
        mirror.write(client, content)
    except ParameterChangedError as error:
        raise StudyRefusedError(
            f"MLflow's study {info.name!r} has other settings: {error}"
        ) from None
    has_dataset = parent is not None and parent.inputs and parent.inputs.dataset_inputs
    if digest is not None and not has_dataset:
        _log_dataset(client, mirror.run_id, info.dataset, digest())
    return mirror


def _log_dataset(client: "MlflowClient", run_id: str, name: str, digest: str) -> None:
    """Write a data set as the input of a run; once more, it changes nothing."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    dataset = Dataset(name, digest[:_LONGEST_DIGEST], "local", json.dumps({"uri": name}))
    context = InputTag("mlflow.data.context", "training")
    client.log_inputs(run_id, [DatasetInput(dataset, [context])])
