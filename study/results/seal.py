"""Seal of a planned experiment: no test figure is seen before its last run has ended."""

from collections.abc import Iterable
from dataclasses import dataclass

from study.results.planned_experiment import experiment_arms
from study.results.plural import counted
from study.results.run_record import RunRecord, RunState
from study.results.study_info import StudyInfo


@dataclass(frozen=True, kw_only=True)
class Seal:
    """State of an experiment's seal.

    Attributes:
        arms: Number of arms.
        seeds: Number of fresh seeds of each, as planned.
        ended: Number of planned runs that have ended, failed ones among them.
        failed: Number of those that failed.
        opened_early: True if somebody asked to see the figures before the last run had ended.
    """

    arms: int
    seeds: int
    ended: int
    failed: int
    opened_early: bool

    @property
    def planned(self) -> int:
        """Number of runs of the whole experiment."""
        return self.arms * self.seeds

    @property
    def is_complete(self) -> bool:
        """True if every planned run has ended."""
        return self.ended == self.planned

    @property
    def is_open(self) -> bool:
        """True if test figures may be seen."""
        return self.is_complete or self.opened_early

    def describe(self) -> str:
        """Say in a sentence or two how far the experiment is, and if its figures may be seen."""
        whole = f"{counted(self.arms, 'arm')} of {counted(self.seeds, 'fresh seed')}"
        runs = f"{self.ended} of {counted(self.planned, 'run')} of the experiment have ended"
        text = f"{runs} ({whole})" + (f", {self.failed} of them failed" if self.failed else "")
        if self.opened_early:
            return f"{text}. {OPENED_EARLY}"
        if self.is_complete:
            return f"{text}: the seal is open."
        return f"{text}. Sealed: no test figure is shown before the last one."


OPENED_EARLY = (
    "The seal was opened early, by --open-early: who saw figures could stop, or change what "
    "follows, so that no verdict holds as one that was fixed beforehand."
)
"""Sentence that every page and final word of an experiment has that was opened early."""

SEALED = "A planned experiment, sealed: no test figure is shown before its last run has ended."
"""Sentence that every page of an experiment has whose figures must not be seen yet."""


def describe_sealed(info: StudyInfo) -> str:
    """Say that an experiment is sealed, and where it is recorded, how many of its runs have ended.

    Args:
        info: Study of which no confirmed run can be seen.
    """
    if info.experiment is None or info.sealed_runs is None:
        return SEALED
    planned = counted(len(info.experiment.arms) * info.experiment.seeds, "run")
    return f"{SEALED} {info.sealed_runs} of the experiment's {planned} have ended in this study."


def seal_of(
    info: StudyInfo, records: Iterable[RunRecord], confirmed: Iterable[RunRecord]
) -> Seal | None:
    """Return the state of a study's seal; None where it is no planned experiment.

    Args:
        info: Study, or several blocks of one experiment as one.
        records: Its trials.
        confirmed: Its confirmed runs.
    """
    plan = info.experiment
    if plan is None:
        return None
    arms = experiment_arms(plan, records, confirmed)
    ended = [[run for run in arm.runs if run.state.is_final][: plan.seeds] for arm in arms]
    return Seal(
        arms=len(plan.arms),
        seeds=plan.seeds,
        ended=sum(map(len, ended)),
        failed=sum(run.state is RunState.FAILED for runs in ended for run in runs),
        opened_early=info.open_early,
    )
