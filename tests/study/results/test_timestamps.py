"""A clock that is set back while a process lives changes no duration and no order."""

import time

import pytest

from study.results import timestamps
from study.results.timestamps import SteadyClock

NOON = 1_700_000_000_000


class SetClock:
    """Clocks that a test sets, in milliseconds."""

    def __init__(self) -> None:
        self.wall, self.monotonic = NOON, 0

    def passes(self, milliseconds: int) -> None:
        self.wall += milliseconds
        self.monotonic += milliseconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SetClock:
    clock = SetClock()
    monkeypatch.setattr(time, "time_ns", lambda: clock.wall * 1_000_000)
    monkeypatch.setattr(time, "monotonic_ns", lambda: clock.monotonic * 1_000_000)
    monkeypatch.setattr(timestamps, "_CLOCK", SteadyClock())
    return clock


def test_it_is_the_time_of_day_where_nobody_sets_it(clock: SetClock) -> None:
    assert timestamps.now_ms() == NOON
    clock.passes(1500)
    assert timestamps.now_ms() == NOON + 1500


def test_a_clock_that_is_set_back_goes_on(clock: SetClock) -> None:
    clock.passes(1000)
    started = timestamps.now_ms()
    clock.passes(250)
    clock.wall -= 3_600_000
    assert timestamps.now_ms() == started + 250
    clock.passes(5000)
    assert timestamps.now_ms() == started + 5250
    clock.wall -= 60_000
    clock.passes(1)
    assert timestamps.now_ms() == started + 5251


def test_a_clock_that_is_set_forward_is_followed(clock: SetClock) -> None:
    clock.wall += 86_400_000
    assert timestamps.now_ms() == NOON + 86_400_000
