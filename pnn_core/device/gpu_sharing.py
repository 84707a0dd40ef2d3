"""Choice of the number of training processes on one GPU, by what they were measured to train."""

from collections.abc import Mapping

LEAST_GAIN = 1.1
"""Least factor of training steps per second that more processes must bring: some seconds of
measurement differ by a few hundredths, and every further process takes memory and a CPU."""


def counts_to_measure(most: int) -> list[int]:
    """List the numbers of processes to measure, in order: 1, 2, 4 and so on, and the most.

    Args:
        most: Largest number that there is room for, at least 1.
    """
    doubled = [1 << exponent for exponent in range(most.bit_length()) if 1 << exponent < most]
    return [*doubled, most]


def best_count(rates: Mapping[int, float]) -> int:
    """Return the number of processes to train at once.

    Larger numbers are gone through in order, for as long as each gains `LEAST_GAIN` over the one
    before it.

    Args:
        rates: Training steps per second of all processes together, by their number; at least one.
    """
    first, *larger = sorted(rates)
    best = first
    for count in larger:
        if rates[count] < LEAST_GAIN * rates[best]:
            break
        best = count
    return best
