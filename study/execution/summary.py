"""What a study says at its end: the front, where things are, and what to type next."""

import math
import os
import shlex
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TextIO

from rich.console import Console

from study.config import StudyConfig
from study.planning.study_folder import STUDIES
from study.results.confirmed_run import ConfirmedRun
from study.results.confirmed_table import confirmed_table
from study.results.front_table import TextTable
from study.results.mask_secrets import mask_password
from study.results.paired_comparison import cautions, compare_with_controls, describe_with_trial
from study.results.plural import counted
from study.results.settings import MOASHA
from study.results.stop_reasons import describe_stops
from study.results.trial_record import TrialRecord, TrialState
from study.search.sampler import GRID

REASONS_SHOWN = 3
LARGER_TRIALS, LARGER_EPOCHS = 4, 5
"""How many times more trials and epochs the larger study has that is offered next."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The end of a study.

    Attributes:
        config: The study.
        records: Of all trials.
        front: Those on the front.
        table: The front, formatted.
        confirmed: Of the confirmation, if there was one.
        planned_confirmations: How many there should have been.
        page: The picture.
        csv: The front as data.
        commands: What to type next, by what it does.
        resume: What to type to go on with the study.
        validation_images: How many the accuracies are measured on.
        warnings: What went wrong without costing the front; empty if nothing did.
    """

    config: StudyConfig
    records: tuple[TrialRecord, ...]
    front: tuple[TrialRecord, ...]
    table: TextTable
    confirmed: tuple[ConfirmedRun, ...]
    planned_confirmations: int
    page: Path
    csv: Path
    commands: Mapping[str, str]
    resume: str
    validation_images: int
    warnings: tuple[str, ...]

    def states(self) -> Counter[TrialState]:
        """Trials by final state."""
        return Counter(record.state for record in self.records)

    def with_warning(self, warning: str) -> "Outcome":
        """The same with one more warning."""
        return replace(self, warnings=(*self.warnings, warning))

    def as_interrupted(self) -> "Outcome":
        """The same, broken off: the way to go on takes the place of what could follow."""
        states = self.states()
        during = " during the confirmation" if self.planned_confirmations else ""
        said = f"Interrupted{during}: {states[TrialState.COMPLETE]} of {self.config.trials} trials "
        said += "are complete"
        if states[TrialState.PAUSED]:
            said += f", {states[TrialState.PAUSED]} paused where they stood"
        return replace(self.with_warning(said), commands={"Go on": self.resume})

    def _caution(self) -> str:
        """How far luck reaches: the binomial standard error of the best accuracy."""
        n = self.validation_images
        seeds = self.config.replicates
        text = f"One seed a trial, chosen on {n:,} validation images"
        if seeds > 1:
            text = f"{seeds} seeds a trial, their mean chosen on {n:,} validation images"
        accuracies = [record.metrics()["val_accuracy"] for record in self.front]
        if not accuracies:
            return f"{text}."
        best = max(accuracies)
        points = 100 * math.sqrt(best * (1 - best) / n)
        return f"{text}: the best accuracy has a standard error of {points:.1f} points, or more."

    def comparisons(self) -> list[str]:
        """Each perturbation network against its controls, in words."""
        compared = compare_with_controls(self.records, self.confirmed)
        return [describe_with_trial(comparison) for comparison in compared]

    def cautions(self) -> tuple[str, ...]:
        """What weakens all of them."""
        return cautions(compare_with_controls(self.records, self.confirmed))

    def as_json(self) -> dict[str, Any]:
        """The whole outcome as one JSON document."""
        return {
            "study": self.config.name,
            "space": self.config.space.name,
            "dataset": self.config.dataset,
            "epochs": self.config.epochs,
            "seed": self.config.seed,
            "objectives": [asdict(objective) for objective in self.config.objectives],
            "trials": {state.value: count for state, count in self.states().items()},
            "failures": {
                record.number: record.reason
                for record in self.records
                if record.state is TrialState.FAILED
            },
            "stops": {
                record.number: record.reason
                for record in self.records
                if record.state is TrialState.PRUNED
            },
            "front": [
                {
                    "number": record.number,
                    "parameters": dict(record.parameters),
                    "metrics": record.metrics(),
                }
                for record in self.front
            ],
            "replicates": self.config.replicates,
            "confirmed": [{**asdict(run), "metrics": run.metrics()} for run in self.confirmed],
            "comparisons": self.comparisons(),
            "cautions": self.cautions(),
            "page": str(self.page),
            "csv": str(self.csv),
            "validation_images": self.validation_images,
            "commands": dict(self.commands),
            "resume": self.resume,
            "warnings": list(self.warnings),
        }

    def print(self, stream: TextIO) -> None:
        """Print it for a person."""
        console = Console(file=stream, highlight=False, soft_wrap=True)

        def say(text: str = "") -> None:
            console.print(text, markup=False)

        config = self.config
        states = self.states()
        final_first = sorted(TrialState, key=lambda state: not state.is_final)
        counts = ", ".join(f"{states[state]} {state}" for state in final_first if states[state])
        say()
        epochs = counted(config.epochs, "epoch")
        say(f"Front of {config.name}: {config.dataset}, {counts}, {epochs}")
        say()
        say(str(self.table))
        say()
        failures = Counter(r.reason for r in self.records if r.state is TrialState.FAILED)
        for reason, count in failures.most_common(REASONS_SHOWN):
            say(f"{count} of {len(self.records)} trials failed: {reason}")
        if stops := describe_stops(self.records):
            stopped = f"{states[TrialState.PRUNED]} of {counted(len(self.records), 'trial')}"
            say(f"{stopped} stopped early: {stops}")
        for warning in self.warnings:
            say(warning)
        say(self._caution())
        self._print_confirmation(say)
        say(f"Picture  {self.page}")
        say(f"Data     {self.csv}")
        for purpose, command in self.commands.items():
            say(f"{purpose}:\n  {command}")

    def _print_confirmation(self, say: Callable[[str], None]) -> None:
        if not self.planned_confirmations:
            return
        complete = sum(run.state is TrialState.COMPLETE for run in self.confirmed)
        say("")
        say(
            f"Confirmed on the test set: {complete} of {self.planned_confirmations} runs with "
            f"fresh seeds, {counted(self.config.epochs, 'epoch')} on train and validation images"
        )
        say("")
        say(str(confirmed_table(self.confirmed)))
        say("")
        for sentence in (*self.comparisons(), *self.cautions()):
            say(sentence)
        reasons = Counter(r.reason for r in self.confirmed if r.state is TrialState.FAILED)
        for reason, count in reasons.most_common(REASONS_SHOWN):
            say(f"{counted(count, 'confirmation run')} failed: {reason}")
        say("")


