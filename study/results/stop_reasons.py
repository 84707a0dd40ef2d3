"""Trials that were stopped early: at which epoch, and how that is said."""

from collections import Counter
from collections.abc import Iterable

from study.results.run_record import RunRecord, RunState


def stop_epoch(record: RunRecord) -> int | None:
    """Return the epoch after which a trial was stopped early; None where it was not.

    A trial may have trained on while nobody could judge it. Where its record does not tell, the
    last epoch that it finished.
    """
    if record.state is not RunState.PRUNED:
        return None
    if record.stop is not None:
        return record.stop.epoch
    return max(map(len, record.replicates), default=0)


def describe_stops(records: Iterable[RunRecord]) -> str:
    """Count the trials that were stopped at each epoch, such as `9 at epoch 1, 3 at epoch 3`.

    Empty where none was.
    """
    counts = Counter(epoch for record in records if (epoch := stop_epoch(record)) is not None)
    return ", ".join(f"{count} at epoch {epoch}" for epoch, count in sorted(counts.items()))
