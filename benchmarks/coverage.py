"""Coverage of intervals over few seeds, and rates of false verdicts, simulated with known truths.

Seeds of a network spread normally by 0.25 points around 90%; where they collapse, 5% of them lose
ten points. Each figure is a share of simulated experiments.

Usage: coverage.py [--runs N]
"""

import argparse
import math
import statistics
import warnings
from collections.abc import Callable, Iterable, Mapping

import numpy as np
from scipy import stats

from study.results.statistics.collapses import collapsed_seeds
from study.results.statistics.confidence_intervals import Estimate, mean_accuracy, paired_difference
from study.results.statistics.seeds_and_images import mean_over_seeds_and_images
from study.results.statistics.verdicts import Question, Verdict, decide, difference_p_value

SPREAD, COLLAPSES, DEPTH = 0.0025, 0.05, 0.1
SEEDS = (3, 5, 8, 10)
TRIALS, CONTROLS = 3, 3
LEVEL = 0.05
BOOTSTRAPPED = 400
"""Number of experiments that are bootstrapped, which takes long."""

Seeds = Mapping[int, float]
Interval = tuple[float, float] | None


def main() -> None:
    """Print all tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=4000, help="simulated experiments of a figure")
    runs = parser.parse_args().runs
    random = np.random.default_rng(0)
    print(f"95% intervals of a paired difference that hold their truth, of {runs:,} (half width)\n")
    _print_coverage(random, runs)
    print(f"\nStudies with a false verdict, {TRIALS} trials x {CONTROLS} controls, no difference\n")
    _print_false_verdicts(random, runs)
    print("\nEquivalent, though the difference is just what matters (0.5 points)\n")
    _print_false_equivalence(random, runs)
    print("\n95% intervals of an accuracy for other seeds and other images, of 1,000 images\n")
    _print_images(random, runs // 4)


def seeds_of(random: np.random.Generator, n: int, collapses: float) -> dict[int, float]:
    """Draw test accuracies of one network."""
    accuracies = 0.9 + random.normal(0, SPREAD, n) - DEPTH * (random.random(n) < collapses)
    return dict(enumerate(accuracies.tolist()))


def every_seed(first: Seeds, second: Seeds) -> Interval:
    """The t interval of all pairs."""
    return paired_difference(first, second).interval


def without_collapses(first: Seeds, second: Seeds) -> Interval:
    """The t interval of the pairs of which neither seed collapsed."""
    estimate = kept(first, second)
    return None if estimate is None else estimate.interval


def kept(first: Seeds, second: Seeds) -> Estimate | None:
    """The difference over the pairs of which neither seed collapsed."""
    out = collapsed_seeds(first) | collapsed_seeds(second)
    left = {seed: value for seed, value in first.items() if seed not in out}
    return paired_difference(left, second) if left else None


def trimmed(first: Seeds, second: Seeds) -> Interval:
    """Yuen's interval of the mean without the fifth at either end."""
    low, high = stats.mstats.trimmed_mean_ci(_differences(first, second), (0.2, 0.2))
    return float(low), float(high)


def signed_rank(first: Seeds, second: Seeds) -> Interval:
    """Exact interval of the Hodges-Lehmann estimate; none below six pairs."""
    differences = _differences(first, second)
    n = len(differences)
    counts = np.ones(1)  # of sets of ranks by their sum
    for rank in range(1, n + 1):
        counts = np.pad(counts, (0, rank)) + np.pad(counts, (rank, 0))
    below = int((np.cumsum(counts) / 2**n <= LEVEL / 2).sum())
    if not below:
        return None
    means = np.sort([(differences[i] + differences[j]) / 2 for i in range(n) for j in range(i + 1)])
    return float(means[below - 1]), float(means[-below])


def bootstrapped(first: Seeds, second: Seeds) -> Interval:
    """BCa bootstrap of the mean."""
    differences = (_differences(first, second),)
    found = stats.bootstrap(differences, np.mean, n_resamples=999, rng=0).confidence_interval
    return float(found.low), float(found.high)


METHODS: Mapping[str, tuple[Callable[[Seeds, Seeds], Interval], bool]] = {
    "every seed: t": (every_seed, True),
    "BCa": (bootstrapped, True),
    "no collapse: t": (without_collapses, False),
    "Yuen": (trimmed, False),
    "signed rank": (signed_rank, False),
}
"""Intervals, and true where they are for the mean over all seeds, collapsed ones included."""


