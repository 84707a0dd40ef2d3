"""What every caption says of a study: of what a picture is drawn, and at which budget."""

from collections.abc import Sequence

from study.results.counted import counted
from study.results.record import TrialRecord, TrialState
from study.results.study_info import StudyInfo


def describe_trials(info: StudyInfo, records: Sequence[TrialRecord]) -> str:
    """Data set, trials by state, budget and seeds, as one sentence.

    Such as: digits, 24 trials (22 complete, 2 failed), 15 epochs each, one seed per trial.
    """
    counts = ", ".join(
        f"{sum(record.state is state for record in records)} {state}"
        for state in TrialState
        if any(record.state is state for record in records)
    )
    trials = f"{counted(len(records), 'trial')} ({counts})" if records else "no trials yet"
    return (
        f"{info.dataset}, {trials}, {counted(info.epochs, 'epoch')} each, "
        f"{describe_seeds(records)} per trial."
    )


def describe_seeds(records: Sequence[TrialRecord]) -> str:
    """`one seed`, or `the mean of 3 seeds`."""
    seeds = max((len(record.replicates) for record in records), default=1)
    return f"the mean of {seeds} seeds" if seeds > 1 else "one seed"


def complete(records: Sequence[TrialRecord]) -> tuple[TrialRecord, ...]:
    """Trials that ran their full budget."""
    return tuple(record for record in records if record.state is TrialState.COMPLETE)
