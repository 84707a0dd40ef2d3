"""Confirmed runs of one network: its seeds, their means, and what happened to the others."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from pnn_core.config import ConfirmResult, Costs, ParameterValue
from pnn_core.parts.layers import COMPARED_LAYERS, SPATIAL_LAYERS
from study.results.front_table import format_parameter
from study.results.run_record import RunRecord, RunState
from study.results.statistics.collapses import collapsed_seeds
from study.results.statistics.confidence_intervals import (
    Estimate,
    mean_accuracy,
    mean_with_interval,
)
from study.results.tuning_point import TuningPoint

PERTURBATION = "perturbation"

LAYER_NAMES = {name: SPATIAL_LAYERS[name].label for name in COMPARED_LAYERS}
"""Names of the spatial layers in tables; the perturbation layer and then its controls."""


@dataclass(frozen=True, kw_only=True)
class LayerResult:
    """Confirmed runs of one trial with one spatial layer.

    Attributes:
        trial: Number of the trial.
        layer: Its spatial layer.
        runs: Runs in order of their seeds, at least one.
    """

    trial: int
    layer: str
    runs: tuple[RunRecord, ...]

    @property
    def name(self) -> str:
        """Name of the network; see `network_name`."""
        return network_name(self.runs[0])

    @property
    def tuning(self) -> tuple[TuningPoint, ...]:
        """Grid that the network's own settings were chosen from; empty where it was not tuned."""
        return self.runs[0].tuning

    @property
    def tuned(self) -> dict[str, ParameterValue]:
        """Settings that were chosen for the network alone; empty where it was not tuned."""
        return tuned_settings(self.runs[0])

    @property
    def parameters(self) -> Mapping[str, ParameterValue]:
        """Settings of the first run; the others differ in the seed alone."""
        return self.runs[0].parameters

    @property
    def _costs(self) -> Costs | None:
        return next((run.costs for run in self.runs if run.costs is not None), None)

    @property
    def learnable_params(self) -> int | None:
        """Learnable parameters, the same for every seed; None while unknown."""
        return None if self._costs is None else self._costs.learnable_params

    @property
    def backbone_params(self) -> int | None:
        """Parameters of the backbone: see `Costs.backbone_params`; None while unknown."""
        return None if self._costs is None else self._costs.backbone_params

    @property
    def matched_params(self) -> int | None:
        """Parameters by which controls are matched: see `Costs.matched`; None while unknown."""
        return None if self._costs is None else self._costs.matched

    @property
    def size_difference(self) -> float:
        """Those parameters over the trial's, minus 1."""
        return self.runs[0].size_difference

    @property
    def results(self) -> dict[int, ConfirmResult]:
        """Test result of each seed that is complete."""
        return {run.seed: run.result for run in self.runs if run.result is not None}

    @cached_property
    def test_accuracies(self) -> dict[int, float]:
        """Figure of merit of each seed that is complete: correct over total, in detection mAP."""
        return {seed: result.merit for seed, result in self.results.items()}

    @property
    def published_test_accuracies(self) -> dict[int, float]:
        """Published protocol's figure of the same runs."""
        published = {seed: r.published_test_accuracy for seed, r in self.results.items()}
        return {seed: figure for seed, figure in published.items() if math.isfinite(figure)}

    @property
    def test_accuracy(self) -> Estimate | None:
        """Mean over the seeds, collapsed ones included; None when none is complete."""
        return _mean(self.test_accuracies.values())

    @property
    def published_test_accuracy(self) -> Estimate | None:
        """Mean over the same seeds."""
        return _mean(self.published_test_accuracies.values())

    @cached_property
    def moved_drops(self) -> dict[int, float]:
        """Loss of accuracy on test images moved by one pixel, for each seed that recorded it."""
        drops = {
            seed: result.test_accuracy - result.moved_test_accuracy
            for seed, result in self.results.items()
        }
        return {seed: drop for seed, drop in drops.items() if math.isfinite(drop)}

    @property
    def moved_drop(self) -> Estimate | None:
        """Mean loss over those seeds; None where none recorded it."""
        drops = [*self.moved_drops.values()]
        return mean_with_interval(drops, least=-1.0, most=1.0) if drops else None

    @property
    def missing(self) -> tuple[RunRecord, ...]:
        """Runs that failed or have not ended: no mean holds them, and none is hidden."""
        return tuple(run for run in self.runs if run.state is not RunState.COMPLETE)

    @cached_property
    def collapsed(self) -> frozenset[int]:
        """Seeds that are complete and collapsed; see `statistics.collapses`."""
        return collapsed_seeds(self.test_accuracies)

    @property
    def collapses(self) -> int:
        """Number of seeds that collapsed, those that failed among them."""
        failed = sum(run.state is RunState.FAILED for run in self.runs)
        return failed + len(self.collapsed)

    @property
    def ended(self) -> int:
        """Number of seeds that are complete or failed."""
        return sum(run.state.is_final for run in self.runs)

    def of_seeds(self, takes: Callable[[int], bool]) -> "LayerResult | None":
        """Return the same of the seeds that are taken; None where there is none."""
        runs = tuple(run for run in self.runs if takes(run.seed))
        return replace(self, runs=runs) if runs else None


def network_name(run: RunRecord) -> str:
    """Name a confirmed network: its layer, and the settings that were chosen for it alone.

    Such as `1×1 (learning_rate 0.003)`; the layer's key itself where it is not known, as of a newer
    study.
    """
    name = LAYER_NAMES.get(run.layer, run.layer)
    return f"{name} ({describe_tuned(run)})" if run.tuning else name


def describe_tuned(run: RunRecord) -> str:
    """Spell the settings that were chosen for a network alone; empty where it was not tuned."""
    settings = tuned_settings(run).items()
    return ", ".join(f"{name} {format_parameter(value)}" for name, value in settings)


def tuned_settings(run: RunRecord) -> dict[str, ParameterValue]:
    """Return the settings that were chosen for a network alone; empty where it was not tuned."""
    names = run.tuning[0].settings if run.tuning else ()
    return {name: run.parameters[name] for name in names}


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


def describe_missing(runs: Sequence[RunRecord]) -> str:
    """Describe seeds without a result, each with its state and reason; empty without any."""
    return "; ".join(
        f"seed {run.seed} {'has not ended' if run.state is RunState.RUNNING else run.state}"
        + (f" ({run.reason})" if run.reason else "")
        for run in runs
    )


def _mean(accuracies: Iterable[float]) -> Estimate | None:
    values = [*accuracies]
    return mean_accuracy(values) if values else None
