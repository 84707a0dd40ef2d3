"""Findings of confirmations: each layer's accuracy, and the perturbation layer against controls.

A control is the same network with another spatial layer, at the same number of learnable
parameters. Both trained with the same seeds, so that the difference is taken seed by seed.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pnn_core.architecture.matched_size import SIZE_TOLERANCE
from pnn_core.config import ParameterValue
from pnn_core.parts.layers import COMPARED_LAYERS, SPATIAL_LAYERS
from study.results.plural import counted
from study.results.run_record import RunRecord, RunState
from study.results.statistics.confidence_intervals import (
    CONFIDENCE,
    FEWEST_SEEDS,
    Estimate,
    format_points,
    mean_accuracy,
    paired_difference,
)

PERTURBATION = "perturbation"

LAYER_NAMES = {name: SPATIAL_LAYERS[name].label for name in COMPARED_LAYERS}
"""Names of the spatial layers in tables; the perturbation layer and then its controls."""


@dataclass(frozen=True, kw_only=True)
class LayerResult:
    """The confirmed runs of one trial with one spatial layer.

    Attributes:
        trial: Number of the trial.
        layer: The spatial layer.
        runs: One for each seed, at least one, in order of the seeds.
    """

    trial: int
    layer: str
    runs: tuple[RunRecord, ...]

    @property
    def parameters(self) -> Mapping[str, ParameterValue]:
        """Settings of the first run; the others differ in the seed alone."""
        return self.runs[0].parameters

    @property
    def learnable_params(self) -> int | None:
        """The same for every seed; None while unknown."""
        costs = next((run.costs for run in self.runs if run.costs is not None), None)
        return None if costs is None else costs.learnable_params

    @property
    def size_difference(self) -> float:
        """Its learnable parameters over the trial's, minus 1."""
        return self.runs[0].size_difference

    @property
    def test_accuracies(self) -> dict[int, float]:
        """Correct over total for each seed that is complete."""
        return {run.seed: run.result.test_accuracy for run in self.runs if run.result is not None}

    @property
    def published_test_accuracies(self) -> dict[int, float]:
        """The published protocol's figure of the same runs."""
        return {
            run.seed: run.result.published_test_accuracy
            for run in self.runs
            if run.result is not None
        }

    @property
    def test_accuracy(self) -> Estimate | None:
        """Mean over the seeds; None when none is complete."""
        accuracies = [*self.test_accuracies.values()]
        return mean_accuracy(accuracies) if accuracies else None

    @property
    def published_test_accuracy(self) -> Estimate | None:
        """Mean over the same seeds."""
        accuracies = [*self.published_test_accuracies.values()]
        return mean_accuracy(accuracies) if accuracies else None

    @property
    def missing(self) -> tuple[RunRecord, ...]:
        """Runs that failed or have not ended: no mean holds them, and none is hidden."""
        return tuple(run for run in self.runs if run.state is not RunState.COMPLETE)


class Verdict(StrEnum):
    """Conclusion that an interval of a difference allows."""

    ADDS = "adds"
    COSTS = "costs"
    UNDECIDED = "no difference can be told"


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """The perturbation layer against one control, with the settings of one trial.

    Attributes:
        perturbation: Confirmed runs with noise.
        control: Confirmed runs of the control.
        difference: Accuracy with noise minus the control's, over the seeds complete in both; None
            when there is no such seed.
        chosen_for: Layer of the trial whose settings both share: the search chose them for it.
    """

    perturbation: LayerResult
    control: LayerResult
    difference: Estimate | None
    chosen_for: str

    @property
    def verdict(self) -> Verdict:
        """Undecided where the interval holds zero, or where there is no spread to take one from."""
        difference = self.difference
        if difference is None or not difference.half_width:
            return Verdict.UNDECIDED
        if abs(difference.mean) <= difference.half_width:
            return Verdict.UNDECIDED
        return Verdict.ADDS if difference.mean > 0 else Verdict.COSTS

    @property
    def size_difference(self) -> float | None:
        """The control's learnable parameters over the perturbation layer's, minus 1."""
        with_noise, without = self.perturbation.learnable_params, self.control.learnable_params
        if with_noise is None or without is None:
            return None
        return without / with_noise - 1


def layer_results(confirmed: Iterable[RunRecord]) -> tuple[LayerResult, ...]:
    """Group confirmed runs by trial, then layer: the trial's own kind first, then its controls."""
    groups: defaultdict[tuple[int, str], list[RunRecord]] = defaultdict(list)
    for run in confirmed:
        groups[run.trial, run.layer].append(run)
    order = [*LAYER_NAMES]

    def place(key: tuple[int, str]) -> tuple[int, int, str]:
        trial, layer = key
        return trial, order.index(layer) if layer in order else len(order), layer

    return tuple(
        LayerResult(
            trial=trial,
            layer=layer,
            runs=tuple(sorted(groups[trial, layer], key=lambda run: run.seed)),
        )
        for trial, layer in sorted(groups, key=place)
    )


