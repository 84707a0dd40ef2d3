"""Storage of the study's one truth: Optuna's, a journal file by default.

It holds more than Optuna itself keeps: the record of each trial that ended, with every curve, and
of each run of a confirmation and of the tuning before it. So a study goes on from it alone, and a
tracker that lacks something is filled from it.
"""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.exceptions import ExperimentalWarning, StorageInternalError
from optuna.storages import BaseStorage, JournalStorage
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.exc import SQLAlchemyError

from search_spaces.space import Point
from study.config import JOURNAL, StudyConfig
from study.results.error_messages import explain
from study.results.limit import Limits
from study.results.record_codec import record_from_json, record_to_json
from study.results.run_record import RunKey, RunRecord
from study.results.setting import Shown, options, spell
from study.results.settings import ShownSettings
from study.search.batched_journal import StudyJournal
from study.search.begun_points import BegunPoints
from study.search.database_storage import open_database
from study.search.known_costs.problem import CountCosts, SearchProblem, count_network_costs
from study.search.sampler import DistinctSampler
from study.search.trial_attributes import ENQUEUED, RECORD, RUNG
from study.stopping.entry import RungEntry

STUDY_ID = "study_id"
"""Attribute of a study: its identifier."""

SETTINGS = "settings"
"""Attribute of a study: settings that can never change, as they are typed, by name."""

CONFIRMED = "confirmed/"
"""Prefix of the attributes of a study that hold its confirmation runs."""

TUNED = "tuned/"
"""Prefix of the attributes of a study that hold runs which tune a network before that."""

_RETRIED = "retried"
_STARTED = "started_ms"
_SHORTFALL = "budget_not_trained"
_GP_ANSWER = "gp:relative_params:"
"""Prefix under which Optuna's GPSampler writes each answer, for others that ask meanwhile."""


class StorageError(OSError):
    """Error of a storage that cannot be read or written, or holds another study."""


