"""Words on several studies in one picture, and reasons that forbid comparing two."""

from collections.abc import Sequence

from dashboards.elements.caption import complete, describe_seeds, describe_trials
from study.results.mlflow.loaded_study import LoadedStudy
from study.results.plural import counted
from study.results.study_info import StudyInfo


def named(studies: Sequence[LoadedStudy]) -> str:
    """Studies in a title: by name while they are few."""
    names = [study.info.name for study in studies]
    return ", ".join(names) if len(names) <= 3 else f"{len(names)} studies"


def what_differs(info: StudyInfo, first: StudyInfo) -> str:
    """Say why a study cannot be compared with another one; empty where it can.

    Such as: data set mnist instead of digits, 10 epochs instead of 4.
    """
    differences = []
    if info.dataset != first.dataset:
        differences.append(f"data set {info.dataset} instead of {first.dataset}")
    if info.epochs != first.epochs:
        differences.append(f"{counted(info.epochs, 'epoch')} instead of {first.epochs}")
    if {*info.objectives} != {*first.objectives}:
        ours, theirs = (" and ".join(o.name for o in i.objectives) for i in (info, first))
        differences.append(f"objectives {ours} instead of {theirs}")
    return ", ".join(differences)


def comparable(studies: Sequence[LoadedStudy]) -> list[tuple[int, LoadedStudy]]:
    """Return the studies that may be drawn over the first one, each with its position."""
    first = studies[0].info
    return [(i, s) for i, s in enumerate(studies) if not what_differs(s.info, first)]


def reasons_apart(studies: Sequence[LoadedStudy]) -> list[str]:
    """Say which studies are not drawn over the first one, and why, as the sentence to begin with.

    Such as: Not drawn: short (3 epochs instead of 6), which cannot be compared with tpe.
    """
    first = studies[0].info
    apart = [
        f"{study.info.name} ({difference})"
        for study in studies[1:]
        if (difference := what_differs(study.info, first))
    ]
    if not apart:
        return []
    return [f"Not drawn: {', '.join(apart)}, which cannot be compared with {first.name}."]


def describe_studies(studies: Sequence[LoadedStudy]) -> list[str]:
    """Describe several studies: a sentence for each data set and budget."""
    if len(studies) == 1:
        return [describe_trials(studies[0].info, studies[0].records)]
    of_budget: dict[str, list[str]] = {}
    for study in studies:
        info, n = study.info, len(complete(study.records))
        seeds = describe_seeds(study.records)
        budget = f"{info.dataset}, {counted(info.epochs, 'epoch')} each, {seeds} per trial"
        share = f"{info.name} ({n} of {counted(len(study.records), 'trial')} complete)"
        of_budget.setdefault(budget, []).append(share)
    return [f"{budget}: {', '.join(shares)}." for budget, shares in of_budget.items()]


def clicks(position: int, numbers: Sequence[int]) -> list[list[int]] | None:
    """Return what clicks on points open: trials of the study looked at, which is the first one."""
    return None if position else [[number] for number in numbers]
