"""Points of the trials that a study has begun."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from study.search.trial_attributes import ENQUEUED


@dataclass(frozen=True, kw_only=True)
class BegunPoints:
    """Points of a study's trials.

    Attributes:
        asked: Points of all trials that were begun, enqueued or proposed.
        enqueued: Number of enqueued points among them.
    """

    asked: tuple[Mapping[str, Any], ...] = ()
    enqueued: int = 0

    @classmethod
    def of(cls, trials: Sequence[FrozenTrial]) -> "BegunPoints":
        """Return the points of Optuna's trials; one that waits was not begun."""
        begun = [trial for trial in trials if trial.state is not TrialState.WAITING]
        return cls(
            asked=tuple(trial.params for trial in begun),
            enqueued=sum(ENQUEUED in trial.user_attrs for trial in begun),
        )
