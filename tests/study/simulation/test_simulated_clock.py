"""Time goes on from event to event, and never back."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.simulation.simulated_clock import EventClock


def drain(clock):
    found = []
    while clock:
        event = clock.advance()
        found.append((clock.now, event))
    return found


@given(st.lists(st.floats(0, 1e6)))
def test_events_come_in_order_of_time_and_then_of_planning(delays) -> None:
    clock = EventClock()
    for place, delay in enumerate(delays):
        clock.plan(delay, place)
    assert drain(clock) == sorted(zip(delays, range(len(delays)), strict=True))


@given(st.lists(st.lists(st.floats(0, 100), min_size=1, max_size=5), min_size=1, max_size=5))
def test_every_chain_of_events_takes_the_sum_of_its_delays(chains) -> None:
    clock: EventClock[tuple[int, int]] = EventClock()
    ends = {}
    for chain, delays in enumerate(chains):
        clock.plan(delays[0], (chain, 1))
    before = 0.0
    while clock:
        chain, done = clock.advance()
        assert clock.now >= before
        before = clock.now
        if done < len(chains[chain]):
            clock.plan(chains[chain][done], (chain, done + 1))
        else:
            ends[chain] = clock.now
    assert ends == pytest.approx({chain: sum(delays) for chain, delays in enumerate(chains)})


@pytest.mark.parametrize("delay", [-1e-9, -math.inf, math.nan])
def test_nothing_is_planned_in_the_past(delay) -> None:
    with pytest.raises(ValueError, match="must be at least 0"):
        EventClock().plan(delay, "event")
