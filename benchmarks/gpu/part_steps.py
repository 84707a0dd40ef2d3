"""Parts of the plan: small batches, plain and recorded; seeds at once."""

import argparse
import time

from printed_verdict import judge, say
from replicates import COLOUR, DIGITS, REPLICATES, Case, multiples
from small_batches import BATCH_SIZES, rates

LEAST_GAIN = 4.0
"""Steps per second at batch 10, recorded over plain."""

MOST_MULTIPLE = 2.0
"""Time of eight seeds at once over that of one, at batch 10 to 40."""


def run(arguments: argparse.Namespace) -> bool:
    """Measure the part that was asked for."""
    return _small_batches(arguments) if arguments.part == "small-batches" else _seeds(arguments)


def _small_batches(arguments: argparse.Namespace) -> bool:
    device, small = arguments.device, arguments.small
    deadline = time.perf_counter() + arguments.seconds
    kept = True
    for batch_size in BATCH_SIZES[:1] if small else BATCH_SIZES:
        if time.perf_counter() > deadline:
            say(f"batch {batch_size}: no time was left")
            continue
        case = Case(model=DIGITS if small else COLOUR, batch_size=batch_size)
        plain, recorded, replays = rates(case, device, 1 if small else 3, 20 if small else 500)
        say(
            f"batch {batch_size}: plain {plain:.1f} steps/s, recorded {recorded:.1f} "
            f"({replays} replayed), ratio {recorded / plain:.2f}"
        )
        if batch_size == BATCH_SIZES[0]:
            claim = f"batch {batch_size}: recorded over plain"
            kept = judge(claim, recorded / plain, LEAST_GAIN, device, least=True)
            kept = judge("steps replayed", replays, 1, device, least=True) and kept
    return kept


def _seeds(arguments: argparse.Namespace) -> bool:
    device, small = arguments.device, arguments.small
    deadline = time.perf_counter() + arguments.seconds
    kept = []
    for batch_size in (10,) if small else (10, 40):
        if time.perf_counter() > deadline:
            say(f"batch {batch_size}: no time was left")
            continue
        case = Case(model=DIGITS if small else COLOUR, batch_size=batch_size)
        first, others = multiples(case, device, 1 if small else 3, 20 if small else 100)
        *at_once, in_turn = others
        words = ", ".join(f"{n} at once {x:.2f}" for n, x in zip(REPLICATES, at_once, strict=True))
        last = REPLICATES[-1]
        say(f"{case.name}: one {1e3 * first:.2f} ms a step; {words}; {last} in turn {in_turn:.2f}")
        claim = f"batch {batch_size}: {last} seeds at once over one"
        kept.append(judge(claim, at_once[-1], MOST_MULTIPLE, device, least=False))
    return all(kept)