def next_commands(
    config: StudyConfig, repeated: Sequence[str] | None, store: str | None, resume: str
) -> dict[str, str]:
    """What to type to see the study live and in MLflow, and to search on or to run a larger one.

    Args:
        config: The study.
        repeated: Options of this study that a larger one has too; None where there is no larger
            one, as of a trial that was run again.
        store: MLflow's, as it may be shown; None for its local default.
        resume: As `resume_command` gives it.
    """
    if store is None:
        look = f"{installed('mlflow')} ui"
    elif store.startswith(("http://", "https://")):
        look = store
    else:
        look = f"{installed('mlflow')} ui --backend-store-uri {shlex.quote(store)}"
    tracker = [] if store is None else ["--tracking-uri", store]
    commands = {
        "Every trial, with its curves and masks": shlex.join(
            [installed("python"), "-m", "dashboards.app", *tracker]
        ),
        f"The same in MLflow (experiment {config.name}, under 'Model training')": look,
    }
    if config.confirm:
        report = shlex.join(["--study", config.name, *tracker])
        commands["The replication report"] = f"{installed('python')} -m dashboards.report {report}"
    if repeated is None:
        return commands
    larger = [*(mask_password(text) for text in repeated)]
    if not config.space.is_grid:
        trials = ["--trials", str(LARGER_TRIALS * config.trials)]
        commands["More trials of this study"] = f"{resume} {shlex.join(trials)}"
        larger += trials
    larger += ["--epochs", str(LARGER_EPOCHS * config.epochs)]
    if _stopping_early_would_pay(config):
        larger += ["--scheduler", MOASHA]
    commands["A larger study"] = f"{installed('python')} -m study.run {shlex.join(larger)}"
    return commands


def _stopping_early_would_pay(config: StudyConfig) -> bool:
    """Whether a larger study, which does not stop trials early yet, had better do so.

    With as many trials as a first study has, a front loses by it; of a budget of epochs that is
    some times larger, early stopping makes more (`docs/results/early_stopping`). A grid is there
    to be trained whole.
    """
    known = all(objective.known_before_training for objective in config.objectives)
    return config.rungs is None and config.sampler != GRID and not known


def resume_command(config: StudyConfig, tracking_uri: str | None) -> str:
    """What to type to go on with a study.

    Args:
        config: The study.
        tracking_uri: As typed; None for MLflow's own rule.
    """
    words = ["--resume", "--name", config.name]
    if config.output.absolute() != (STUDIES / config.name).absolute():
        words += ["--output", str(config.output)]
    # The study's file has everything else but passwords, and the environment may have those.
    for flag, url, variable in (
        ("--tracking-uri", tracking_uri, "MLFLOW_TRACKING_URI"),
        ("--storage", config.storage, "OPTUNA_STORAGE"),
        ("--checkpoints", config.checkpoints, None),
    ):
        from_environment = variable is not None and os.environ.get(variable) == url
        if url is not None and mask_password(url) != url and not from_environment:
            words += [flag, mask_password(url)]
    return f"{installed('python')} -m study.run {shlex.join(words)}"


def installed(program: str) -> str:
    """How to type a program of this environment in this folder."""
    beside = Path(sys.executable).with_name(program)
    found = shutil.which(program)
    if (found and Path(found) == beside) or not beside.exists():
        return program
    here = Path.cwd()
    return str(beside.relative_to(here)) if beside.is_relative_to(here) else str(beside)
