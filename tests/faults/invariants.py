"""Whether a study that went through faults is whole, asked of Optuna and MLflow alone.

Written against their own APIs and nothing of this project, so that no mistake of the project can
hide itself here.
"""

import csv
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from optuna.trial import FrozenTrial, TrialState
from stored_study import CONFIRMS_TAG, PARENT_TAG, SERIES, Stored

ENDS = {
    TrialState.COMPLETE: ("FINISHED", "complete"),
    TrialState.PRUNED: ("KILLED", "pruned"),
    TrialState.FAIL: ("FAILED", "failed"),
}
"""Optuna's final states, the status of the MLflow run of each and its tag `state`."""


class Kind(StrEnum):
    """What became of a trial, an epoch or a run."""

    LOST = "lost"
    DUPLICATED = "duplicated"
    STUCK = "stuck"
    WRONG = "wrong"


class Violation(NamedTuple):
    """Something that must not be, in words."""

    kind: Kind
    text: str


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a study was asked for.

    Attributes:
        study: Its name.
        trials: How many.
        epochs: Full budget of each.
        objectives: Metric and direction (`maximize` or `minimize`) of each, in Optuna's order.
        replicates: Seeds of each trial.
        confirm: Fresh seeds of each front trial and control; 0 for no confirmation.
        layers: Layers that each front trial is confirmed with, its own among them.
    """

    study: str
    trials: int
    epochs: int
    objectives: tuple[tuple[str, str], ...]
    replicates: int = 1
    confirm: int = 0
    layers: tuple[str, ...] = ()


def check(asked: Asked, stored: Stored, front_csv: Path) -> list[Violation]:
    """Everything that is wrong with a study that has ended well.

    Args:
        asked: What the study was asked for.
        stored: What it left.
        front_csv: The front that it exported.
    """
    return [
        *_trials(asked, stored),
        *_parent(asked, stored),
        *_runs(asked, stored),
        *_epochs(asked, stored),
        *_contents(asked, stored),
        *_confirmations(asked, stored),
        *_exported_front(asked, stored, front_csv),
    ]


def nondominated(asked: Asked, trials: Sequence[FrozenTrial]) -> set[int]:
    """Numbers of the complete trials that no other one dominates, by comparing all pairs."""
    signs = [-1.0 if direction == "maximize" else 1.0 for _, direction in asked.objectives]
    costs = {
        trial.number: [sign * value for sign, value in zip(signs, trial.values, strict=True)]
        for trial in trials
        if trial.state is TrialState.COMPLETE
    }
    return {
        number
        for number, mine in costs.items()
        if not any(
            all(a <= b for a, b in zip(other, mine, strict=True)) and other != mine
            for other in costs.values()
        )
    }


def _trials(asked: Asked, stored: Stored) -> Iterator[Violation]:
    numbers = Counter(trial.number for trial in stored.trials)
    for number in range(asked.trials):
        if number not in numbers:
            yield Violation(Kind.LOST, f"trial {number} is missing in Optuna")
    for number, count in numbers.items():
        if count > 1 or number >= asked.trials:
            text = f"trial {number} is {count} times in Optuna, of {asked.trials} trials asked for"
            yield Violation(Kind.DUPLICATED, text)
    for trial in stored.trials:
        if not trial.state.is_finished():
            yield Violation(Kind.STUCK, f"trial {trial.number} is {trial.state.name} in Optuna")
    points = defaultdict(list)
    for trial in stored.trials:
        points[json.dumps(trial.params, sort_keys=True)].append(trial.number)
    for point, same in points.items():
        if len(same) > 1:
            yield Violation(Kind.DUPLICATED, f"trials {same} have the same parameters: {point}")


def _parent(asked: Asked, stored: Stored) -> Iterator[Violation]:
    if len(stored.parents) != 1:
        kind = Kind.DUPLICATED if stored.parents else Kind.LOST
        yield Violation(kind, f"{len(stored.parents)} runs stand for the study, not 1")
        return
    (parent,) = stored.parents
    if parent.info.status != "FINISHED":
        kind = Kind.STUCK if parent.info.status in ("RUNNING", "SCHEDULED") else Kind.WRONG
        yield Violation(kind, f"the study's run is {parent.info.status}")
    told = {**parent.data.tags, **parent.data.params}
    for name in ("trials", "epochs", "replicates", "confirm"):
        if told.get(name) != str(getattr(asked, name)):
            text = f"the study's run says {name} {told.get(name)}, not {getattr(asked, name)}"
            yield Violation(Kind.WRONG, text)


def _runs(asked: Asked, stored: Stored) -> Iterator[Violation]:
    for trial in stored.trials:
        count = len(stored.runs.get(trial.number, ()))
        if count != 1:
            kind = Kind.DUPLICATED if count else Kind.LOST
            yield Violation(kind, f"trial {trial.number} has {count} runs in MLflow, not 1")
    for number in stored.runs.keys() - {trial.number for trial in stored.trials}:
        yield Violation(Kind.DUPLICATED, f"a run is of trial {number}, which Optuna lacks")
    for run in stored.others:
        yield Violation(Kind.WRONG, f"run {run.info.run_name} belongs to no trial of the study")
    for run in (*(r for same in stored.runs.values() for r in same), *stored.confirmed):
        if run.info.status in ("RUNNING", "SCHEDULED"):
            yield Violation(Kind.STUCK, f"run {run.info.run_name} is {run.info.status}")
        elif run.info.end_time < run.info.start_time:
            yield Violation(Kind.WRONG, f"run {run.info.run_name} ends before it starts")
    for trial, run in stored.whole_trials():
        end = (run.info.status, run.data.tags.get("state"))
        if trial.state.is_finished() and end != ENDS[trial.state]:
            text = f"trial {trial.number} is {trial.state.name} in Optuna, but {end} in MLflow"
            yield Violation(Kind.WRONG, text)


def _epochs(asked: Asked, stored: Stored) -> Iterator[Violation]:
    for trial, run in stored.whole_trials():
        for metric in SERIES:
            steps = Counter(m.step for m in stored.histories[run.info.run_id, metric])
            where = f"of trial {trial.number}'s {metric}"
            for step, count in sorted(steps.items()):
                if count > 1:
                    yield Violation(Kind.DUPLICATED, f"step {step} {where} is there {count} times")
                if not 1 <= step <= asked.epochs:
                    yield Violation(Kind.WRONG, f"step {step} {where} is none of its epochs")
            if trial.state is TrialState.COMPLETE:
                for step in sorted(set(range(1, asked.epochs + 1)) - steps.keys()):
                    yield Violation(Kind.LOST, f"step {step} {where} is missing")


def _contents(asked: Asked, stored: Stored) -> Iterator[Violation]:
    for trial, run in stored.whole_trials():
        for name, value in trial.params.items():
            text = run.data.params.get(name)
            if text is None:
                yield Violation(Kind.LOST, f"trial {trial.number}'s run lacks the parameter {name}")
            elif _spelt(text) != value:
                said = f"trial {trial.number}'s {name} is {value} in Optuna, {text} in MLflow"
                yield Violation(Kind.WRONG, said)
        if trial.state is not TrialState.COMPLETE:
            continue
        for (name, _), value in zip(asked.objectives, trial.values, strict=True):
            logged = run.data.metrics.get(name)
            if logged != value:
                said = f"trial {trial.number}'s {name} is {value} in Optuna, {logged} in MLflow"
                yield Violation(Kind.LOST if logged is None else Kind.WRONG, said)


def _confirmations(asked: Asked, stored: Stored) -> Iterator[Violation]:
    runs = Counter(
        (int(run.data.tags[CONFIRMS_TAG]), run.data.tags["layer"], run.data.tags["seed"])
        for run in stored.confirmed
    )
    for key, count in runs.items():
        if count > 1:
            yield Violation(Kind.DUPLICATED, f"confirmation {key} has {count} runs, not 1")
    for run in stored.confirmed:
        of = [r.info.run_id for r in stored.runs.get(int(run.data.tags[CONFIRMS_TAG]), ())]
        if run.data.tags[PARENT_TAG] not in of:
            yield Violation(Kind.WRONG, f"run {run.info.run_name} is not under its trial's run")
        if (run.info.status, run.data.tags.get("state")) not in ENDS.values():
            said = f"{run.info.status} but its tag says {run.data.tags.get('state')}"
            yield Violation(Kind.WRONG, f"run {run.info.run_name} is {said}")
    planned = nondominated(asked, stored.trials) if asked.confirm else set()
    seeds = Counter((trial, layer) for trial, layer, _ in runs)
    for trial in sorted(planned):
        for layer in asked.layers:
            if seeds[trial, layer] != asked.confirm:
                kind = Kind.LOST if seeds[trial, layer] < asked.confirm else Kind.DUPLICATED
                said = f"{seeds[trial, layer]} seeds of {layer}, not {asked.confirm}"
                yield Violation(kind, f"trial {trial} was confirmed with {said}")
    for trial, layer in sorted(key for key in seeds if key[0] not in planned):
        text = f"trial {trial} was confirmed with {layer}, but is not on the front"
        yield Violation(Kind.WRONG, text)


def _exported_front(asked: Asked, stored: Stored, front_csv: Path) -> Iterator[Violation]:
    if not front_csv.is_file():
        yield Violation(Kind.LOST, f"no front was exported: {front_csv.name} is missing")
        return
    with front_csv.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    exported = sorted(int(row["trial"]) for row in rows)
    computed = sorted(nondominated(asked, stored.trials))
    if exported != computed:
        said = f"the exported front holds trials {exported}, the records' own {computed}"
        yield Violation(Kind.WRONG, said)
    values = {trial.number: trial.values for trial in stored.trials}
    for row in rows:
        shown = [float(row[name]) for name, _ in asked.objectives]
        if shown != values.get(int(row["trial"])):
            yield Violation(Kind.WRONG, f"the exported front gives trial {row['trial']} {shown}")


def _spelt(text: str) -> object:
    """A parameter's value: JSON where it is that, else the text itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text
