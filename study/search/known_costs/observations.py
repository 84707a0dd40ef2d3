"""Values that trials have shown so far, at each rung and at their end."""

from dataclasses import dataclass

import optuna
from optuna.trial import FrozenTrial, TrialState

from search_spaces.space import Point
from study.results.limit import meets
from study.results.record_codec import record_from_json
from study.search.known_costs.problem import SearchProblem
from study.search.trial_attributes import RECORD, rungs_passed
from study.stopping.entry import RungEntry, entry_after


@dataclass(frozen=True, kw_only=True)
class ObservedTrial:
    """A trial as far as it has come.

    Attributes:
        number: Its number.
        point: A value for every axis.
        entries: What it reached, by the place of the rung; the full budget is the last.
        is_running: True if more may follow.
        is_within_limits: False for one that ended beyond a limit of the study.
    """

    number: int
    point: Point
    entries: dict[int, RungEntry]
    is_running: bool
    is_within_limits: bool = True


class Observations:
    """Reads trials of one study; one that has ended is read once.

    Args:
        problem: The study.
    """

    def __init__(self, problem: SearchProblem) -> None:
        self._problem = problem
        self._ended: dict[int, ObservedTrial] = {}

    def read(self, study: optuna.Study) -> list[ObservedTrial]:
        """Return all trials whose point is whole, by number; failed ones left out."""
        whole = self._problem.space.axes.keys()
        observed = []
        for trial in study.get_trials(deepcopy=False):
            if trial.params.keys() != whole or trial.state is TrialState.FAIL:
                continue
            if trial.number not in self._ended:
                one = self._observe(trial)
                if one.is_running:
                    observed.append(one)
                    continue
                self._ended[trial.number] = one
            observed.append(self._ended[trial.number])
        return observed

    def _observe(self, trial: FrozenTrial) -> ObservedTrial:
        levels = self._problem.levels
        entries = {
            levels.index(epoch): entry
            for epoch, entry in rungs_passed(trial)
            if epoch in levels and entry.is_finite
        }
        document = trial.user_attrs.get(RECORD)
        record = None if document is None else record_from_json(document)
        reached = 0 if record is None or record.costs is None else len(record.epochs)
        if record is not None:
            for place, epoch in enumerate(levels):
                if epoch <= reached and place not in entries:
                    entry = entry_after(record, epoch, self._problem.objectives)
                    if entry.is_finite:
                        entries[place] = entry
        elif trial.state is TrialState.COMPLETE:
            entries[len(levels) - 1] = self._told(trial)
        return ObservedTrial(
            number=trial.number,
            point=trial.params,
            entries=entries,
            is_running=not trial.state.is_finished(),
            is_within_limits=record is None or meets(record, self._problem.limits),
        )

    def _told(self, trial: FrozenTrial) -> RungEntry:
        """Return the values that Optuna was told, of a study that keeps no records."""
        signs = (-1 if objective.maximised else 1 for objective in self._problem.objectives)
        losses = (sign * value for sign, value in zip(signs, trial.values, strict=True))
        return RungEntry(trial=trial.number, losses=tuple(losses))
