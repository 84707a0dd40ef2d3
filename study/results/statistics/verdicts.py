"""Verdicts on differences, adjusted for their number.

Each difference is tested twice by Student's t: against zero, and for equivalence by two one-sided
tests (TOST) against the smallest difference that would matter, each at 2.5%, so that *equivalent*
means that the 95% interval lies within ± that difference. Holm's adjustment is applied to the tests
of either kind over all differences of a study but those that stand by themselves.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from study.results.statistics.confidence_intervals import CONFIDENCE, Estimate
from study.results.statistics.holm import holm_adjusted


class Verdict(StrEnum):
    """Conclusion that a difference of the first minus the second allows."""

    BETTER = "better"
    WORSE = "worse"
    EQUIVALENT = "equivalent"
    """Smaller than what would matter, on whichever side of zero."""
    UNDECIDED = "undecided"


@dataclass(frozen=True, kw_only=True)
class Question:
    """Difference that a verdict is asked for.

    Attributes:
        difference: Difference that is tested; None without a result.
        every_seed: Mean over all seeds, collapsed ones included, whose side a verdict shares; None
            without a result.
        matters: Smallest difference that would matter, above 0; None where none was named, and
            nothing can be equivalent.
        by_itself: True if it was named beforehand, so that the number of others plays no part.
    """

    difference: Estimate | None
    every_seed: Estimate | None
    matters: float | None = None
    by_itself: bool = False


@dataclass(frozen=True, kw_only=True)
class Decision:
    """Answer to a question.

    Attributes:
        verdict: Verdict; None where there are too few seeds for one.
        adjusted_p: Adjusted p-value of the test against zero; None where there is no test.
        family: Number of differences that it was adjusted for; 1 for one that stands by itself.
    """

    verdict: Verdict | None
    adjusted_p: float | None
    family: int


def decide(questions: Sequence[Question]) -> tuple[Decision, ...]:
    """Answer all questions of a study, in their order."""
    differ = _adjusted(questions, lambda q: difference_p_value(q.difference))
    equal = _adjusted(questions, lambda q: equivalence_p_value(q.difference, q.matters))
    family = sum(
        not q.by_itself and difference_p_value(q.difference) is not None for q in questions
    )
    return tuple(
        Decision(
            verdict=_verdict(question, p_differ, p_equal),
            adjusted_p=p_differ,
            family=1 if question.by_itself else family,
        )
        for question, p_differ, p_equal in zip(questions, differ, equal, strict=True)
    )


def difference_p_value(difference: Estimate | None) -> float | None:
    """Two-sided p-value of no difference; None where there is no spread to test by."""
    if difference is None or not difference.standard_error:
        return None
    from scipy import stats  # half a second, which a mistyped flag must not wait for

    distance = abs(difference.mean) / difference.standard_error
    return 2 * float(stats.t.sf(distance, difference.degrees))


def equivalence_p_value(difference: Estimate | None, matters: float | None) -> float | None:
    """Twice the larger p-value of the two one-sided tests (Schuirmann 1987).

    It is at most 5% where the 95% interval lies within ± `matters`.
    """
    if difference is None or matters is None or not difference.standard_error:
        return None
    from scipy import stats

    room = (matters - abs(difference.mean)) / difference.standard_error
    return min(1.0, 2 * float(stats.t.sf(room, difference.degrees)))


def _adjusted(
    questions: Sequence[Question], p_value: Callable[[Question], float | None]
) -> list[float | None]:
    """Adjust the p-values that there are, but for those that stand by themselves."""
    adjusted = [p_value(question) for question in questions]
    places = [
        place
        for place, question in enumerate(questions)
        if adjusted[place] is not None and not question.by_itself
    ]
    together = holm_adjusted([p for place in places if (p := adjusted[place]) is not None])
    for place, p in zip(places, together, strict=True):
        adjusted[place] = p
    return adjusted


def _verdict(question: Question, differ: float | None, equal: float | None) -> Verdict | None:
    difference, whole, level = question.difference, question.every_seed, 1 - CONFIDENCE
    if difference is None or whole is None or difference.standard_error is None:
        return None
    if question.matters is not None and equal is not None and equal <= level:
        return Verdict.EQUIVALENT if abs(whole.mean) < question.matters else Verdict.UNDECIDED
    # Seeds that collapsed are left out of the test, and may yet have turned the mean.
    if differ is None or differ > level or difference.mean * whole.mean <= 0:
        return Verdict.UNDECIDED
    return Verdict.BETTER if difference.mean > 0 else Verdict.WORSE
