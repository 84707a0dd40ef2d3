"""Rungs: where they are, what they hold, and that another life of a study finds them again."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pnn_core.config import Costs, EpochResult
from study.results.objective import parse_objectives
from study.results.run_record import RunKey, RunRecord, RunState
from study.stopping.entry import RungEntry, entry_after
from study.stopping.halving import SuccessiveHalving
from study.stopping.rungs import Rungs, default_first_rung


@pytest.mark.parametrize(
    ("first", "factor", "epochs", "at"),
    [
        (1, 3, 27, (1, 3, 9)),
        (1, 3, 28, (1, 3, 9, 27)),
        (4, 3, 30, (4, 12)),
        (2, 2, 9, (2, 4, 8)),
        (5, 2, 6, (5,)),
        (1, 10, 2, (1,)),
    ],
)
def test_rungs_lie_below_the_full_budget(first, factor, epochs, at) -> None:
    assert Rungs(first=first, reduction_factor=factor, epochs=epochs).at == at


@given(st.integers(2, 10), st.integers(2, 1000))
def test_a_study_that_names_no_first_rung_has_three_where_there_is_room(factor, epochs) -> None:
    first = default_first_rung(epochs, factor)
    at = Rungs(first=first, reduction_factor=factor, epochs=epochs).at
    assert 1 <= len(at) <= 3
    assert len(at) == 3 or factor ** len(at) * first >= epochs
    assert (first - 1) * factor**3 < epochs


@pytest.mark.parametrize(
    ("first", "factor", "epochs", "said"),
    [
        (1, 1, 9, r"reduction_factor \(=1\) must be at least 2"),
        (0, 3, 9, r"first \(=0\) must be at least 1 and below the full budget \(=9 epochs\)"),
        (9, 3, 9, r"first \(=9\) must be at least 1 and below the full budget"),
        (1, 3, 1, r"first \(=1\) .* \(=1 epochs\)"),
    ],
)
def test_rungs_at_which_nothing_can_be_decided_are_refused(first, factor, epochs, said) -> None:
    with pytest.raises(ValueError, match=said):
        Rungs(first=first, reduction_factor=factor, epochs=epochs)


def halving() -> SuccessiveHalving:
    return SuccessiveHalving(Rungs(first=1, reduction_factor=2, epochs=8))


def test_nothing_is_decided_between_rungs_or_at_the_end() -> None:
    stopper = halving()
    assert stopper.epochs == (1, 2, 4)
    judged = [epoch for epoch in range(1, 9) if stopper.report(0, epoch, (1.0,)) is not None]
    assert judged == [1, 2, 4]


def test_an_epoch_that_is_reported_twice_enters_a_rung_once() -> None:
    stopper = halving()
    assert stopper.report(0, 1, (1.0,)).go_on
    assert stopper.report(0, 1, (9.0,)) is None
    stopper.restore(1, RungEntry(trial=0, losses=(9.0,)))
    assert stopper.entries(1) == (RungEntry(trial=0, losses=(1.0,)),)


def test_a_stopped_trial_stays_in_its_rung_and_in_no_later_one() -> None:
    stopper = halving()
    for trial, loss in enumerate((1.0, 2.0, 3.0)):
        assert stopper.report(trial, 1, (loss,)).go_on == (trial == 0)
    assert [entry.trial for entry in stopper.entries(1)] == [0, 1, 2]
    assert stopper.entries(2) == ()


def test_what_is_not_finite_raises_no_place_for_others() -> None:
    stopper = halving()
    assert stopper.report(0, 1, (1.0,)).of == 1
    assert not stopper.report(1, 1, (math.nan,)).go_on
    assert stopper.report(2, 1, (0.5,)).of == 2


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=2), st.data())
def test_restored_rungs_decide_as_those_that_never_broke_off(points, data) -> None:
    """Wherever the study broke off, and in whatever order its trials are restored."""
    reports = [(trial, 1, (float(x), float(y))) for trial, (x, y) in enumerate(points)]
    broken = data.draw(st.integers(0, len(reports)))
    through = halving()
    decisions = [through.report(*report) for report in reports]

    first, second = halving(), halving()
    assert [first.report(*report) for report in reports[:broken]] == decisions[:broken]
    kept = list(first.entries(1))
    random.Random(broken).shuffle(kept)
    for entry in [*kept, *kept[:1]]:
        second.restore(1, entry)
    assert [second.report(*report) for report in reports[broken:]] == decisions[broken:]
    assert set(second.entries(1)) == set(through.entries(1))


def result(epoch: int, accuracy: float) -> EpochResult:
    return EpochResult(
        epoch=epoch,
        train_loss=1.0,
        val_loss=2.0,
        val_accuracy=accuracy,
        train_seconds=3.0,
        val_seconds=0.0,
    )


def test_an_entry_is_the_mean_over_seeds_at_its_epoch_and_smaller_is_better() -> None:
    record = RunRecord(
        key=RunKey(7),
        state=RunState.RUNNING,
        parameters={},
        costs=Costs(learnable_params=100, mask_values=10, macs=1000),
        replicates=tuple(
            tuple(result(epoch, accuracy * epoch) for epoch in (1, 2, 3)) for accuracy in (0.1, 0.3)
        ),
    )
    objectives = parse_objectives("val_accuracy,learnable_params,train_seconds")
    assert entry_after(record, 2, objectives) == RungEntry(trial=7, losses=(-0.4, 100, 6.0))
