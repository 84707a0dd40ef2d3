"""Words of every caption: data that a picture is drawn from, and its budget."""

from collections import Counter
from collections.abc import Iterable, Sequence

from dashboards.elements.picture import Picture, PictureInfo
from study.results.limit import beyond, describe_limits
from study.results.mlflow.loaded_study import LoadedStudy
from study.results.plural import counted
from study.results.run_record import RunRecord, RunState
from study.results.seal import OPENED_EARLY, describe_sealed
from study.results.study_info import StudyInfo


def describe_trials(info: StudyInfo, records: Sequence[RunRecord]) -> str:
    """Data set, trials by state, budget and seeds, as one sentence.

    Such as: digits, 24 trials (22 complete, 2 failed), 15 epochs each, one seed per trial. Limits
    of the study follow, with the number of trials that they leave on no front.
    """
    counts = describe_states(record.state for record in records)
    trials = f"{counted(len(records), 'trial')} ({counts})" if records else "no trials yet"
    return (
        f"{info.dataset}, {trials}, {counted(info.epochs, 'epoch')} each, "
        f"{describe_seeds(records)} per trial{_describe_limits(info, records)}."
    )


def _describe_limits(info: StudyInfo, records: Sequence[RunRecord]) -> str:
    if not info.limit:
        return ""
    left_out = counted(len(beyond(records, info.limit)), "complete trial")
    return f"; {describe_limits(info.limit)} asked for, {left_out} on no front for it"


def describe_states(states: Iterable[RunState]) -> str:
    """Count each state, such as `22 complete, 2 failed`; empty for none."""
    counts = Counter(states)
    return ", ".join(f"{counts[state]} {state.words}" for state in RunState if counts[state])


def describe_seeds(records: Sequence[RunRecord]) -> str:
    """`one seed`, or `the mean of 3 seeds`."""
    seeds = max((len(record.replicates) for record in records), default=1)
    return f"the mean of {seeds} seeds" if seeds > 1 else "one seed"


def short_budget(study: LoadedStudy) -> str:
    """Data set and epochs of the confirmed runs, for every picture of them."""
    return f"{study.info.dataset}, {confirmed_epochs(study)}"


def confirmed_epochs(study: LoadedStudy) -> str:
    """Return the epochs of a confirmed run; those planned where there is none."""
    epochs = {run.parameters.get("epochs", study.info.epochs) for run in study.confirmed}
    numbers = sorted(int(number) for number in epochs) or [study.info.epochs]
    return " or ".join(str(n) for n in numbers) + (" epoch" if numbers == [1] else " epochs")


def common_sentences(pictures: Iterable[PictureInfo | Picture]) -> tuple[str, ...]:
    """Return what the captions of several pictures share, each sentence once.

    A sentence that another one begins with, such as data set and epochs alone, is left out.
    """
    found = tuple(dict.fromkeys(text for picture in pictures for text in picture.common))
    return tuple(
        text
        for text in found
        if not any(other != text and other.startswith(text.removesuffix(".")) for other in found)
    )


def complete(records: Sequence[RunRecord]) -> tuple[RunRecord, ...]:
    """Trials that ran their full budget."""
    return tuple(record for record in records if record.state is RunState.COMPLETE)


def seal_sentences(studies: Iterable[LoadedStudy]) -> tuple[str, ...]:
    """Say of each planned experiment that no figure is shown yet, or that it was opened early."""
    return tuple(
        f"{study.info.name}: "
        + (OPENED_EARLY if study.info.open_early else describe_sealed(study.info))
        for study in studies
        if study.info.experiment is not None and (study.info.open_early or not study.confirmed)
    )
