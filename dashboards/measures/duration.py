"""Durations in the unit in which people would tell them."""

from typing import NamedTuple


class TimeUnit(NamedTuple):
    """A unit of time and its length in seconds."""

    name: str
    seconds: float


def time_unit(seconds: float) -> TimeUnit:
    """The unit in which people would tell a duration: from two of a unit on, that unit."""
    units = (TimeUnit("days", 86400), TimeUnit("h", 3600), TimeUnit("min", 60))
    return next((unit for unit in units if seconds >= 2 * unit.seconds), TimeUnit("s", 1))


def describe_duration(seconds: float) -> str:
    """A duration for people, such as `40 s`, `12 min`, `3.5 h` and `2 days`."""
    unit = time_unit(seconds)
    count = seconds / unit.seconds
    return f"{count:.0f} {unit.name}" if count >= 9.95 else f"{count:.2g} {unit.name}"
