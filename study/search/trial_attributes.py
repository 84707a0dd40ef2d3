"""Attributes of Optuna's trials in which a study keeps more than Optuna does."""

from collections.abc import Iterator

from optuna.trial import FrozenTrial

from study.stopping.entry import RungEntry

RECORD = "record"
"""Attribute of a trial that ended: its record."""

ENQUEUED = "enqueued"
"""Attribute of a trial that was enqueued: place of its point among those of the study, from 0."""

RUNG = "rung/"
"""Prefix of the attributes that tell where a trial stood when it passed a rung, by the epoch."""


def rungs_passed(trial: FrozenTrial) -> Iterator[tuple[int, RungEntry]]:
    """Yield the epochs of the rungs that a trial has passed, and where it stood there."""
    for key, losses in trial.user_attrs.items():
        if key.startswith(RUNG):
            epoch = int(key.removeprefix(RUNG))
            yield epoch, RungEntry(trial=trial.number, losses=tuple(losses))
