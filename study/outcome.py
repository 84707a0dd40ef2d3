"""What a study says at its end: the front, where things are, and what to type next."""

import shutil
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TextIO

from rich.console import Console

from study.config import StudyConfig
from study.results.front_table import TextTable
from study.results.record import TrialRecord, TrialState

REASONS_SHOWN = 3


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
        warning: What went wrong without ending the study; empty if nothing did.
    """

    config: StudyConfig
    records: tuple[TrialRecord, ...]
    front: tuple[TrialRecord, ...]
    table: TextTable
    page: Path
    csv: Path
    commands: Mapping[str, str]
    warning: str

    def states(self) -> Counter[TrialState]:
        """Trials by final state."""
        return Counter(record.state for record in self.records)

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
            "commands": dict(self.commands),
            "warning": self.warning,
        }

    def print(self, stream: TextIO) -> None:
        """Print it for a person."""
        console = Console(file=stream, highlight=False, soft_wrap=True)

        def say(text: str = "") -> None:
            console.print(text, markup=False)

        config = self.config
        states = self.states()
        counts = ", ".join(f"{states[state]} {state}" for state in TrialState if states[state])
        say()
        say(f"Front of {config.name}: {config.dataset}, {counts}, {config.epochs} epochs each")
        if len(self.records) < config.trials and TrialState.COMPLETE in states:
            say(f"  {len(self.records)} trials are all there are: the space is exhausted")
        say()
        say(str(self.table))
        say()
        failures = Counter(r.reason for r in self.records if r.state is TrialState.FAILED)
        for reason, count in failures.most_common(REASONS_SHOWN):
            say(f"{count} of {len(self.records)} trials failed: {reason}")
        if self.warning:
            say(self.warning)
        say(
            "One seed a trial, chosen on validation data: differences of a few tenths of a "
            "point are luck."
        )
        say(f"Picture  {self.page}")
        say(f"Data     {self.csv}")
        for purpose, command in self.commands.items():
            say(f"{purpose}:\n  {command}")


def next_commands(config: StudyConfig, tracking_uri: str | None) -> dict[str, str]:
    """What to type to see the study in MLflow, and to run a larger one.

    Args:
        config: The study.
        tracking_uri: As it may be shown; None for MLflow's local default.
    """
    store = f" --backend-store-uri '{tracking_uri}'" if tracking_uri else ""
    look = (
        tracking_uri
        if tracking_uri and tracking_uri.startswith(("http://", "https://"))
        else f"{installed('mlflow')} ui{store}"
    )
    larger = f"{installed('python')} -m study.run --space noise_masks --dataset fashion_mnist"
    return {
        f"See every trial (experiment {config.name})": look,
        "A larger study": f"{larger} --trials 100 --epochs 30",
    }


def installed(program: str) -> str:
    """How to type a program of this environment in this folder."""
    beside = Path(sys.executable).with_name(program)
    found = shutil.which(program)
    if (found and Path(found) == beside) or not beside.exists():
        return program
    here = Path.cwd()
    return str(beside.relative_to(here)) if beside.is_relative_to(here) else str(beside)
