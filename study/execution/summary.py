"""Outcome of a study, as people and programs read it."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from pnn_core.config import CLASSIFICATION
from study.config import StudyConfig
from study.results.comparison_words import cautions, describe_with_trial
from study.results.kept_weights import KeptWeights
from study.results.limit import beyond
from study.results.mlflow.loaded_study import LoadedStudy
from study.results.paired_comparison import Comparison, compare
from study.results.pareto import front
from study.results.plural import counted
from study.results.record_codec import record_to_json
from study.results.run_record import RunRecord, RunState
from study.results.seal import Seal
from study.results.sealed_table import sealed_table_name
from study.results.study_info import StudyInfo

REASONS_SHOWN = 3


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """End of a study.

    Attributes:
        config: The study.
        info: Facts of it for the tracker and its readers.
        records: Records of all trials.
        confirmed: Runs of the confirmation that ended, if there was one.
        planned_confirmations: Number of runs that the confirmation was to have.
        commands: Commands to type next, by what they do.
        resume: Command that goes on with the study.
        validation_images: Number of images that the accuracies are measured on.
        warnings: Sentences about what went wrong without costing the front.
        seal: State of the experiment's seal, where one was confirmed: while it is closed, there is
            no confirmed run here.
        weights: Weights that were kept; None where none are to be kept.
    """

    config: StudyConfig
    info: StudyInfo
    records: tuple[RunRecord, ...]
    confirmed: tuple[RunRecord, ...] = ()
    planned_confirmations: int = 0
    commands: Mapping[str, str]
    resume: str
    validation_images: int
    warnings: tuple[str, ...] = ()
    seal: Seal | None = None
    weights: KeptWeights | None = None

    @cached_property
    def front(self) -> tuple[RunRecord, ...]:
        """Trials on the front."""
        return front(self.records, self.config.objectives, self.config.limit)

    @property
    def beyond_limits(self) -> tuple[RunRecord, ...]:
        """Complete trials that no front has, because they are beyond a limit."""
        return beyond(self.records, self.config.limit)

    @property
    def in_short(self) -> str:
        """Return one line for a message elsewhere."""
        states = ", ".join(f"{n} {state}" for state, n in self.states().items())
        return f"{states} of {self.config.trials}, {len(self.front)} on the front; {self.page}"

    @property
    def page(self) -> Path:
        """Page of pictures."""
        return self.config.output / "front.html"

    @property
    def csv(self) -> Path:
        """Front as data."""
        return self.config.output / "front.csv"

    @property
    def sealed_table(self) -> Path:
        """Table of an experiment's confirmed runs."""
        return self.config.output / sealed_table_name(self.config.name)

    def states(self) -> Counter[RunState]:
        """Count the trials by state."""
        return Counter(record.state for record in self.records)

    def with_warning(self, warning: str) -> "Outcome":
        """Return the same with one more warning."""
        return replace(self, warnings=(*self.warnings, warning))

    def as_interrupted(self) -> "Outcome":
        """Return the same, broken off: the way to go on takes the place of what could follow."""
        states = self.states()
        during = " during the confirmation" if self.planned_confirmations else ""
        said = f"Interrupted{during}: {states[RunState.COMPLETE]} of {self.config.trials} trials "
        said += "are complete"
        if states[RunState.PAUSED]:
            said += f", {states[RunState.PAUSED]} paused where they stood"
        return replace(self.with_warning(said), commands={"Go on": self.resume})

    def caution(self) -> str:
        """Say how far luck reaches: the binomial standard error of the best accuracy."""
        seeds = counted(self.config.replicates, "seed")
        text = f"Chosen on {self.validation_images:,} validation images, {seeds} a trial"
        if not self.front or self.info.task.name != CLASSIFICATION:
            return f"{text}."  # a mean of precisions has no binomial error
        best = max(record.metrics()["val_accuracy"] for record in self.front)
        points = 100 * math.sqrt(best * (1 - best) / self.validation_images)
        return f"{text}: standard error of the best {points:.1f} points, or more."

    @property
    def study(self) -> LoadedStudy:
        """The study as its tracker has it."""
        return LoadedStudy(
            info=self.info, records=self.records, confirmed=self.confirmed, undecodable=()
        )

    @cached_property
    def comparisons(self) -> tuple[Comparison, ...]:
        """Comparisons of what was confirmed, with their verdicts."""
        return compare(self.study)

    def as_json(self) -> dict[str, Any]:
        """Return the whole outcome as one JSON document."""
        return {
            "study": self.config.name,
            "space": self.config.space.name,
            "dataset": self.config.dataset,
            "epochs": self.config.epochs,
            "seed": self.config.seed,
            "objectives": [asdict(objective) for objective in self.config.objectives],
            "limits": [str(limit) for limit in self.config.limit],
            "beyond_limits": [record.number for record in self.beyond_limits],
            "trials": {state.value: count for state, count in self.states().items()},
            "failures": self._reasons(RunState.FAILED),
            "stops": self._reasons(RunState.PRUNED),
            "front": [
                {
                    "number": record.number,
                    "parameters": dict(record.parameters),
                    "metrics": record.metrics(),
                }
                for record in self.front
            ],
            "replicates": self.config.replicates,
            "confirmed": list(map(_confirmed_json, self.confirmed)),
            "comparisons": list(map(describe_with_trial, self.comparisons)),
            "cautions": cautions(self.comparisons),
            "experiment": None if self.seal is None else self._experiment_json(self.seal),
            "page": str(self.page),
            "csv": str(self.csv),
            "weights": None if self.weights is None else self.weights.as_json(),
            "validation_images": self.validation_images,
            "commands": dict(self.commands),
            "resume": self.resume,
            "warnings": list(self.warnings),
        }

    def _experiment_json(self, seal: Seal) -> dict[str, Any]:
        return {
            "ended": seal.ended,
            "planned": seal.planned,
            "failed": seal.failed,
            "sealed": not seal.is_open,
            "opened_early": seal.opened_early,
            "table": str(self.sealed_table),
        }

    def _reasons(self, state: RunState) -> dict[int, str]:
        """Return the reasons of all trials in a state, by their numbers."""
        return {record.number: record.reason for record in self.records if record.state is state}


def failures(records: Sequence[RunRecord]) -> Iterator[tuple[int, str]]:
    """Yield the most common reasons of failed runs, each with its count."""
    reasons = Counter(record.reason for record in records if record.state is RunState.FAILED)
    for reason, count in reasons.most_common(REASONS_SHOWN):
        yield count, reason


def _confirmed_json(run: RunRecord) -> dict[str, Any]:
    document = asdict(run)
    for name in ("key", "replicates", "stop"):
        del document[name]
    spelt = record_to_json(run)  # JSON holds no bits of images, and no NaN
    key = {"trial": run.trial, "layer": run.layer, "seed": run.seed}
    found = {"result": spelt["result"], "tuning": spelt.get("tuning", [])}
    return {**key, **document, **found, "metrics": run.metrics()}
