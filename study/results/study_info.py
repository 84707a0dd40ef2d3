"""What a study is, and how it ended."""

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from pnn_core.config import DatasetShape
from study.results.objective import Objective
from study.results.pareto import front
from study.results.run_record import RunRecord, RunState


@dataclass(frozen=True, kw_only=True)
class StudyInfo:
    """What is known of a study before its first trial.

    Attributes:
        name: Key of the study; with a trial's number, the trial's key.
        study_id: Random, drawn when the study begins: tells it from another one of its name.
        space: Name of the search space.
        dataset: Name of the data set.
        seed: Seed of the whole study.
        trials: Trials asked for; grows when a study is extended.
        epochs: Full budget of a trial, in passes over the training images.
        replicates: Seeds of each trial.
        confirm: Seeds that confirm each trial of the front and its controls; 0 for none.
        sampler: Name of the sampler.
        scheduler: Name of the scheduler.
        objectives: At least one.
        git_commit: Commit of the code; empty when it is not a checkout.
        versions: Library name to version.
        images: Shape of the images and number of classes; None where it was not recorded.
        rungs: Epochs after which trials are compared, in order, all below the full budget; empty
            where trials are never stopped early, or where it was not recorded.
        reduction_factor: One in so many goes on from each rung; None where there are none.
    """

    name: str
    study_id: str
    space: str
    dataset: str
    seed: int
    trials: int
    epochs: int
    replicates: int
    confirm: int
    sampler: str
    scheduler: str
    objectives: tuple[Objective, ...]
    git_commit: str
    versions: Mapping[str, str]
    images: DatasetShape | None = None
    rungs: tuple[int, ...] = ()
    reduction_factor: int | None = None

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


class StudyEnd(StrEnum):
    """Why a study stopped."""

    FINISHED = "finished"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, kw_only=True)
class StudySummary:
    """What a study gave, in a few numbers.

    Attributes:
        complete: Trials that ran their full budget.
        pruned: Trials stopped early by the scheduler.
        failed: Trials that ended without their full budget.
        front_size: Trials on the front.
        best_val_accuracy: Largest final validation accuracy of a complete trial, in [0, 1]; a
            maximum over trials, so biased upwards. None when no trial is complete.
    """

    complete: int
    pruned: int
    failed: int
    front_size: int
    best_val_accuracy: float | None


def summarise(records: Iterable[RunRecord], objectives: tuple[Objective, ...]) -> StudySummary:
    """Count trials by state, and measure the front."""
    records = tuple(records)
    states = [record.state for record in records]
    accuracies = [
        record.epochs[-1].val_accuracy
        for record in records
        if record.state is RunState.COMPLETE and record.epochs
    ]
    return StudySummary(
        complete=states.count(RunState.COMPLETE),
        pruned=states.count(RunState.PRUNED),
        failed=states.count(RunState.FAILED),
        front_size=len(front(records, objectives)),
        best_val_accuracy=max(accuracies, default=None),
    )
