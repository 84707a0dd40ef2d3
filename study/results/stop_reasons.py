"""Trials that were stopped early: at which epoch, and how that is said."""

import re
from collections import Counter
from collections.abc import Iterable

from study.results.run_record import RunRecord, RunState

_STOPPED_AT = re.compile(r"stopped at epoch ([0-9]{1,9}): ")


def describe_stop(epoch: int, why: str) -> str:
    """The reason of a trial that is stopped at an epoch, from which `stop_epoch` reads it again."""
    return f"stopped at epoch {epoch}: {why}"


def stop_epoch(record: RunRecord) -> int | None:
    """After which epoch a trial was stopped early; None where it was not.

    As its reason says: a trial may have trained on while nobody could judge it. Where the reason
    does not say, the last epoch that it finished.
    """
    if record.state is not RunState.PRUNED:
        return None
    said = _STOPPED_AT.match(record.reason)
    return int(said[1]) if said else max(map(len, record.replicates), default=0)


def describe_stops(records: Iterable[RunRecord]) -> str:
    """How many trials were stopped at which epoch, such as `9 at epoch 1, 3 at epoch 3`.

    Empty where none was.
    """
    counts = Counter(epoch for record in records if (epoch := stop_epoch(record)) is not None)
    return ", ".join(f"{count} at epoch {epoch}" for epoch, count in sorted(counts.items()))
