"""Names of the studies that a tracker holds, and the experiment that each name stands for.

A study is known by its tag `study_id`, and its name is that of its tag `pnn_study`: both stay when
somebody renames the experiment.
"""

from collections import defaultdict
from typing import TYPE_CHECKING

from pnn_core.config.checks import nearest
from study.results.mlflow.client import MlflowConnection, search_all_experiments
from study.results.mlflow.study_format import STUDY_TAG

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Experiment

ANY_STUDY = f"tags.{STUDY_TAG} LIKE '%'"
"""Filter for experiments that are studies."""


class UnknownStudyError(ValueError):
    """The tracker holds no study of that name, or not enough of it; the message is one sentence."""


def study_names(connection: MlflowConnection) -> tuple[str, ...]:
    """Return the names of all studies, the latest first.

    Raises:
        TrackerUnreachableError: The tracker fails.
    """
    if not connection.exists:
        return ()
    with connection.asking() as client:
        return tuple(named_studies(client))


def named_studies(client: "MlflowClient") -> "dict[str, Experiment]":
    """Return the experiments of all studies by the names of these, the latest first."""
    found = search_all_experiments(client, ANY_STUDY)
    return _named([experiment for experiment in found if is_active(experiment)])


def find_named(connection: MlflowConnection, name: str) -> tuple[str, "Experiment"]:
    """Return a study's name and its experiment, by the name of either.

    Raises:
        UnknownStudyError: There is none; says what became of it, or names the nearest study.
        TrackerUnreachableError: The tracker fails.
    """
    if not connection.exists:
        raise _unknown(connection, name, ())
    with connection.asking() as client:
        own = client.get_experiment_by_name(name)
        if own is not None and is_active(own) and own.tags.get(STUDY_TAG) == name:
            return name, own
        studies = search_all_experiments(client, ANY_STUDY)
    active = _named([experiment for experiment in studies if is_active(experiment)])
    if name in active:
        return name, active[name]
    for known, experiment in active.items():
        if experiment.name == name:
            return known, experiment
    place = f"in MLflow at {connection.shown_uri}"
    for experiment in studies:
        if name in (experiment.name, experiment.tags[STUDY_TAG]):
            how = how_to_restore(experiment)
            raise UnknownStudyError(f"study {name!r} was deleted {place}: {how}")
    raise _unknown(connection, name, tuple(active))


def describe_taken(connection: MlflowConnection, name: str) -> str:
    """Describe what has a name in a tracker already; empty where it is free.

    An experiment that is no study, or was deleted, counts: MLflow gives its name to no other.

    Raises:
        TrackerUnreachableError: The tracker fails.
    """
    if not connection.exists:
        return ""
    place = f"MLflow at {connection.shown_uri}"
    with connection.asking() as client:
        own = client.get_experiment_by_name(name)
        found = own or _tagged(client, name)
    if found is None:
        return ""
    if not is_active(found):
        return (
            f"a deleted experiment of that name is kept in {place} ({how_to_restore(found)}, or "
            "have it removed for good by mlflow gc)"
        )
    if STUDY_TAG not in found.tags:
        return f"an experiment of that name, which is no study, exists in {place}"
    renamed = f", where its experiment is called {found.name!r}" if found.name != name else ""
    return f"a study of that name exists in {place}{renamed}"


def is_active(experiment: "Experiment") -> bool:
    """Return True if an experiment was not deleted."""
    return bool(experiment.lifecycle_stage == "active")


def how_to_restore(experiment: "Experiment") -> str:
    """Return the command that brings a deleted experiment back."""
    return f"bring it back by mlflow experiments restore --experiment-id {experiment.experiment_id}"


def _tagged(client: "MlflowClient", name: str) -> "Experiment | None":
    """Return the experiment of a study that somebody gave another name; None for none."""
    found = search_all_experiments(client, ANY_STUDY)
    return next((e for e in found if e.tags[STUDY_TAG] == name), None)


def _named(studies: list["Experiment"]) -> dict[str, "Experiment"]:
    """Return experiments by the names of their studies, in the same order.

    Of several with one name, such as a copy that somebody made, the experiment that is called so
    keeps it, else the oldest; the others go by the names of their experiments.
    """
    same: dict[str, list[Experiment]] = defaultdict(list)
    for experiment in studies:
        same[experiment.tags[STUDY_TAG]].append(experiment)
    first = {name: min(found, key=precedence).experiment_id for name, found in same.items()}
    named = {}
    for experiment in studies:
        name = experiment.tags[STUDY_TAG]
        keeps = experiment.experiment_id == first[name]
        named[name if keeps else experiment.name] = experiment
    return named


def precedence(experiment: "Experiment") -> tuple[bool, bool, int]:
    """Return what decides between experiments of one study: active, called so, the oldest."""
    is_called_so = experiment.name == experiment.tags.get(STUDY_TAG)
    return not is_active(experiment), not is_called_so, experiment.creation_time or 0


def _unknown(connection: MlflowConnection, name: str, known: tuple[str, ...]) -> UnknownStudyError:
    near = nearest(name, known)
    hint = f"; did you mean {near!r}?" if near else ", which holds no study yet"
    place = f"in MLflow at {connection.shown_uri}"
    return UnknownStudyError(f"there is no study {name!r} {place}{hint}")
