"""Finding the experiment and the parent run of a study, and refusing those of another one."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from study.results.mlflow import study_format as fmt
from study.results.mlflow.client import search_all_runs
from study.results.mlflow.run_diff import ParameterChangedError, RunContent, RunMirror
from study.results.study_info import StudyInfo

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run


class StudyRefusedError(ValueError):
    """The experiment of the study's name is not the study's."""


def find_experiment(client: "MlflowClient", name: str, study_id: str) -> str | None:
    """Identifier of a study's experiment; None where there is none of its name.

    Raises:
        StudyRefusedError: It was deleted, or is no study, or another one.
    """
    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        return None
    elsewhere = "choose another name, or another tracker by --tracking-uri"
    if experiment.lifecycle_stage != "active":
        raise StudyRefusedError(
            f"MLflow's experiment {name!r} was deleted and still holds the name: restore it, "
            f"or {elsewhere}"
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
    """Find a study's experiment and all its runs, or create it.

    Raises:
        StudyRefusedError: The experiment of its name is not the study's.
    """
    experiment_id = find_experiment(client, info.name, info.study_id)
    if experiment_id is not None:
        return experiment_id, search_all_runs(client, experiment_id)
    tags = {fmt.STUDY_TAG: info.name, fmt.STUDY_ID_TAG: info.study_id}
    return str(client.create_experiment(info.name, tags=tags)), []


def find_parent(runs: Sequence["Run"], study_id: str) -> "Run | None":
    """The study's own run, the oldest that says so."""
    return next(
        (
            run
            for run in runs
            if fmt.STUDY_TAG in run.data.tags
            and run.data.tags.get(fmt.STUDY_ID_TAG, "") == study_id
        ),
        None,
    )


def open_parent(
    client: "MlflowClient", experiment_id: str, info: StudyInfo, runs: Sequence["Run"]
) -> str:
    """Take up the study's own run, or create it, and mark it as running.

    Raises:
        StudyRefusedError: It holds other settings.
    """
    tags = {**fmt.study_tags(info), "state": "running"}
    parent = find_parent(runs, info.study_id)
    if parent is None:
        new = client.create_run(experiment_id, tags=tags, run_name=info.name)
        mirror = RunMirror(new, is_new=True)
    else:
        mirror = RunMirror(parent, is_new=False)
    content = RunContent(params=fmt.study_params(info), tags=tags, status="RUNNING")
    try:
        mirror.write(client, content)
    except ParameterChangedError as error:
        raise StudyRefusedError(
            f"MLflow's study {info.name!r} has other settings: {error}"
        ) from None
    return mirror.run_id
