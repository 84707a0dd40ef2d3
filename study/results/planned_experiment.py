"""Planned experiment as its readers know it: its arms, its comparisons and its number of seeds."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from search_spaces.experiment import PlannedComparison
from search_spaces.setting_names import VARIANT
from search_spaces.space import SearchSpace
from search_spaces.space_json import space_to_json
from study.results.bounded_json import parse_json
from study.results.run_record import RunRecord


@dataclass(frozen=True, kw_only=True)
class PlannedExperiment:
    """Plan of an experiment, fixed before its first run.

    Attributes:
        arms: Names of the arms, which are the variants of the space, in its order.
        comparisons: Comparisons in order; the first is the one named beforehand.
        seeds: Number of fresh seeds of each arm, over all blocks.
        digest: Digest of the space: blocks of one experiment share it.
    """

    arms: tuple[str, ...]
    comparisons: tuple[PlannedComparison, ...]
    seeds: int
    digest: str

    @classmethod
    def of(cls, space: SearchSpace) -> "PlannedExperiment | None":
        """Return the plan of a space; None where it has none."""
        if space.experiment is None:
            return None
        return cls(
            arms=tuple(space.variants),
            comparisons=space.experiment.comparisons,
            seeds=space.experiment.seeds,
            digest=space_digest(space),
        )

    @classmethod
    def parse(cls, text: str) -> "PlannedExperiment":
        """Read what `str` gives.

        Raises:
            ValueError: It is malformed.
        """
        try:
            document: dict[str, Any] = parse_json(text)
            comparisons = tuple(PlannedComparison(**c) for c in document.pop("comparisons"))
            return cls(arms=tuple(document.pop("arms")), comparisons=comparisons, **document)
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError(f"experiment (={text:.80}) cannot be read: {error}") from error

    def __str__(self) -> str:
        return json.dumps(asdict(self))


@dataclass(frozen=True, kw_only=True)
class Arm:
    """Arm of an experiment with its confirmed runs.

    Attributes:
        name: Name of the variant.
        trial: Its trial, which was trained once on the train images.
        runs: Confirmed runs in order of their seeds, failed ones among them.
    """

    name: str
    trial: RunRecord
    runs: tuple[RunRecord, ...]


def arm_of(trial: RunRecord) -> str:
    """Return the name of the arm that a trial is; empty where its space has no variants."""
    return str(trial.parameters.get(VARIANT, ""))


def experiment_arms(
    plan: PlannedExperiment, records: Iterable[RunRecord], confirmed: Iterable[RunRecord]
) -> tuple[Arm, ...]:
    """Gather the runs of each arm, in the order of the plan; arms without a trial are left out.

    Args:
        plan: Plan of the experiment.
        records: Trials of the study.
        confirmed: Its confirmed runs; those of a control beside an arm are no arm's.
    """
    trials: Mapping[str, RunRecord] = {arm_of(record): record for record in records}
    runs = sorted(confirmed, key=lambda run: run.seed)
    return tuple(
        Arm(
            name=name,
            trial=trials[name],
            runs=tuple(
                run
                for run in runs
                if run.trial == trials[name].number
                and run.layer == str(trials[name].parameters["layer"])
            ),
        )
        for name in plan.arms
        if name in trials
    )


def space_digest(space: SearchSpace) -> str:
    """Return what tells spaces apart: the same in every process, whatever the summary says.

    The order of axes and variants counts, as samplers and grids follow it.
    """
    content = space_to_json(space)
    del content["summary"]
    text = json.dumps(content, sort_keys=True, default=repr)
    return hashlib.sha256(text.encode()).hexdigest()
