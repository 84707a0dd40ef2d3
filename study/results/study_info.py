"""Facts of a study before its first trial, and at its end."""

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from pnn_core.config import CLASSIFICATION, TASKS, DatasetShape, Task
from pnn_core.parts.own_code import OwnCode
from study.results.limit import Limits
from study.results.objective import Objective
from study.results.pareto import front
from study.results.planned_experiment import PlannedExperiment
from study.results.run_record import RunRecord, RunState
from study.results.settings import ShownSettings


@dataclass(frozen=True, kw_only=True)
class StudyInfo(ShownSettings):
    """Facts of a study before its first trial: the settings that MLflow shows, and more.

    Attributes:
        name: Key of the study; with a trial's number, the trial's key.
        study_id: Random, drawn when the study begins: tells it from another one of its name.
        space: Name of the search space.
        trials: Trials asked for; grows when a study is extended.
        sampler: Name of the sampler.
        git_commit: Commit of the code; empty when it is not a checkout.
        versions: Library name to version.
        images: Shape of the images and number of classes; None where it was not recorded.
        confirm_beforehand: Number of fresh seeds that was fixed before the first confirmed run: a
            verdict holds for these alone, and what `--confirm` added later is exploratory. None
            where it was not recorded, or no confirmation was asked for.
        controls_beforehand: Controls that were fixed before the first confirmed run: what
            `--controls` added later is exploratory. None where they were not recorded, or no
            confirmation was asked for.
        first_fresh_seed: First fresh seed, which the others follow; None where not recorded.
        sealed_runs: Number of confirmed runs of a planned experiment that ended while it was
            sealed; None where nothing was sealed, or it was not recorded.
        validation_images: Number of images that an epoch's accuracy is measured on; None where it
            was not recorded.
        rungs: Epochs after which trials are compared, in order, all below the full budget; empty
            where trials are never stopped early, or where it was not recorded.
        experiment: Plan that the space was made for; None for none.
        own: Code of one's own that the study used, without its text and its folder.
    """

    name: str
    study_id: str
    space: str
    trials: int
    sampler: str
    git_commit: str
    versions: Mapping[str, str]
    images: DatasetShape | None = None
    confirm_beforehand: int | None = None
    controls_beforehand: str | None = None
    first_fresh_seed: int | None = None
    sealed_runs: int | None = None
    validation_images: int | None = None
    rungs: tuple[int, ...] = ()
    experiment: PlannedExperiment | None = None
    own: tuple[OwnCode, ...] = ()

    def __post_init__(self) -> None:
        in_order = (0, *self.rungs, self.epochs)
        if self.rungs and any(a >= b for a, b in itertools.pairwise(in_order)):
            raise ValueError(
                f"rungs (={self.rungs}) must rise from at least 1 to below the full budget "
                f"(={self.epochs} epochs)"
            )
        if bool(self.rungs) != (self.reduction_factor is not None):
            raise ValueError(
                f"rungs (={self.rungs}) and reduction_factor (={self.reduction_factor}) go together"
            )

    @property
    def task(self) -> Task:
        """Task of its networks."""
        return TASKS[CLASSIFICATION if self.images is None else self.images.task]

    def is_exploratory(self, seed: int) -> bool:
        """Return True if a fresh seed was added after the number of seeds had been fixed."""
        if self.confirm_beforehand is None or self.first_fresh_seed is None:
            return False
        return seed >= self.first_fresh_seed + self.confirm_beforehand

    def is_added_control(self, layer: str) -> bool:
        """Return True if a control layer was added after the controls had been fixed."""
        fixed = self.controls_beforehand
        return fixed is not None and layer not in fixed.split(",")


class StudyEnd(StrEnum):
    """Reasons why a study stopped."""

    FINISHED = "finished"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, kw_only=True)
class StudySummary:
    """Results of a study in a few numbers.

    Attributes:
        complete: Trials that ran their full budget.
        pruned: Trials stopped early by the scheduler.
        failed: Trials that ended without their full budget.
        front_size: Trials on the front.
        task: Task of its networks.
        best: Largest final figure of merit on validation images of a complete trial
            (`EpochResult.merit`), in [0, 1]; a maximum over trials, so biased upwards. None when no
            trial is complete.
    """

    complete: int
    pruned: int
    failed: int
    front_size: int
    best: float | None
    task: Task = TASKS[CLASSIFICATION]


def summarise(
    records: Iterable[RunRecord], objectives: tuple[Objective, ...], limits: Limits
) -> StudySummary:
    """Count trials by state, and measure the front."""
    records = tuple(records)
    states = [record.state for record in records]
    finals = [
        record.epochs[-1].merit
        for record in records
        if record.state is RunState.COMPLETE and record.epochs
    ]
    return StudySummary(
        complete=states.count(RunState.COMPLETE),
        pruned=states.count(RunState.PRUNED),
        failed=states.count(RunState.FAILED),
        front_size=len(front(records, objectives, limits)),
        best=max(finals, default=None),
        task=next((record.task for record in records), TASKS[CLASSIFICATION]),
    )
