"""Comparisons of confirmed networks, seed by seed, each with a verdict.

A control is the same network with another spatial layer, at the same number of learnable
parameters. Both trained with the same seeds, so that the difference is taken seed by seed. A
verdict holds for the seeds whose number was fixed beforehand, and for those that do not collapse.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from pnn_core.config import ConfirmResult
from study.results.layer_result import PERTURBATION, LayerResult, layer_results
from study.results.mlflow.loaded_study import LoadedStudy
from study.results.planned_experiment import arm_of
from study.results.statistics.confidence_intervals import FEWEST_SEEDS, Estimate, paired_difference
from study.results.statistics.seeds_and_images import (
    correct_images,
    mean_over_seeds_and_images,
)
from study.results.statistics.verdicts import Decision, Question, Verdict, decide

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Standing(StrEnum):
    """Reason why two networks are compared."""

    FIRST = "named beforehand"
    """First comparison of a planned experiment, whose verdict stands by itself."""
    PLANNED = "planned"
    CONTROL = "control"


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two confirmed networks, of the seeds whose number was fixed beforehand.

    Attributes:
        first: Network whose accuracy minus the other's is the difference; the perturbation layer,
            beside a control.
        second: Network that it is compared with.
        names: Names of both.
        standing: Reason why they are compared.
        matters: Smallest difference of accuracies that would matter; None where none was named.
        planned_seeds: Number of seeds that was fixed beforehand; None where it was not recorded.
        chosen_for: Layer that the search chose the settings of both for.
        exploratory: Difference over all seeds, where some were added later; None elsewhere.
        is_added: True beside a control that was added after the controls had been fixed, so that
            the whole comparison is exploratory.
    """

    first: LayerResult
    second: LayerResult
    names: tuple[str, str]
    standing: Standing
    matters: float | None = None
    planned_seeds: int | None = None
    chosen_for: str = PERTURBATION
    exploratory: Estimate | None = None
    is_added: bool = False

    @property
    def awaits_seeds(self) -> bool:
        """True until every seed has ended: a verdict on fewer would follow from looking early."""
        ended = min(self.first.ended, self.second.ended)
        return self.planned_seeds is not None and ended < self.planned_seeds

    @property
    def difference(self) -> Estimate | None:
        """Mean over the seeds complete in both, collapsed ones included; None without any."""
        return _difference(self.first, self.second)

    @property
    def without_collapses(self) -> Estimate | None:
        """Mean over the pairs of which neither seed collapsed; None without any."""
        out = self.first.collapsed | self.second.collapsed
        accuracies = self.first.test_accuracies
        kept = {seed: value for seed, value in accuracies.items() if seed not in out}
        others = self.second.test_accuracies
        return paired_difference(kept, others) if kept.keys() & others.keys() else None

    @property
    def over_images(self) -> Estimate | None:
        """Mean over the same seeds, with an interval for other test images as well.

        None where fewer than three pairs recorded which images were right.
        """
        ours, theirs = self.first.results, self.second.results
        seeds = [
            seed
            for seed in ours
            if seed in theirs and ours[seed].test_images == theirs[seed].test_images > 1
        ]
        if len(seeds) < FEWEST_SEEDS:
            return None
        return mean_over_seeds_and_images(
            [_right_images(ours[seed]) - _right_images(theirs[seed]) for seed in seeds]
        )

    @property
    def moved_more(self) -> Estimate | None:
        """Loss of the first on images moved by one pixel beyond that of the second."""
        ours, theirs = self.first.moved_drops, self.second.moved_drops
        return paired_difference(ours, theirs) if ours.keys() & theirs.keys() else None

    @property
    def size_difference(self) -> float | None:
        """Parameters of the second over those of the first, minus 1; see `Costs.matched`."""
        ours, theirs = self.first.matched_params, self.second.matched_params
        return None if ours is None or theirs is None else theirs / ours - 1


@dataclass(frozen=True, kw_only=True)
class Comparison(Pair):
    """Two confirmed networks and the verdict on their difference.

    Attributes:
        decision: Verdict, adjusted for the number of comparisons of the study.
    """

    decision: Decision

    @property
    def verdict(self) -> Verdict | None:
        """Verdict; None where there are too few seeds for one."""
        return self.decision.verdict


