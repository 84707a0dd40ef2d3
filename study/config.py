"""Configuration of a study, complete: what the engine and the search are given."""

import re
from dataclasses import dataclass
from pathlib import Path

from pnn_core.config import Arithmetic, DatasetShape
from pnn_core.parts.own_code import OwnCode
from search_spaces import SearchSpace
from search_spaces.axis_values import read_value
from search_spaces.space import Point
from study.results.enqueued_points import typed_points
from study.results.fresh_seeds import first_fresh_seed, first_tuning_seed
from study.results.mask_secrets import mask_password
from study.results.setting import options
from study.results.settings import FIFO, Settings
from study.stopping.rungs import Rungs

JOURNAL = "optuna.journal"
"""Optuna's storage within the study's folder."""


@dataclass(frozen=True, kw_only=True)
class StudyConfig(Settings):
    """One search: its settings, every default resolved, and what they stand for.

    Attributes:
        name: Letters, digits, `.`, `_` and `-`; with a trial's number, the trial's key.
        study_id: Random, drawn when the study begins: tells it from another one of its name.
        space: Search space.
        shape: Shape of the data set's images.
        output: Folder for the search's state and the exported front.
        trials: Number of trials to run.
        sampler: Name of the sampler.
        checkpoints: Folder or URL where running trials keep their checkpoints; every node sees it.
        confirm_beforehand: Number of fresh seeds that was fixed first, which `--confirm` may have
            raised since; None for the number that is asked for now.
        controls_beforehand: Controls that were fixed first, to which `--controls` may have added
            some since; None where nothing is confirmed.
        first_fresh_seed: First fresh seed of a study that began when it depended on their number;
            None for that of the study's seed.
        arithmetic: Arithmetic that trains networks on the CPU; None for what each machine has.
        own: Code of one's own that the study uses.
    """

    name: str
    study_id: str
    space: SearchSpace
    shape: DatasetShape
    output: Path
    trials: int
    sampler: str
    checkpoints: str
    confirm_beforehand: int | None = None
    controls_beforehand: str | None = None
    first_fresh_seed: int | None = None
    arithmetic: Arithmetic | None = None
    own: tuple[OwnCode, ...] = ()

    def __post_init__(self) -> None:
        require_study_name(self.name)
        for name, declared in options(Settings).items():
            value, least = getattr(self, name), declared.least
            if value is not None and least is not None and value < least:
                raise ValueError(f"{name} (={value}) must be at least {least}")

    @property
    def rungs(self) -> Rungs | None:
        """Return where trials are stopped early; None to run each to its full budget."""
        if self.scheduler == FIFO or self.first_rung is None or self.reduction_factor is None:
            return None
        return Rungs(
            first=self.first_rung, reduction_factor=self.reduction_factor, epochs=self.epochs
        )

    @property
    def enqueued(self) -> tuple[Point, ...]:
        """Return the points that are tried first, in their order: some settings of each, or all."""
        axes = self.space.axes
        return tuple(
            {name: read_value(name, axes[name], text) for name, text in point.items()}
            for point in typed_points(self.enqueue)
        )

    @property
    def believed(self) -> Point | None:
        """Return searched settings that the user believes in; None where there are none."""
        axes = self.space.axes
        for typed in typed_points(self.prior):
            return {n: read_value(n, axes[n], text) for n, text in typed.items() if n in axes}
        return None

    @property
    def fresh_seeds(self) -> range:
        """Return the fresh seeds of the confirmation."""
        first = self.first_fresh_seed
        if first is None:
            first = first_fresh_seed(self.seed)
        return range(first, first + self.confirm)

    @property
    def tuning_seeds(self) -> range:
        """Return the seeds by which networks are tuned: as many as a trial of the search has."""
        first = first_tuning_seed(self.seed)
        return range(first, first + self.replicates)

    @property
    def storage_place(self) -> str:
        """Return where the study's state lies, as it may be shown."""
        return mask_password(self.storage or str(self.output / JOURNAL))


def require_study_name(name: str) -> str:
    """Return a study's name, checked, which becomes a folder and an MLflow experiment.

    Raises:
        ValueError: It holds anything but letters, digits, `.`, `_` and `-`.
    """
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}", name):
        raise ValueError(
            f"{name!r} is not a study name: accepted are up to 100 letters, digits, '.', '_' and "
            "'-', the first a letter, a digit or '_'"
        )
    return name