class StudyStorage:
    """State of a study on disk or in a database.

    Every method raises `StorageError` when the storage fails, and from then on: half a line may
    stand at the journal's end, and another one after it would make the whole file unreadable.

    Args:
        config: The study, whose storage is opened, or made where there is none.
        backend: Storage of Optuna's in the place of the one that the study names.
        count_costs: Counts what a network costs before it is trained.
    """

    def __init__(
        self,
        config: StudyConfig,
        backend: BaseStorage | None = None,
        count_costs: CountCosts = count_network_costs,
    ) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._place = config.storage_place
        self._url = config.storage or ""
        self._failure: StorageError | None = None
        with self._failing_clearly():
            self._storage, self._journal = (backend, None) if backend else _open(config)
            self.study = optuna.create_study(
                study_name=config.name,
                storage=self._storage,
                directions=[objective.direction for objective in config.objectives],
                sampler=DistinctSampler(
                    config.sampler, search_problem(config, count_costs), config.seed
                ),
                load_if_exists=True,
            )
            self._id = self._storage.get_study_id_from_name(config.name)
            owner = self.study.user_attrs.get(STUDY_ID)
            if owner is None and not self.study.get_trials(deepcopy=False):
                self.study.set_user_attr(STUDY_ID, config.study_id)
                # Two studies may have begun at once in one database: the last to write has it.
                owner = self.study.user_attrs[STUDY_ID]
            if owner != config.study_id:
                raise StorageError(f"{self._place} holds another study named {config.name}")
            names = [objective.name for objective in config.objectives]
            if self.study.metric_names != names:
                with warnings.catch_warnings(action="ignore", category=ExperimentalWarning):
                    self.study.set_metric_names(names)  # optuna-dashboard shows them
            if SETTINGS not in self.study.user_attrs:
                self.study.set_user_attr(SETTINGS, lasting_settings(config))

    @contextmanager
    def together(self) -> Iterator[None]:
        """Write the changes within the block at its end, where the storage is a journal."""
        with self._failing_clearly(), self._journal.together() if self._journal else nullcontext():
            yield

    def trials(self) -> list[FrozenTrial]:
        """Return all of Optuna's trials, by number."""
        with self._failing_clearly():
            return self.study.get_trials(deepcopy=False)

    def enqueue(self, points: Sequence[Point]) -> None:
        """Have points tried next, before the sampler proposes any; those that were are left out.

        Args:
            points: All points that the study was ever asked for, in their order: some settings of
                each, or all.
        """
        asked = {trial.user_attrs.get(ENQUEUED) for trial in self.trials()}
        with self._failing_clearly():
            for place, point in enumerate(points):
                if place not in asked:
                    self.study.enqueue_trial(dict(point), user_attrs={ENQUEUED: place})

    def begun_points(self) -> BegunPoints:
        """Return the points of the trials that were begun."""
        return BegunPoints.of(self.trials())

    def has_waiting(self, points: Sequence[Point] = ()) -> bool:
        """Return True if an enqueued point was not yet taken up, or one of these not yet enqueued.

        Args:
            points: All points that the study was ever asked for, in their order.
        """
        trials = self.trials()
        asked = {trial.user_attrs.get(ENQUEUED) for trial in trials}
        has_waiting = any(trial.state is TrialState.WAITING for trial in trials)
        return has_waiting or not asked.issuperset(range(len(points)))

    def is_exhausted(self) -> bool:
        """Return True if the sampler knows that no new point is left."""
        sampler = self.study.sampler
        with self._failing_clearly():
            return isinstance(sampler, DistinctSampler) and sampler.is_exhausted(self.study)

    def ask(self, axes: dict[str, BaseDistribution]) -> FrozenTrial:
        """Return a new trial, its point the next one enqueued, or proposed by the sampler."""
        with self.together():
            number = self.study.ask(axes).number
            return self._storage.get_trial(self._trial_id(number))

    def complete_point(self, trial: FrozenTrial, axes: dict[str, BaseDistribution]) -> FrozenTrial:
        """Give a trial the parameters that it lacks because the study died while it was asked for.

        The sampler's answer depends on the trial's number and on the trials before it, so it is the
        one that was lost.
        """
        with self._failing_clearly():
            trial_id = self._trial_id(trial.number)
            # The old answer would otherwise count as a point of another running trial.
            for key in trial.system_attrs:
                if key.startswith(_GP_ANSWER):
                    self._storage.set_trial_system_attr(trial_id, key, "")
            self.study.sampler.before_trial(self.study, trial)
            point = self.study.sampler.sample_relative(self.study, trial, axes)
            for name, distribution in axes.items():
                if name not in trial.params:
                    value = distribution.to_internal_repr(point[name])
                    self._storage.set_trial_param(trial_id, name, value, distribution)
            return self._storage.get_trial(trial_id)

    def keep_record(self, record: RunRecord) -> None:
        """Write the record of a trial that ended, before Optuna is told."""
        self._set(record.number, RECORD, record_to_json(record))
        if record.reason:
            self._set(record.number, "reason", record.reason)

    def keep_unfinished(self, record: RunRecord) -> None:
        """Write when a trial was first taken up, and why attempts at it broke off."""
        self._set(record.number, _STARTED, record.started_ms)
        if record.retried:
            self._set(record.number, _RETRIED, list(record.retried))

    def keep_rung_passed(self, epoch: int, entry: RungEntry) -> None:
        """Write where a trial stood when it passed a rung."""
        self._set(entry.trial, f"{RUNG}{epoch}", entry.losses)

    def keep_shortfall(self, number: int, share: float) -> None:
        """Tell samplers how much of its full budget a stopped trial lacks, before it is ended.

        Optuna's TPE takes stopped trials for good ones where complete ones are few, the first of
        them by number. With a constraint that is violated by so much, it takes those that came
        farthest.
        """
        self._constrain(number, {_SHORTFALL: share})

    def keep_limits(self, record: RunRecord, limits: Limits) -> None:
        """Tell samplers and Optuna's dashboard how far beyond each limit a trial is.

        Args:
            record: Record of a trial that is to be ended.
            limits: Limits of the study.
        """
        metrics = record.metrics()
        self._constrain(record.number, {str(limit): limit.excess(metrics) for limit in limits})

    def tell(self, number: int, state: TrialState, values: tuple[float, ...] | None = None) -> None:
        """End a trial in Optuna."""
        with self._failing_clearly():
            self.study.tell(number, values, state)

    def keep_confirmed(self, run: RunRecord) -> None:
        """Write a confirmation run that ended."""
        self._keep_run(f"{CONFIRMED}{run.trial}/{run.layer}/{run.seed}", run)

    def confirmed(self) -> tuple[RunRecord, ...]:
        """Return all confirmation runs that ended."""
        return self._runs(CONFIRMED)

    def keep_tuned(self, run: RunRecord) -> None:
        """Write a run that ended and tunes a network before it is confirmed."""
        self._keep_run(f"{TUNED}{run.trial}/{run.layer}/{run.key.grid_point}/{run.seed}", run)

    def tuned(self) -> tuple[RunRecord, ...]:
        """Return all runs that ended and tune a network."""
        return self._runs(TUNED)

    def ended(self) -> frozenset[RunKey]:
        """Return the keys of all runs that ended: trials, and runs that tune and confirm them."""
        trials = {RunKey(trial.number) for trial in ended_trials(self.trials())}
        return frozenset(trials | {run.key for run in (*self.confirmed(), *self.tuned())})

    def record_of(self, trial: FrozenTrial) -> RunRecord | None:
        """Return the record that a trial was ended with; None where it has not ended."""
        document = trial.user_attrs.get(RECORD)
        if document is None and trial.state.is_finished():
            raise StorageError(
                f"{self._place}: trial {trial.number} was ended by something else: it has no record"
            )
        with self._failing_clearly():
            return None if document is None else record_from_json(document)

    def _keep_run(self, key: str, run: RunRecord) -> None:
        with self._failing_clearly():
            self.study.set_user_attr(key, record_to_json(run))

    def _runs(self, prefix: str) -> tuple[RunRecord, ...]:
        with self._failing_clearly():
            attributes = self.study.user_attrs
            return tuple(
                record_from_json(attributes[key])
                for key in sorted(attributes)
                if key.startswith(prefix)
            )

    def _constrain(self, number: int, constraints: Mapping[str, float]) -> None:
        with self._failing_clearly():
            trial = optuna.trial.Trial(self.study, self._trial_id(number))
            for name in constraints.keys() - trial.constraints.keys():  # some before a crash
                trial.set_constraint(name, constraints[name])

    def _set(self, number: int, key: str, value: Any) -> None:  # noqa: ANN401  # any JSON
        with self._failing_clearly():
            self._storage.set_trial_user_attr(self._trial_id(number), key, value)

    def _trial_id(self, number: int) -> int:
        return self._storage.get_trial_id_from_study_id_trial_number(self._id, number)

    @contextmanager
    def _failing_clearly(self) -> Iterator[None]:
        if self._failure is not None:
            raise self._failure
        try:
            yield
        except StorageError:
            raise
        # RuntimeError: the journal's lock, where the file system has turned read-only meanwhile.
        # RecursionError, one of these, and OverflowError: numbers and depths that no study writes.
        except (
            OSError,
            OverflowError,
            RuntimeError,
            SQLAlchemyError,
            StorageInternalError,
            ValueError,
        ) as error:
            self._failure = StorageError(f"{self._place}: {explain(error, self._url)}")
            raise self._failure from error


