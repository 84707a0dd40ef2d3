"""Importance of each setting for each objective, evaluated once for the same trials."""

import hashlib
import threading
from collections.abc import Sequence
from typing import NamedTuple

from dashboards.elements.complete_trials import CompleteTrials
from dashboards.elements.quantity import Quantity, objective_quantity
from dashboards.pictures.optuna_trials import importances, optuna_trials
from dashboards.view_options import Evaluator
from study.results.objective import Objective

FANOVA_TRIALS = 10_000
"""Most trials that fANOVA looks at. Fewer save little, as trees of one depth grow slowly, and may
mislead: of 10,000 generated trials with four settings, a sample of 500 took one second and gave
0.13 to a setting that has 0.28 by all of them, which took two."""
CHOICES = 12
"""Numbers of at most so many values are choices for PED-ANOVA, as they are in most spaces. Between
the values of a range it finds differences that no trial has: of 1000 trials with accuracies drawn
at random, a setting of two values got 0.8 of all importance as a range and 0.1 as a choice."""
SEED = 0

FEWEST_TRIALS = 50
"""PED-ANOVA looks at the best tenth, which should hold at least 5 trials (Optuna's manual)."""
TRIALS_PER_SETTING = 10
"""A rule of thumb for models of a response over several inputs (Loeppky, Sacks, Welch 2009)."""

MOST_KEPT = 16
"""Evaluations that are kept, some kilobytes each: one for each study and evaluator looked at."""


class ImportanceBar(NamedTuple):
    """Importance of a setting.

    Attributes:
        setting: The setting.
        importance: Its share of the sum over all settings.
    """

    setting: Quantity
    importance: float


class ObjectiveImportance(NamedTuple):
    """Importance of settings for one objective.

    Attributes:
        objective: The objective.
        bars: The most important setting first; empty where nothing can be said.
        trials: Number of trials that were looked at.
        of: Complete trials with a finite value of the objective.
        is_trusted: True if these are enough.
        note: Reason why there are no bars; empty where there are.
        constant: Settings not assessed, as these trials hold one value of each or none.
        conditional: Settings that some of these trials lack.
        crowded: Settings of many names.
    """

    objective: Objective
    bars: tuple[ImportanceBar, ...]
    trials: int
    of: int
    is_trusted: bool
    note: str
    constant: tuple[Quantity, ...]
    conditional: tuple[Quantity, ...]
    crowded: tuple[Quantity, ...]


_KEPT: dict[bytes, tuple[ObjectiveImportance, ...]] = {}
"""Evaluations by what they are of, the one last asked for at the end. Not by study: each reading of
one that runs is another object, and mostly of the same complete trials. Nothing of a study is kept,
as ten thousand trials take 300 MB."""

_EVALUATING = threading.Lock()
"""Lock by which one of two pages that ask for the same waits for the other's evaluation."""


def evaluate_importance(
    complete: CompleteTrials,
    objectives: Sequence[Objective],
    evaluator: Evaluator,
    *,
    limit: int | None,
) -> tuple[ObjectiveImportance, ...]:
    """Return the importances for each objective, evaluated once for the same values of all trials.

    Args:
        complete: The trials.
        objectives: Names of metrics.
        evaluator: Optuna's.
        limit: Most trials to look at, a sample of more, the same one each time. None for all.
    """
    key = _digest(complete, objectives, evaluator, limit)
    with _EVALUATING:
        found = _KEPT.pop(key, None)
        if found is None:
            found = tuple(_evaluate(complete, o, evaluator, limit) for o in objectives)
        _KEPT[key] = found
        if len(_KEPT) > MOST_KEPT:
            del _KEPT[next(iter(_KEPT))]
    return found


def _digest(
    complete: CompleteTrials,
    objectives: Sequence[Objective],
    evaluator: Evaluator,
    limit: int | None,
) -> bytes:
    """Return a hash of everything that an evaluation depends on."""
    content = hashlib.blake2b(repr((evaluator, limit)).encode())
    for objective in objectives:
        values = complete.axis(objective_quantity(objective))
        content.update(repr((objective, values)).encode())
    for setting in complete.searched:
        # Avoids its hash: 1, 1.0 and True have the same, and are not the same setting.
        content.update(repr((setting.name, complete.column(setting))).encode())
    return content.digest()


def _evaluate(
    complete: CompleteTrials, objective: Objective, evaluator: Evaluator, limit: int | None
) -> ObjectiveImportance:
    trials = optuna_trials(
        complete,
        objective,
        choices=CHOICES if evaluator == "ped_anova" else 0,
        limit=limit,
        seed=SEED,
    )
    needed = max(FEWEST_TRIALS, TRIALS_PER_SETTING * len(trials.settings))
    is_trusted = trials.trials >= needed
    bars: tuple[ImportanceBar, ...] = ()
    if trials.trials < 2 or not trials.settings:
        note = "too few trials"
    elif trials.is_flat:
        note = "all trials alike"
    else:
        found = importances(trials, evaluator, seed=SEED)
        bars = tuple(ImportanceBar(*pair) for pair in sorted(found.items(), key=lambda p: -p[1]))
        note = "" if bars else "no difference found"
    return ObjectiveImportance(
        objective=objective,
        bars=bars,
        trials=trials.trials,
        of=trials.of,
        is_trusted=is_trusted,
        note=note,
        constant=trials.constant,
        conditional=trials.conditional,
        crowded=trials.crowded,
    )