def _differences(first: Seeds, second: Seeds) -> list[float]:
    return [first[seed] - second[seed] for seed in first]


def _print_coverage(random: np.random.Generator, runs: int) -> None:
    print(f"{'spread of seeds':28}{'n':>3}" + "".join(f"{name:>18}" for name in METHODS))
    for spread, of_first, of_second in (
        ("normal", 0.0, 0.0),
        ("5% collapse on one side", COLLAPSES, 0.0),
        ("5% collapse on both sides", COLLAPSES, COLLAPSES),
    ):
        for n in SEEDS:
            pairs = [(seeds_of(random, n, of_first), seeds_of(random, n, of_second))
                     for _ in range(runs)]  # fmt: skip
            cells = []
            for method, of_every_seed in METHODS.values():
                truth = -DEPTH * (of_first - of_second) if of_every_seed else 0.0
                taken = pairs[:BOOTSTRAPPED] if method is bootstrapped else pairs
                cells.append(_cell((method(*pair) for pair in taken), truth))
            print(f"{spread:28}{n:3}" + "".join(f"{cell:>18}" for cell in cells))


def _cell(intervals: Iterable[Interval], truth: float) -> str:
    found = [interval or (-math.inf, math.inf) for interval in intervals]
    width = statistics.median(high - low for low, high in found) / 2
    if math.isinf(width):
        return "none"
    held = statistics.fmean(low <= truth <= high for low, high in found)
    return f"{held:.2f} (±{100 * width:.1f})"


def _print_false_verdicts(random: np.random.Generator, runs: int) -> None:
    print(f"{'spread of seeds':28}{'n':>3}{'before':>10}{'after':>10}")
    for spread, collapses in (("normal", 0.0), ("5% collapse on both sides", COLLAPSES)):
        for n in SEEDS:
            before = after = 0
            for _ in range(runs):
                pairs = _study(random, n, collapses)
                all_seeds = [paired_difference(*pair) for pair in pairs]
                before += any((difference_p_value(d) or 1) <= LEVEL for d in all_seeds)
                questions = [
                    Question(difference=kept(*pair), every_seed=difference)
                    for pair, difference in zip(pairs, all_seeds, strict=True)
                ]
                said = {decision.verdict for decision in decide(questions)}
                after += bool(said & {Verdict.BETTER, Verdict.WORSE})
            print(f"{spread:28}{n:3}{before / runs:10.3f}{after / runs:10.3f}")


def _study(random: np.random.Generator, n: int, collapses: float) -> list[tuple[Seeds, Seeds]]:
    """Each trial of a front with its controls, which are compared with the same runs."""
    pairs: list[tuple[Seeds, Seeds]] = []
    for _ in range(TRIALS):
        noise = seeds_of(random, n, collapses)
        pairs += [(noise, seeds_of(random, n, collapses)) for _ in range(CONTROLS)]
    return pairs


def _print_false_equivalence(random: np.random.Generator, runs: int) -> None:
    for n in SEEDS:
        said = 0
        for _ in range(runs):
            first, second = seeds_of(random, n, 0), seeds_of(random, n, 0)
            difference = paired_difference({s: a + 0.005 for s, a in first.items()}, second)
            question = Question(difference=difference, every_seed=difference, matters=0.005)
            said += decide([question])[0].verdict is Verdict.EQUIVALENT
        print(f"n = {n}: {said / runs:.3f}")


def _print_images(random: np.random.Generator, runs: int) -> None:
    print(f"{'n':>3}{'over seeds':>14}{'over seeds and images':>24}")
    for n in SEEDS:
        narrow, wide = [], []
        for _ in range(runs):
            # An image is right where its ease and the seed's, and luck, are on its side.
            score = 1.6 + random.normal(0, 1.1, (1, 1000)) + random.normal(0, 0.03, (n, 1))
            right = (score + random.normal(0, 0.5, (n, 1000)) > 0).astype(np.int8)
            accuracies = right.mean(1).tolist()
            narrow.append(mean_accuracy(accuracies).interval)
            wide.append(mean_over_seeds_and_images([*right]).interval)
        truth = float(stats.norm.cdf(1.6 / math.hypot(1.1, 0.03, 0.5)))
        print(f"{n:3}{_cell(narrow, truth):>14}{_cell(wide, truth):>24}")


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # of samples that are all equal, which a bootstrap draws
    main()
