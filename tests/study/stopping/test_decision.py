"""The rule of a rung, against a plain statement of it, and Ray's own rule for one objective."""

import math
from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st
from ray.tune.schedulers import AsyncHyperBandScheduler

from study.results.early_stop import EarlyStop, StopCause
from study.stopping.decision import Decision, admitted_places, decide
from study.stopping.entry import RungEntry

FACTORS = st.integers(2, 5)


def entries_of(rows: list[tuple[float, ...]]) -> list[RungEntry]:
    return [RungEntry(trial=trial, losses=row) for trial, row in enumerate(rows)]


def judge(rows: list[tuple[float, ...]], factor: int) -> Decision:
    """What becomes of the last, when all others came before."""
    *entries, newcomer = entries_of(rows)
    return decide(entries, newcomer, epoch=4, reduction_factor=factor)


def rungs(*, objectives: int | None = None, least: int = 1) -> st.SearchStrategy:
    widths = st.integers(1, 3) if objectives is None else st.just(objectives)
    value = st.integers(-6, 6).map(float)
    return widths.flatmap(
        lambda width: st.lists(st.tuples(*[value] * width), min_size=least, max_size=14)
    )


def beats(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    return a != b and all(x <= y for x, y in zip(a, b, strict=True))


def front_numbers(rows: list[tuple[float, ...]]) -> list[int]:
    """Of each entry, by taking one front after another away."""
    fronts: dict[int, int] = {}
    while len(fronts) < len(rows):
        left = [i for i in range(len(rows)) if i not in fronts]
        front = [i for i in left if not any(beats(rows[j], rows[i]) for j in left)]
        fronts |= dict.fromkeys(front, 1 + max(fronts.values(), default=-1))
    return [fronts[i] for i in range(len(rows))]


@given(rungs(), FACTORS)
def test_it_goes_on_if_nothing_beats_it_or_fronts_before_it_leave_a_place(rows, factor) -> None:
    """By fronts alone, which say all but who goes on of the front in which the places end."""
    decision = judge(rows, factor)
    fronts = front_numbers(rows)
    before = sum(front < fronts[-1] for front in fronts)
    through = sum(front <= fronts[-1] for front in fronts)
    assert decision.of == len(rows)
    assert decision.admitted == 1 + max(0, len(rows) - 2) // factor
    assert before < decision.rank <= through
    if fronts[-1] == 0 or through <= decision.admitted:
        assert decision.go_on
    elif before >= decision.admitted:
        assert not decision.go_on
    else:
        assert decision.go_on == (decision.rank <= decision.admitted)


@given(rungs(), FACTORS)
def test_a_newcomer_that_dominates_all_goes_on_as_the_first(rows, factor) -> None:
    best = tuple(min(column) - 1 for column in zip(*rows, strict=True))
    decision = judge([*rows, best], factor)
    assert (decision.go_on, decision.rank) == (True, 1)


@given(rungs(least=2), FACTORS)
def test_a_newcomer_that_all_dominate_stops(rows, factor) -> None:
    worst = tuple(max(column) + 1 for column in zip(*rows, strict=True))
    assert not judge([*rows, worst], factor).go_on


@given(rungs(), FACTORS, st.randoms())
def test_the_order_of_earlier_entries_is_of_no_matter(rows, factor, random) -> None:
    *entries, newcomer = entries_of(rows)
    shuffled = random.sample(entries, len(entries))
    before = decide(entries, newcomer, epoch=4, reduction_factor=factor)
    assert decide(shuffled, newcomer, epoch=4, reduction_factor=factor) == before


@given(rungs(objectives=2), FACTORS, st.sampled_from([2**-30, 7.0, 1e12]), st.integers(-99, 99))
def test_scaling_or_shifting_an_objective_changes_no_decision(rows, factor, scale, shift) -> None:
    changed = [(accuracy, size * scale + shift) for accuracy, size in rows]
    assert judge(changed, factor) == judge(rows, factor)


@given(rungs(), FACTORS)
def test_an_objective_that_is_the_same_for_all_changes_nothing(rows, factor) -> None:
    assert judge([(*row, 5.0) for row in rows], factor) == judge(rows, factor)


@given(rungs(), FACTORS, st.sampled_from([math.nan, math.inf, -math.inf]))
def test_what_is_not_finite_never_survives(rows, factor, value) -> None:
    decision = judge([*rows, (value, *rows[0][1:])], factor)
    assert not decision.go_on
    assert decision.stop == EarlyStop(epoch=4, cause=StopCause.NOT_FINITE)


def test_the_first_to_come_goes_on_and_at_least_one_always_may() -> None:
    assert judge([(1.0, 1.0)], 3).go_on
    assert [admitted_places(n, 3) for n in range(1, 13)] == [1, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4]


def test_a_decision_tells_rank_and_places() -> None:
    line = [(float(x), 0.0) for x in range(11)]
    stop = EarlyStop(epoch=4, cause=StopCause.RANK, rank=9, of=12, admitted=4)
    assert judge([*line, (7.5, 0.0)], 3) == Decision(rank=9, of=12, admitted=4, stop=stop)
    assert judge([*line, (2.5, 0.0)], 3) == Decision(rank=4, of=12, admitted=4, stop=None)
    front = [(float(x), float(-x)) for x in range(5)]  # nothing beats it
    assert judge([*front, (1.5, -1.5)], 5) == Decision(rank=3, of=6, admitted=1, stop=None)


@given(rungs(objectives=1), FACTORS)
def test_with_one_objective_it_is_the_quantile_of_the_entries_before(rows, factor) -> None:
    *before, (newcomer,) = rows
    quantile = sorted(before)[(len(before) - 1) // factor][0] if before else math.inf
    assert judge(rows, factor).go_on == (newcomer <= quantile)


@given(rungs(objectives=1), st.sampled_from([2, 4]))
def test_with_one_objective_it_decides_as_rays_own_scheduler(rows, factor) -> None:
    """But for newcomers between the two entries that Ray interpolates.

    With two and four, as Ray's quantile for three is no whole position in floating point: it stops
    a newcomer that equals the entry at the cutoff.
    """
    scheduler = AsyncHyperBandScheduler(
        metric="loss", mode="min", max_t=100, grace_period=4, reduction_factor=factor
    )
    for number, row in enumerate(rows):
        trial = SimpleNamespace(trial_id=str(number))
        scheduler.on_trial_add(None, trial)
        result = {"training_iteration": 4, "loss": row[0]}
        ray_goes_on = scheduler.on_trial_result(None, trial, result) == "CONTINUE"
        earlier = sorted(value for (value,) in rows[:number])
        position = (number - 1) / factor
        between = (
            number > 0 and earlier[math.floor(position)] < row[0] < earlier[math.ceil(position)]
        )
        assert judge(rows[: number + 1], factor).go_on == (ray_goes_on and not between)
