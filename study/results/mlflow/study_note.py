"""Words of MLflow for people: the note of a study's own run, who ran it, and by which command."""

import contextlib
import getpass
from urllib.parse import urlsplit

from study.results.objective import OBJECTIVES
from study.results.plural import counted
from study.results.study_info import StudyInfo, StudySummary

NOTE_TAG = "mlflow.note.content"
"""Tag that MLflow shows as the description of a run, in Markdown."""

_START = "Search of space"
"""Words that every note of ours begins with: one that a person wrote is left alone."""


def is_ours(note: str) -> bool:
    """Return True if a note may be written over."""
    return not note or note.startswith(_START)


def study_note(info: StudyInfo, summary: StudySummary | None = None) -> str:
    """Return what a study is, and what came of it, in one paragraph.

    Args:
        info: The study.
        summary: Its results; None before its end.
    """
    names = " and ".join(objective.name for objective in info.objectives)
    sampler = info.sampler if info.rungs == () else f"{info.sampler} with {info.scheduler}"
    said = (
        f"{_START} {info.space} on {info.dataset}: {counted(info.trials, 'trial')} of "
        f"{counted(info.epochs, 'epoch')} by {sampler} for {names}, seed {info.seed}."
    )
    if info.confirm:
        seeds = counted(info.confirm, "fresh seed")
        said += f" Confirmed with {seeds}, in runs below that of each trial."
    if summary is None:
        return said
    said += (
        f" {summary.complete} complete, {summary.pruned} stopped early, {summary.failed} failed; "
        f"{counted(summary.front_size, 'trial')} on the front."
    )
    if summary.best is not None:
        name = summary.task.validated
        best = OBJECTIVES[name].format(summary.best)
        said += f" Best {name} {best}, a maximum over trials and so biased upwards."
    return said


def born_tags() -> dict[str, str]:
    """Return the tags by which MLflow's own clients tell who made a run, and by what."""
    tags = {"mlflow.source.name": "python -m study.run", "mlflow.source.type": "LOCAL"}
    with contextlib.suppress(OSError, KeyError):  # a container's user may have no name
        tags["mlflow.user"] = getpass.getuser()
    return tags


def runs_address(tracking_uri: str, experiment_id: str) -> str:
    """Return the address of the table of an experiment's runs in MLflow's pages.

    MLflow opens an experiment in its view of generative models unless the address says otherwise.

    Args:
        tracking_uri: Address of an MLflow server; a user and a masked password in it are left
            out, as the browser asks for both.
        experiment_id: MLflow's identifier of the experiment.
    """
    server = urlsplit(tracking_uri)
    base = server._replace(netloc=server.netloc.rpartition("@")[2]).geturl().rstrip("/")
    return f"{base}/#/experiments/{experiment_id}/runs?workflowType=machine_learning"
