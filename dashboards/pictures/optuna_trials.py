"""A study's complete trials in Optuna's words, and what Optuna finds important in them."""

import contextlib
import datetime
import math
import warnings
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from optuna import Study, load_study
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.exceptions import ExperimentalWarning
from optuna.importance import (
    BaseImportanceEvaluator,
    FanovaImportanceEvaluator,
    PedAnovaImportanceEvaluator,
    get_param_importances,
)
from optuna.storages import InMemoryStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from dashboards.elements.colour import is_number
from dashboards.elements.complete_trials import Column, CompleteTrials
from dashboards.elements.quantity import Quantity, objective_quantity
from dashboards.elements.setting_axis import SettingAxis
from dashboards.view_options import Evaluator
from pnn_core.config import ParameterValue
from study.results.objective import Objective

FANOVA_TREES, FANOVA_DEPTH = 16, 8
"""About a second for 500 trials. Optuna's own 64 trees of depth 64 take half a minute on the same
machine; beside the largest importances both give the same two digits."""

_MOST_NAMES = 8
_NEVER = datetime.datetime(1970, 1, 1)  # nobody reads it, Optuna wants one


class OptunaTrials(NamedTuple):
    """Complete trials as a study of one objective.

    Attributes:
        study: Study in memory, only to be read.
        trials: Number of its trials.
        of: Complete trials with a finite value of the objective, of which it is all or a sample.
        settings: With two values or more among its trials: its parameters.
        conditional: Those of them that some of its trials lack.
        crowded: Those of them with more than eight choices.
        constant: Settings with one value or none among its trials: no parameters of it.
        is_flat: True if the objective has one value, or none.
    """

    study: Study
    trials: int
    of: int
    settings: tuple[Quantity, ...]
    conditional: tuple[Quantity, ...]
    crowded: tuple[Quantity, ...]
    constant: tuple[Quantity, ...]
    is_flat: bool


def optuna_trials(
    complete: CompleteTrials,
    objective: Objective,
    *,
    choices: int = 0,
    limit: int | None = None,
    seed: int = 0,
) -> OptunaTrials:
    """Give Optuna the complete trials that have a finite value of an objective.

    Args:
        complete: Trials of a study; its searched settings become parameters.
        objective: Its name is a metric's.
        choices: Up to so many values of a setting are choices, also where they are numbers.
        limit: Most trials; a sample is drawn of more. None for all.
        seed: Seed of that sample.
    """
    values = complete.axis(objective_quantity(objective))
    places = [i for i, value in enumerate(values) if value is not None]
    of = len(places)
    if limit is not None and of > limit:
        drawn = np.random.default_rng(seed).choice(of, limit, replace=False)
        places = [places[i] for i in sorted(drawn)]
    columns = {q: _pick(q, complete.column(q), places) for q in complete.searched}
    settings = tuple(q for q, column in columns.items() if len({*column} - {None}) > 1)
    distributions: dict[str, BaseDistribution] = {
        q.name: distribution(q, columns[q], choices=choices) for q in settings
    }
    targets = [float(values[i] or 0.0) for i in places]
    trials = [
        _trial(number, target, {q.name: columns[q][number] for q in settings}, distributions)
        for number, target in enumerate(targets)
    ]
    return OptunaTrials(
        study=load_study(study_name="", storage=_TrialsAsStorage(objective, trials)),
        trials=len(trials),
        of=of,
        settings=settings,
        conditional=tuple(q for q in settings if None in columns[q]),
        crowded=tuple(
            q
            for q in settings
            if isinstance(found := distributions[q.name], CategoricalDistribution)
            and len(found.choices) > _MOST_NAMES
        ),
        constant=tuple(q for q in complete.searched if q not in settings),
        is_flat=len(set(targets)) < 2,
    )


