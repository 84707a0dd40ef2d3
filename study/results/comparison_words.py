"""Comparisons in words, with everything that weakens them."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from pnn_core.architecture.matched_size import SIZE_TOLERANCE
from study.results.layer_result import LAYER_NAMES, PERTURBATION, LayerResult, describe_missing
from study.results.paired_comparison import Comparison, Standing
from study.results.plural import counted
from study.results.statistics.collapses import RULE, highest_rate
from study.results.statistics.confidence_intervals import (
    CONFIDENCE,
    FEWEST_SEEDS,
    format_points,
    signed,
)
from study.results.statistics.verdicts import Verdict
from study.results.tuning_point import best_point, settings_at_the_edge

NOISE_OFF = "noise_off"
"""Control that isolates the noise."""

_WHOLE_LAYER = "conv1x1"
"""Control that tells of the whole layer: the one that a trial's sentence names, if it is there."""

_MOVED = (
    "Fixed masks tell a network where it is: accuracy on images moved by one pixel (black where "
    "nothing is left, mean of four directions) shows what rests on that. The move itself cuts "
    "content from small images, so read the loss beside that of noise off."
)


def describe_comparison(comparison: Comparison) -> str:
    """Describe a comparison with everything that weakens it.

    Such as: the layer adds +0.4 [−0.2, +1.0] points over 1×1 at 0.363 M parameters (n = 5):
    undecided.
    """
    difference = comparison.difference
    subject = _subject(comparison)
    if difference is None:
        first = f"{subject} {comparison.names[1]}: not told, as no seed is complete in both"
    else:
        planned = comparison.standing is not Standing.CONTROL
        plan = f"; {100 * (comparison.matters or 0):g} would matter; {comparison.standing}"
        first = (
            f"{subject} {format_points(difference)} points over {comparison.names[1]} at "
            f"{format_size(comparison.first.matched_params)} parameters "
            f"(n = {difference.n}{plan if planned else ''}): {describe_verdict(comparison)}"
        )
    return ". ".join((first, *_reservations(comparison))) + "."


def describe_with_trial(comparison: Comparison) -> str:
    """Describe it behind the number of the trial, for where several trials are told of."""
    if comparison.standing is not Standing.CONTROL:
        return describe_comparison(comparison)
    return f"Trial {comparison.first.trial}: {describe_comparison(comparison)}"


def describe_trials(comparisons: Iterable[Comparison]) -> tuple[str, ...]:
    """Describe planned comparisons, then each trial in one sentence.

    It tells what the trial's layer adds, and of that the noise itself; the other controls are for a
    table.
    """
    planned = [c for c in comparisons if c.standing is not Standing.CONTROL]
    beside = (c for c in comparisons if c.standing is Standing.CONTROL)
    return (*map(describe_comparison, planned), *_trials(beside))


def describe_verdict(comparison: Comparison) -> str:
    """Verdict in a word or two, with the reason where there is none.

    A comparison with a control that was added later is exploratory, whatever its figures say.
    """
    if comparison.is_added:
        return f"{_verdict(comparison)}, exploratory: a control added later"
    return _verdict(comparison)


def _verdict(comparison: Comparison) -> str:
    difference = comparison.without_collapses
    if comparison.difference is None:
        return "no result"
    if comparison.awaits_seeds:
        return f"no verdict before all {comparison.planned_seeds} seeds have ended"
    if difference is None or difference.standard_error is None:
        return f"no verdict from fewer than {FEWEST_SEEDS} seeds"
    if not difference.standard_error:
        return f"{Verdict.UNDECIDED}, as the seeds show no spread to take an interval from"
    if comparison.verdict is Verdict.UNDECIDED and abs(difference.mean) > (
        difference.half_width or 0
    ):
        return f"{Verdict.UNDECIDED} among {counted(comparison.decision.family, 'comparison')}"
    return str(comparison.verdict)


def cautions(comparisons: Sequence[Comparison]) -> tuple[str, ...]:
    """Tell what weakens all of them, as sentences; empty where nothing is compared."""
    if not comparisons:
        return ()
    beside = [c for c in comparisons if c.standing is Standing.CONTROL]
    return (
        *([_whole_layer(beside), describe_choice(beside), *_edges(beside)] if beside else []),
        *_number(comparisons),
        _estimand(comparisons),
        *([_MOVED] if any(c.first.moved_drops for c in comparisons) else []),
    )