def compare_with_controls(
    records: Iterable[RunRecord], confirmed: Iterable[RunRecord]
) -> tuple[Comparison, ...]:
    """Compare the perturbation layer with every control that was confirmed beside it.

    Args:
        records: Trials of the study, which tell the layer that their settings were chosen for.
        confirmed: Its confirmed runs.

    Returns:
        By trial, then control.
    """
    chosen_for = {r.number: str(r.parameters.get("layer", PERTURBATION)) for r in records}
    results = layer_results(confirmed)
    noisy = {result.trial: result for result in results if result.layer == PERTURBATION}
    return tuple(
        Comparison(
            perturbation=noisy[control.trial],
            control=control,
            difference=_difference(noisy[control.trial], control),
            chosen_for=chosen_for.get(control.trial, PERTURBATION),
        )
        for control in results
        if control.layer != PERTURBATION and control.trial in noisy
    )


def describe_comparison(comparison: Comparison) -> str:
    """A comparison in words, with everything that weakens it.

    Such as: noise adds +0.4 [−0.2, +1.0] points over 1×1 at 0.36 M parameters (n = 5): no
    difference can be told.
    """
    noise, control = comparison.perturbation, comparison.control
    subject = "a perturbation layer of level 0" if _noiseless(noise) else "noise"
    against = LAYER_NAMES.get(control.layer, control.layer)
    difference = comparison.difference
    if difference is None:
        first = f"{subject} against {against}: not told, as no seed is complete in both"
    else:
        first = (
            f"{subject} adds {format_points(difference)} points over {against} at "
            f"{format_size(noise.learnable_params)} parameters (n = {difference.n})"
            f"{_conclusion(comparison)}"
        )
    return ". ".join((first, *_reservations(comparison))) + "."


def describe_with_trial(comparison: Comparison) -> str:
    """The same behind the number of the trial, for where several trials are told of."""
    return f"Trial {comparison.perturbation.trial}: {describe_comparison(comparison)}"


def cautions(comparisons: Sequence[Comparison]) -> tuple[str, ...]:
    """Tell what weakens all of them, as sentences; empty where nothing is compared."""
    if not comparisons:
        return ()
    differences = [comparison.difference for comparison in comparisons]
    number = sum(d is not None and d.half_width is not None for d in differences)
    intervals = (
        f"{counted(number, 'interval')} of {CONFIDENCE:.0%} each, not adjusted for their number: "
        f"where no difference is real, about {number * (1 - CONFIDENCE):.2g} of them would miss "
        "zero by chance."
    )
    return (
        "“Noise adds” tells of the whole perturbation layer, and a control lacks more of it than "
        "the noise: a 1×1 has no ReLU in front and, where the order is noise_relu_bn_conv, the "
        "default, no batch normalisation between the two. A trial with noise_level 0 keeps both: "
        "beside one with noise, it tells of the noise alone.",
        describe_choice(comparisons),
        *([intervals] if number else []),  # a single seed gives none
    )


def describe_choice(comparisons: Iterable[Comparison]) -> str:
    """Tell whose settings the comparisons share, and whom that favours."""
    layers = sorted({comparison.chosen_for for comparison in comparisons})
    names = " or the ".join(LAYER_NAMES.get(layer, layer) for layer in layers)
    return (
        f"The settings were chosen for the {names} network, by its validation results, and the "
        "other layers took them over unchanged: that favours the one they were chosen for."
    )


def format_size(params: int | None) -> str:
    """Learnable parameters in three digits, such as `0.363 M`, `1.91 k` or `934`."""
    if params is None:
        return "an unknown number of"
    if params < 1000:
        return str(params)
    return f"{params / 1e6:.3g} M" if params >= 100_000 else f"{params / 1e3:.3g} k"


def describe_missing(runs: Sequence[RunRecord]) -> str:
    """Seeds without a result, each with its state and reason; empty when there is none."""
    return "; ".join(
        f"seed {run.seed} {'has not ended' if run.state is RunState.RUNNING else run.state}"
        + (f" ({run.reason})" if run.reason else "")
        for run in runs
    )


def _difference(noise: LayerResult, control: LayerResult) -> Estimate | None:
    first, second = noise.test_accuracies, control.test_accuracies
    return paired_difference(first, second) if first.keys() & second.keys() else None


def _noiseless(noise: LayerResult) -> bool:
    return noise.parameters.get("noise_level") == 0


def _has_noisy_stem(result: LayerResult) -> bool:
    parameters = result.parameters
    return parameters.get("stem") == PERTURBATION and parameters.get("stem_noise_level") != 0


def _conclusion(comparison: Comparison) -> str:
    difference = comparison.difference
    if difference is None or difference.half_width is None:
        return f": {Verdict.UNDECIDED} from fewer than {FEWEST_SEEDS} seeds"
    if difference.half_width == 0:
        return f": {Verdict.UNDECIDED}, as the seeds show no spread to take an interval from"
    if comparison.verdict is Verdict.UNDECIDED:
        return f": {Verdict.UNDECIDED}"
    return ": it costs accuracy" if comparison.verdict is Verdict.COSTS else ""


def _reservations(comparison: Comparison) -> list[str]:
    sentences = []
    size_difference = comparison.size_difference
    if size_difference is not None and abs(size_difference) > SIZE_TOLERANCE:
        more = "more" if size_difference > 0 else "fewer"
        sentences.append(f"The control has {abs(size_difference):.1%} {more} parameters")
    results = (comparison.perturbation, comparison.control)
    if all(map(_has_noisy_stem, results)):
        sentences.append("Both networks have noise in the first layer")
    for result in results:
        if result.missing:
            name = LAYER_NAMES.get(result.layer, result.layer)
            sentences.append(f"Left out of {name}: {describe_missing(result.missing)}")
    return sentences