def compare(study: LoadedStudy) -> tuple[Comparison, ...]:
    """Compare what a study confirmed.

    Args:
        study: Study, or several blocks of one experiment as one.

    Returns:
        Planned comparisons in their order, then the perturbation layer of each trial with every
        control.
    """
    pairs = [*_planned(study), *_controls(study)]
    fixed = _decided([pair for pair in pairs if not pair.is_added])
    # By themselves: what is asked for once others were seen must not change a verdict on those.
    added = _decided([pair for pair in pairs if pair.is_added])
    return tuple(next(added if pair.is_added else fixed) for pair in pairs)


def _decided(pairs: Sequence[Pair]) -> Iterator[Comparison]:
    """Decide comparisons together, in their order."""
    questions = [
        Question(
            difference=None if pair.awaits_seeds else pair.without_collapses,
            every_seed=pair.difference,
            matters=pair.matters,
            by_itself=pair.standing is Standing.FIRST,
        )
        for pair in pairs
    ]
    for pair, decision in zip(pairs, decide(questions), strict=True):
        yield Comparison(**vars(pair), decision=decision)


def fixed_results(study: LoadedStudy) -> tuple[LayerResult, ...]:
    """Return the confirmed networks of a study, of the seeds that were fixed beforehand."""
    fixed = (run for run in study.confirmed if not study.info.is_exploratory(run.seed))
    return layer_results(fixed)


def added_seeds(study: LoadedStudy) -> int:
    """Count the fresh seeds that were added after their number had been fixed."""
    return len({run.seed for run in study.confirmed if study.info.is_exploratory(run.seed)})


def _planned(study: LoadedStudy) -> Iterator[Pair]:
    """Pair the arms of an experiment as planned; those that nothing was confirmed of are left."""
    plan = study.info.experiment
    if plan is None:
        return
    names = {record.number: arm_of(record) for record in study.records}
    own = {record.number: str(record.parameters.get("layer", "")) for record in study.records}
    arms = {
        names[result.trial]: result
        for result in fixed_results(study)
        if own.get(result.trial) == result.layer
    }
    for place, planned in enumerate(plan.comparisons):
        if planned.first not in arms or planned.second not in arms:
            continue
        first, second = arms[planned.first], arms[planned.second]
        yield Pair(
            first=first,
            second=second,
            names=(planned.first, planned.second),
            standing=Standing.PLANNED if place else Standing.FIRST,
            matters=planned.matters,
            planned_seeds=plan.seeds,
            exploratory=_exploratory(study, first, second),
        )


def _controls(study: LoadedStudy) -> Iterator[Pair]:
    chosen_for = {r.number: str(r.parameters.get("layer", PERTURBATION)) for r in study.records}
    fixed = fixed_results(study)
    noisy = {result.trial: result for result in fixed if result.layer == PERTURBATION}
    for control in fixed:
        if control.layer == PERTURBATION or control.trial not in noisy:
            continue
        noise = noisy[control.trial]
        own = chosen_for.get(control.trial, PERTURBATION)
        beside = {noise.layer, control.layer} - {own}
        yield Pair(
            first=noise,
            second=control,
            names=(noise.name, control.name),
            standing=Standing.CONTROL,
            planned_seeds=study.info.confirm_beforehand,
            chosen_for=own,
            exploratory=_exploratory(study, noise, control),
            is_added=any(map(study.info.is_added_control, beside)),
        )


def _exploratory(study: LoadedStudy, first: LayerResult, second: LayerResult) -> Estimate | None:
    """Difference over all seeds of two networks; None where none was added later."""
    if not added_seeds(study):
        return None
    every = {(result.trial, result.layer): result for result in layer_results(study.confirmed)}
    return _difference(every[first.trial, first.layer], every[second.trial, second.layer])


def _right_images(result: ConfirmResult) -> "NDArray[np.int8]":
    return correct_images(result.correct_images, result.test_images)


def _difference(first: LayerResult, second: LayerResult) -> Estimate | None:
    ours, theirs = first.test_accuracies, second.test_accuracies
    return paired_difference(ours, theirs) if ours.keys() & theirs.keys() else None
