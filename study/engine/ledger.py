"""The one place where a trial begins, reports and ends.

Optuna's state, the records and everyone who listens change here together, so that each trial
ends in exactly one state everywhere. Ray's OptunaSearch cannot do it: with several objectives it
tells Optuna that failed and early-stopped trials are complete.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

import optuna
from optuna.trial import TrialState as OptunaState

from pnn_core.config import PARAMETER_NAMES, Costs, EpochResult
from study.config import StudyConfig
from study.engine.messages import ProposedTrial
from study.engine.sampler import DistinctSampler
from study.results.record import TrialRecord, TrialState, mean_result


class TrialListener(Protocol):
    """Someone who wants to know; must return at once, as trials wait for it."""

    def trial_started(self, record: TrialRecord) -> None:
        """A trial was proposed; it has no results yet."""

    def epoch_finished(self, number: int, result: EpochResult) -> None:
        """A trial reported an epoch: the mean over its seeds."""

    def trial_ended(self, record: TrialRecord) -> None:
        """A trial reached its final state."""


class TrialLedger:
    """Proposes trials, follows them and keeps their records.

    Args:
        config: The study.
        optuna_study: Where the search's state lives; its sampler is a `DistinctSampler`.
        listeners: Told of everything, in order.
    """

    def __init__(
        self,
        config: StudyConfig,
        optuna_study: optuna.Study,
        listeners: Sequence[TrialListener],
    ) -> None:
        self._config = config
        self._study = optuna_study
        self._listeners = listeners
        self._optuna_trials: dict[int, optuna.Trial] = {}
        self._records: dict[int, TrialRecord] = {}

    def __getstate__(self) -> dict[str, object]:
        """Nothing: Tune pickles whatever it is given for a restore of its own, never used here."""
        return {}

    @property
    def records(self) -> tuple[TrialRecord, ...]:
        """All trials so far, by number."""
        return tuple(self._records[number] for number in sorted(self._records))

    def propose(self) -> ProposedTrial | None:
        """Begin the next trial; None when the study has all its trials."""
        sampler = self._study.sampler
        if len(self._records) >= self._config.trials or (
            isinstance(sampler, DistinctSampler) and sampler.is_exhausted(self._study)
        ):
            return None
        trial = self._study.ask(dict(self._config.space.axes))
        config = self._config.space.configure(
            trial.params,
            dataset=self._config.shape,
            epochs=self._config.epochs,
            seed=self._config.seed + trial.number * self._config.replicates,
        )
        # The name of a variant is no setting of the training run, but what a reader knows it by.
        named = {axis: v for axis, v in trial.params.items() if axis not in PARAMETER_NAMES}
        record = TrialRecord(
            number=trial.number,
            state=TrialState.RUNNING,
            parameters={**named, **config.parameters()},
        )
        self._optuna_trials[trial.number] = trial
        self._records[trial.number] = record
        for listener in self._listeners:
            listener.trial_started(record)
        return ProposedTrial(number=trial.number, config=config, replicates=self._config.replicates)

    def epoch_finished(
        self, number: int, results: Sequence[EpochResult], *, costs: Costs, device: str
    ) -> None:
        """Record an epoch of every seed of a running trial."""
        record = self._records[number]
        self._records[number] = replace(
            record, replicates=record.with_epoch(results), costs=costs, device=device
        )
        mean = mean_result(results)
        for listener in self._listeners:
            listener.epoch_finished(number, mean)

    def has_ended(self, number: int) -> bool:
        """Whether a trial is in its final state."""
        return self._records[number].state is not TrialState.RUNNING

    def trial_stopped(self, number: int) -> None:
        """End a trial that ran its full budget, or that the scheduler stopped before."""
        record = self._records[number]
        epochs = len(record.epochs)
        if epochs == self._config.epochs:
            self._end(replace(record, state=TrialState.COMPLETE))
        else:
            reason = f"stopped by the scheduler after epoch {epochs} of {self._config.epochs}"
            self._end(replace(record, state=TrialState.PRUNED, reason=reason))

    def trial_failed(self, number: int, reason: str) -> None:
        """End a trial that could not go on."""
        self._end(replace(self._records[number], state=TrialState.FAILED, reason=reason))

    def fail_running(self, reason: str) -> None:
        """End every trial that is still running; nothing is left in between."""
        for record in self.records:
            if record.state is TrialState.RUNNING:
                self.trial_failed(record.number, reason)

    def _end(self, record: TrialRecord) -> None:
        trial = self._optuna_trials.pop(record.number)
        if record.reason:
            trial.set_user_attr("reason", record.reason)
        match record.state:
            case TrialState.COMPLETE:
                self._study.tell(trial, list(record.values(self._config.objectives)))
            case TrialState.PRUNED:
                self._study.tell(trial, state=OptunaState.PRUNED)
            case _:
                self._study.tell(trial, state=OptunaState.FAIL)
        self._records[record.number] = record
        for listener in self._listeners:
            listener.trial_ended(record)