def describe_choice(comparisons: Iterable[Comparison]) -> str:
    """Tell whose settings the comparisons share and whom that favours, and what was tuned."""
    comparisons = [*comparisons]
    layers = sorted({comparison.chosen_for for comparison in comparisons})
    names = " or the ".join(LAYER_NAMES.get(layer, layer) for layer in layers)
    tuning = next((c.second.tuning for c in comparisons if c.second.tuning), ())
    if not tuning:
        return (
            f"The settings were chosen for the {names} network, by its validation results, and the "
            "other layers took them over unchanged: that favours the one they were chosen for."
        )
    tuned = " and ".join(tuning[0].settings)
    return (
        f"Each network has its own {tuned}, chosen by validation images from "
        f"{counted(len(tuning), 'grid point')} with {counted(tuning[0].seeds, 'seed')} each, which "
        f"no other run uses. All other settings were chosen for the {names} network, and that "
        "favours it."
    )


def format_size(params: int | None) -> str:
    """Learnable parameters in three digits, such as `0.363 M`, `1.91 k` or `934`."""
    if params is None:
        return "an unknown number of"
    if params < 1000:
        return str(params)
    return f"{params / 1e6:.3g} M" if params >= 100_000 else f"{params / 1e3:.3g} k"


def describe_collapses(results: Iterable[LayerResult]) -> str:
    """Count collapsed seeds of some networks, such as `1 of 8 seeds of 1×1`; empty for none."""
    return ", ".join(
        f"{result.collapses} of {counted(result.ended, 'seed')} of {result.name}"
        for result in results
        if result.collapses
    )


def _trials(beside: Iterable[Comparison]) -> Iterator[str]:
    yield from (
        f"Trial {trial}: {_share([*of_trial])}."
        for trial, of_trial in groupby(beside, key=lambda comparison: comparison.first.trial)
    )


def _subject(comparison: Comparison) -> str:
    if comparison.standing is not Standing.CONTROL:
        return comparison.names[0]
    if comparison.second.layer == NOISE_OFF:
        return "the noise itself adds"
    if comparison.first.parameters.get("noise_level") == 0:
        return "a perturbation layer of level 0 adds"
    return "the layer adds"


def _share(comparisons: Sequence[Comparison]) -> str:
    """Describe one trial beside the controls that tell of its layer and of its noise."""
    by_layer = {comparison.second.layer: comparison for comparison in comparisons}
    noise = by_layer.get(NOISE_OFF)
    whole = by_layer.get(_WHOLE_LAYER) or next((c for c in comparisons if c is not noise), noise)
    parts = [] if whole is None else [f"{_subject(whole)} {_figures(whole, whole.names[1])}"]
    if noise is not None and noise is not whole:
        parts.append(f"the noise itself {_figures(noise)}")
    return ", of which ".join(parts) + _moved(comparisons[0].first, noise)


def _moved(result: LayerResult, noise: Comparison | None) -> str:
    """Describe what a network loses on moved images, and of that what the noise costs."""
    drop = result.moved_drop
    if drop is None:
        return ""
    more = None if noise is None else noise.moved_more
    beyond = "" if more is None else f", {format_points(more)} beyond what it loses without noise"
    lost = format_points(drop).replace("+", "")
    return f"; on images moved by one pixel it loses {lost} points{beyond}"


def _figures(comparison: Comparison, over: str = "") -> str:
    difference = comparison.difference
    if difference is None:
        return f"an unknown number of points{over and f' over {over}'} (no result)"
    points = f"{format_points(difference)} points{over and f' over {over}'}"
    return f"{points} ({describe_verdict(comparison)}, n = {difference.n})"


def _has_noisy_stem(result: LayerResult) -> bool:
    parameters = result.parameters
    return parameters.get("stem") == PERTURBATION and parameters.get("stem_noise_level") != 0


