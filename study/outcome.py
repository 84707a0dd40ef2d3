"""What a study says at its end: the front, where things are, and what to type next."""

import math
import shlex
import shutil
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TextIO

from rich.console import Console

from study.config import StudyConfig
from study.results.front_table import TextTable
from study.results.mlflow_reach import mask_password
from study.results.record import TrialRecord, TrialState

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
        page: The picture.
        csv: The front as data.
        commands: What to type next, by what it does.
        validation_images: How many the accuracies are measured on.
        warnings: What went wrong without costing the front; empty if nothing did.
    """

    config: StudyConfig
    records: tuple[TrialRecord, ...]
    front: tuple[TrialRecord, ...]
    table: TextTable
    page: Path
    csv: Path
    commands: Mapping[str, str]
    validation_images: int
    warnings: tuple[str, ...]

    def states(self) -> Counter[TrialState]:
        """Trials by final state."""
        return Counter(record.state for record in self.records)

    def with_warning(self, warning: str) -> "Outcome":
        """The same with one more warning."""
        return replace(self, warnings=(*self.warnings, warning))

    def _caution(self) -> str:
        """How far luck reaches: the binomial standard error of the best accuracy."""
        n = self.validation_images
        text = f"One seed a trial, chosen on {n:,} validation images"
        accuracies = [record.metrics()["val_accuracy"] for record in self.front]
        if not accuracies:
            return f"{text}."
        best = max(accuracies)
        points = 100 * math.sqrt(best * (1 - best) / n)
        return f"{text}: the best accuracy has a standard error of {points:.1f} points, or more."

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
            "front": [
                {
                    "number": record.number,
                    "parameters": dict(record.parameters),
                    "metrics": record.metrics(),
                }
                for record in self.front
            ],
            "page": str(self.page),
            "csv": str(self.csv),
            "validation_images": self.validation_images,
            "commands": dict(self.commands),
            "warnings": list(self.warnings),
        }

    def print(self, stream: TextIO) -> None:
        """Print it for a person."""
        console = Console(file=stream, highlight=False, soft_wrap=True)

        def say(text: str = "") -> None:
            console.print(text, markup=False)

        config = self.config
        states = self.states()
        counts = ", ".join(f"{states[state]} {state}" for state in TrialState if states[state])
        epochs = "1 epoch" if config.epochs == 1 else f"{config.epochs} epochs"
        say()
        say(f"Front of {config.name}: {config.dataset}, {counts}, {epochs}")
        say()
        say(str(self.table))
        say()
        failures = Counter(r.reason for r in self.records if r.state is TrialState.FAILED)
        for reason, count in failures.most_common(REASONS_SHOWN):
            say(f"{count} of {len(self.records)} trials failed: {reason}")
        for warning in self.warnings:
            say(warning)
        say(self._caution())
        say(f"Picture  {self.page}")
        say(f"Data     {self.csv}")
        for purpose, command in self.commands.items():
            say(f"{purpose}:\n  {command}")


def next_commands(
    config: StudyConfig, repeated: Sequence[str], store: str | None
) -> dict[str, str]:
    """What to type to see the study in MLflow, and to run a larger one.

    Args:
        config: The study.
        repeated: Options of this study that the larger one has too.
        store: MLflow's, as it may be shown; None for its local default.
    """
    if store is None:
        look = f"{installed('mlflow')} ui"
    elif store.startswith(("http://", "https://")):
        look = store
    else:
        look = f"{installed('mlflow')} ui --backend-store-uri {shlex.quote(store)}"
    larger = [*(mask_password(text) for text in repeated)]
    larger += ["--trials", str(LARGER_TRIALS * config.trials)]
    larger += ["--epochs", str(LARGER_EPOCHS * config.epochs)]
    return {
        f"See every trial (experiment {config.name}, under 'Model training')": look,
        "A larger study": f"{installed('python')} -m study.run {shlex.join(larger)}",
    }


def installed(program: str) -> str:
    """How to type a program of this environment in this folder."""
    beside = Path(sys.executable).with_name(program)
    found = shutil.which(program)
    if (found and Path(found) == beside) or not beside.exists():
        return program
    here = Path.cwd()
    return str(beside.relative_to(here)) if beside.is_relative_to(here) else str(beside)
