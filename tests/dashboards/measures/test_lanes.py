import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboards.measures.lanes import TimelineBar, fill_lanes
from study.results.run_record import RunState

COMPLETE, PAUSED, PRUNED = RunState.COMPLETE, RunState.PAUSED, RunState.PRUNED
SETTINGS = settings(max_examples=60, deadline=None)

spans = st.lists(
    st.tuples(st.integers(0, 20), st.integers(0, 8), st.sampled_from(["", "", "a:1", "b:2"])),
    max_size=20,
)


@pytest.fixture(scope="session")
def lanes_at(minute):
    """Lanes of trials at a second after the study's start."""

    def fill(seconds, *records, silent=()):
        return fill_lanes(records, silent=silent, now_ms=minute(seconds / 60))

    return fill


@SETTINGS
@given(spans)
def test_bars_of_a_lane_do_not_overlap_and_no_trial_is_lost(lanes_at, trial_at, rows):
    records = [trial_at(i, s, s + d, worker=w) for i, (s, d, w) in enumerate(rows)]
    lanes = lanes_at(100, *records)
    assert sorted(bar.number for bar in lanes.bars) == list(range(len(rows)))
    origin = min((start for start, _, _ in rows), default=0)
    for bar in lanes.bars:
        start, length, worker = rows[bar.number]
        assert (bar.start, bar.end) == (start - origin, start - origin + length)
        assert lanes.names[bar.lane].startswith(worker or "lane ")
    for lane in range(len(lanes.names)):
        own = sorted((bar.start, bar.end) for bar in lanes.bars if bar.lane == lane)
        assert own
        for (_, end), (start, _) in itertools.pairwise(own):
            assert end <= start


@SETTINGS
@given(st.lists(st.tuples(st.integers(0, 20), st.integers(1, 8)), min_size=1, max_size=20))
def test_trials_of_unknown_workers_take_as_few_lanes_as_ran_at_once(lanes_at, trial_at, rows):
    lanes = lanes_at(100, *(trial_at(i, s, s + d) for i, (s, d) in enumerate(rows)))
    at_once = max(sum(s <= t < s + d for s, d in rows) for t in range(30))
    assert lanes.names == tuple(f"lane {i + 1}" for i in range(at_once))


@SETTINGS
@given(spans)
def test_the_idle_share_is_a_share(lanes_at, trial_at, rows):
    lanes = lanes_at(100, *(trial_at(i, s, s + d, worker=w) for i, (s, d, w) in enumerate(rows)))
    assert lanes.idle_share is None or 0 <= lanes.idle_share <= 1


def test_overlapping_trials_of_one_worker_have_lanes_of_their_own_and_count_once(
    lanes_at, trial_at
):
    records = [trial_at(0, 0, 10, worker="h:1"), trial_at(1, 8, 20, worker="h:1")]
    lanes = lanes_at(50, *records)
    assert lanes.names == ("h:1", "h:1 (2)")
    assert lanes.idle_share == 0


def test_lanes_of_unknown_workers_share_one_span(lanes_at, trial_at):
    lanes = lanes_at(50, trial_at(0, 0, 10), trial_at(1, 0, 5))
    assert lanes.idle_share == pytest.approx(5 / 20)


def test_known_workers_come_before_unknown_ones(lanes_at, trial_at):
    lanes = lanes_at(50, trial_at(0, 0, 10), trial_at(1, 0, 5, worker="h:1"))
    assert lanes.names == ("h:1", "lane 2")


def test_a_trial_that_has_just_begun_stands_on_the_lane_of_the_worker_that_waits_for_it(
    lanes_at, trial_at
):
    records = [
        trial_at(0, 0, 10, worker="h:1"),
        trial_at(1, 0, 14, worker="h:2"),
        trial_at(2, 15),
        trial_at(3, 16),
        trial_at(4, 17),
        trial_at(5, 12, worker="h:3"),
    ]
    lanes = lanes_at(20, *records)
    assert lanes.names == ("h:1", "h:2", "h:3", "lane 4")
    assert {bar.number: bar.lane for bar in lanes.bars if bar.is_supposed} == {2: 1, 3: 0}
    assert {bar.number: bar.lane for bar in lanes.bars if not bar.is_supposed} == {
        0: 0, 1: 1, 4: 3, 5: 2
    }  # fmt: skip


def test_running_trials_reach_to_now_and_silent_and_paused_ones_to_their_last_epoch(
    lanes_at, make_timed
):
    records = [
        make_timed(0, 0, epochs=1),
        make_timed(1, 0, epochs=2),
        make_timed(2, 0, epochs=3, state=PAUSED),
    ]
    ends = {bar.number: bar.end for bar in lanes_at(300, *records, silent={1}).bars}
    assert ends == pytest.approx({0: 300, 1: 60, 2: 90})


def test_a_clock_that_is_behind_gives_no_negative_length(lanes_at, trial_at):
    lanes = lanes_at(-100, trial_at(0, 0), trial_at(1, 5, 3))
    assert all(bar.end == bar.start >= 0 for bar in lanes.bars)


def test_lanes_tell_what_ran_on_them_by_start(lanes_at, trial_at):
    lanes = lanes_at(
        40,
        trial_at(2, 20, 30, worker="h:1", state=PRUNED),
        trial_at(0, 5, 10, worker="h:1", retried=("it died",)),
    )
    assert lanes.bars == (
        TimelineBar(0, COMPLETE, 0, 0.0, 5.0, 1),
        TimelineBar(2, PRUNED, 0, 15.0, 25.0, 0),
    )
    assert lanes.idle_share == pytest.approx(10 / 25)


def test_without_trials_there_is_no_lane(lanes_at):
    assert lanes_at(50) == ((), (), None)