def importances(trials: OptunaTrials, evaluator: Evaluator, *, seed: int) -> dict[Quantity, float]:
    """Share of each setting in the sum over all; empty where the evaluator finds nothing.

    PED-ANOVA assesses conditional settings where they are present. fANOVA leaves them out, and
    settings of many names: its work doubles with each of them.

    Args:
        trials: At least two, whose objective is not flat, with at least one setting.
        evaluator: Optuna's.
        seed: Seed of fANOVA's forest.
    """
    found_by: BaseImportanceEvaluator = PedAnovaImportanceEvaluator()
    names = [setting.name for setting in trials.settings]
    if evaluator == "fanova":
        names = [q.name for q in trials.settings if q not in (*trials.conditional, *trials.crowded)]
        found_by = FanovaImportanceEvaluator(
            n_trees=FANOVA_TREES, max_depth=FANOVA_DEPTH, seed=seed
        )
    with warnings.catch_warnings():
        # Leaves them as they are, as Optuna makes equal shares of nothing at all.
        warnings.simplefilter("ignore", ExperimentalWarning)
        warnings.filterwarnings("ignore", "Some regimes for parameter")
        warnings.filterwarnings("ignore", "Target and region quantiles select the same")
        try:
            found = get_param_importances(
                trials.study, evaluator=found_by, params=names, normalize=False
            )
        except RuntimeError:  # fANOVA's: no tree of the forest found any difference
            return {}
        finally:
            _forget_trees()
    total = float(sum(found.values()))
    return {
        setting: float(found[setting.name]) / total
        for setting in trials.settings
        if setting.name in found and total > 0
    }


def _forget_trees() -> None:
    """Let go of fANOVA's trees, which Optuna's own caches would keep for ever.

    They hold nothing of the trials, yet a forest takes 2 MB, and a page of a running study asks for
    one after each trial.
    """
    # Names that Optuna's manual does not tell: a version without them keeps nothing there.
    with contextlib.suppress(ImportError):
        from optuna.importance._fanova._tree import _FanovaTree

        for method in vars(_FanovaTree).values():
            if hasattr(method, "cache_clear"):
                method.cache_clear()


def distribution(
    quantity: Quantity, values: Sequence[ParameterValue | None], *, choices: int = 0
) -> CategoricalDistribution | FloatDistribution | IntDistribution:
    """A distribution that holds values: of numbers their range, else each of them as a choice.

    The range is logarithmic where that is usual for the quantity and all values are positive.

    Args:
        quantity: Quantity that has the values.
        values: At least one; None counts nothing.
        choices: Up to so many numbers are choices as well.
    """
    present = {value for value in values if value is not None}
    numbers = [value for value in present if not isinstance(value, str) and is_number(value)]
    if len(numbers) < len(present) or len(present) <= choices:
        return CategoricalDistribution(sorted(present, key=lambda value: str(value)))
    low, high = min(numbers), max(numbers)
    log = quantity.spans_decades and low > 0
    if all(isinstance(value, int) for value in numbers):
        return IntDistribution(int(low), int(high), log=log)
    return FloatDistribution(float(low), float(high), log=log)


class _TrialsAsStorage(InMemoryStorage):
    """A study that is there without having been written: its direction and its trials.

    `Study.add_trial` checks and copies each trial: seconds for ten thousand of them.
    """

    def __init__(self, objective: Objective, trials: list[FrozenTrial]) -> None:
        super().__init__()
        self._direction = StudyDirection[objective.direction.upper()]
        self._trials = trials

    def get_study_id_from_name(self, study_name: str) -> int:
        return 0

    def get_study_directions(self, study_id: int) -> list[StudyDirection]:
        return [self._direction]

    def get_all_trials(
        self,
        study_id: int,
        deepcopy: bool = True,
        states: object = None,
    ) -> list[FrozenTrial]:
        return list(self._trials)


def _pick(quantity: Quantity, column: Column, places: Sequence[int]) -> list[ParameterValue | None]:
    """The values in some places; None for a number that no range can hold.

    Zero moves below the smallest positive value where that gives the range a logarithm: on a linear
    one nearly all noise levels would be one.
    """
    values = (column[i] for i in places)
    found = [None if isinstance(v, float) and not math.isfinite(v) else v for v in values]
    if 0 not in found or not quantity.spans_decades or not all(map(_is_size, found)):
        return found
    axis = SettingAxis(quantity, [v for v in found if v is not None and not isinstance(v, str)])
    return [axis.stand(0.0) if v == 0 and axis.is_log else v for v in found]


def _is_size(value: ParameterValue | None) -> bool:
    return value is None or is_number(value)


def _trial(
    number: int,
    value: float,
    parameters: dict[str, ParameterValue | None],
    distributions: dict[str, BaseDistribution],
) -> FrozenTrial:
    present = {name: value for name, value in parameters.items() if value is not None}
    return FrozenTrial(
        number=number,
        trial_id=number,
        state=TrialState.COMPLETE,
        value=value,
        params=present,
        # The same dict for all trials that have every setting: Optuna changes none of them.
        distributions=(
            distributions
            if len(present) == len(distributions)
            else {name: distributions[name] for name in present}
        ),
        datetime_start=_NEVER,
        datetime_complete=_NEVER,
        user_attrs={},
        system_attrs={},
        intermediate_values={},
    )