def lasting_settings(config: StudyConfig) -> dict[str, str]:
    """Return the settings of a study that can never change, as they are typed, by name."""
    return {
        name: spell(getattr(config, name))
        for name, declared in options(ShownSettings).items()
        if Shown.PARAMETER in declared.shown
    }


def search_problem(
    config: StudyConfig, count_costs: CountCosts = count_network_costs
) -> SearchProblem:
    """Return what the sampler of a study may know of it."""
    return SearchProblem(
        space=config.space,
        dataset=config.shape,
        objectives=config.objectives,
        epochs=config.epochs,
        rungs=config.rungs,
        count_costs=count_costs,
        limits=config.limit,
        belief=config.believed,
    )


def ended_trials(trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """Return the trials that ended with a record."""
    return [trial for trial in trials if RECORD in trial.user_attrs]


def started_before(trial: FrozenTrial) -> int | None:
    """Return when an unfinished trial was first taken up, in ms since 1970; None if it was not."""
    return trial.user_attrs.get(_STARTED)


def retried_before(trial: FrozenTrial) -> tuple[str, ...]:
    """Return why earlier attempts at an unfinished trial broke off."""
    return tuple(trial.user_attrs.get(_RETRIED, ()))


def _open(config: StudyConfig) -> tuple[BaseStorage, StudyJournal | None]:
    if config.storage is not None:
        return open_database(config.storage), None
    path = config.output / JOURNAL
    _mend(path)
    path.touch(mode=0o600)  # it names hosts
    journal = StudyJournal(str(path))
    return JournalStorage(journal), journal


def _mend(path: Path) -> None:
    """Take away what a killed writer left: half a line at the end, and the journal's own lock.

    Optuna skips half a line, but what is appended to it makes the whole file unreadable. Whoever
    comes here holds the study's lock, so no other writer is alive.
    """
    path.with_name(f"{path.name}.lock").unlink(missing_ok=True)
    if not path.exists():
        return
    with path.open("rb+") as journal:
        content = journal.read()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            journal.truncate(whole)