def _reservations(comparison: Comparison) -> list[str]:
    sentences = []
    size_difference = comparison.size_difference
    if size_difference is not None and abs(size_difference) > SIZE_TOLERANCE:
        more = "more" if size_difference > 0 else "fewer"
        second = "control" if comparison.standing is Standing.CONTROL else "second"
        of = " in its backbone" if comparison.second.backbone_params else ""
        sentences.append(f"The {second} has {abs(size_difference):.1%} {more} parameters{of}")
    results = (comparison.first, comparison.second)
    if all(map(_has_noisy_stem, results)):
        sentences.append("Both networks have noise in the first layer")
    sentences += filter(None, map(_describe_untuned, results))
    if collapsed := describe_collapses(results):
        kept = comparison.without_collapses
        without = "" if kept is None else f"; without them {format_points(kept)} (n = {kept.n})"
        sentences.append(f"Collapsed: {collapsed}{without}")
    if (over := comparison.over_images) is not None and over.interval is not None:
        low, high = (signed(100 * end, 1) for end in over.interval)
        sentences.append(f"For other test images as well: [{low}, {high}]")
    if comparison.moved_more is not None:
        more = format_points(comparison.moved_more)
        sentences.append(f"On images moved by one pixel the first loses {more} more than the other")
    if comparison.exploratory is not None:
        every = comparison.exploratory
        sentences.append(
            f"With the seeds added later, which are exploratory: {format_points(every)} "
            f"(n = {every.n})"
        )
    sentences += [
        f"Left out of {result.name}: {describe_missing(result.missing)}"
        for result in results
        if result.missing
    ]
    return sentences


def _edges(comparisons: Iterable[Comparison]) -> list[str]:
    """Name the networks of which a better setting may lie beyond their grids."""
    results = {(r.trial, r.layer): r for c in comparisons for r in (c.first, c.second) if r.tuning}
    beyond = [r for r in results.values() if settings_at_the_edge(r.tuning)]
    if not beyond:
        return []
    names = ", ".join(f"trial {result.trial} {result.name}" for result in beyond)
    return [
        f"{len(beyond)} of {counted(len(results), 'tuned network')} took the smallest or largest "
        f"value of its grid, beyond which a better one may lie: {names}."
    ]


def _describe_untuned(result: LayerResult) -> str:
    """Say that a network kept its trial's settings; empty where it did not, or was not tuned."""
    if not result.tuning or best_point(result.tuning) is not None:
        return ""
    return f"No grid point of {result.name} trained to its end: its settings are the trial's"


def _whole_layer(comparisons: Sequence[Comparison]) -> str:
    sentence = (
        "“The layer adds” tells of the whole perturbation layer: a 1×1 also lacks its ReLU and, in "
        "the default order, its batch normalisation."
    )
    if any(comparison.second.layer == NOISE_OFF for comparison in comparisons):
        return sentence
    return f"{sentence} The noise alone is told by --controls {NOISE_OFF}."


def _number(comparisons: Sequence[Comparison]) -> list[str]:
    added = sorted({c.names[1] for c in comparisons if c.is_added})
    tested = [c for c in comparisons if c.decision.adjusted_p is not None and not c.is_added]
    told = _added(added)
    if not tested:
        return told
    together = [c.decision.family for c in tested if c.standing is not Standing.FIRST]
    parts = []
    if together:
        parts.append(f"Verdicts are adjusted (Holm) for {counted(together[0], 'comparison')}")
    if len(together) < len(tested):
        parts.append("The first planned comparison was named beforehand and stands by itself")
    chance = len(tested) * (1 - CONFIDENCE)
    parts.append(
        f"{counted(len(tested), 'interval')} of {CONFIDENCE:.0%} {_is(len(tested))} not adjusted: "
        f"where no difference is real, about {chance:.2g} would miss zero by chance"
    )
    return [f"{'. '.join(parts)}.", *told]


def _added(controls: Sequence[str]) -> list[str]:
    """Say which controls were added later; nothing where none was."""
    if not controls:
        return []
    return [
        f"{', '.join(controls)} {_is(len(controls))} no control that was fixed beforehand: what is "
        "said of it is exploratory, adjusted by itself, and changes no other verdict."
    ]


def _is(number: int) -> str:
    return "is" if number == 1 else "are"


def _estimand(comparisons: Sequence[Comparison]) -> str:
    """Say what is estimated, and how often seeds collapsed."""
    results = {(r.trial, r.layer): r for c in comparisons for r in (c.first, c.second)}.values()
    ended, collapses = sum(r.ended for r in results), sum(r.collapses for r in results)
    each = max(result.ended for result in results)
    if not each:
        return "No seed has ended."
    return (
        "Differences are means over seeds, collapsed ones included; verdicts are for seeds that do "
        f"not collapse. {collapses} of {ended} did ({RULE}); none of {each} would still leave a "
        f"rate of up to {highest_rate(0, each):.0%}."
    )
