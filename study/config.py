"""What a study is asked to do."""

import re
from dataclasses import dataclass
from pathlib import Path

from pnn_core.config import DatasetShape
from search_spaces import SearchSpace
from study.results.mask_secrets import mask_password
from study.results.objective import Objective
from study.stopping.rungs import Rungs

JOURNAL = "optuna.journal"
"""Optuna's storage within the study's folder."""

FIFO = "fifo"
"""Runs each trial to its full budget."""

MOASHA = "moasha"
"""Stops trials early: asynchronous successive halving for several objectives."""

SCHEDULERS = (FIFO, MOASHA)


@dataclass(frozen=True, kw_only=True)
class Resources:
    """What one trial may use, and how many run at once.

    Attributes:
        cpus_per_trial: CPU cores, which is also a trial's thread budget.
        gpus_per_trial: GPUs, or a fraction of one; None for what the largest trial's measured
            memory calls for where the cluster has any, else none.
        max_concurrent: Trials at once; None for as many as the resources allow.
    """

    cpus_per_trial: int = 1
    gpus_per_trial: float | None = None
    max_concurrent: int | None = None

    def __post_init__(self) -> None:
        if self.cpus_per_trial < 1:
            raise ValueError(f"cpus_per_trial (={self.cpus_per_trial}) must be at least 1")
        if self.gpus_per_trial is not None and self.gpus_per_trial < 0:
            raise ValueError(f"gpus_per_trial (={self.gpus_per_trial}) must be at least 0")
        if self.max_concurrent is not None and self.max_concurrent < 1:
            raise ValueError(f"max_concurrent (={self.max_concurrent}) must be at least 1")


@dataclass(frozen=True, kw_only=True)
class StudyConfig:
    """One search.

    Attributes:
        name: Letters, digits, `.`, `_` and `-`; with a trial's number, the trial's key.
        study_id: Random, drawn when the study begins: tells it from another one of its name.
        space: What is searched.
        dataset: Name of the data set.
        shape: Of its images.
        trials: Trials to run.
        epochs: Full budget of a trial.
        replicates: R, the seeds of each trial.
        confirm: Fresh seeds that confirm each trial of the front and its controls; 0 for none.
        seed: Trial n trains with the R seeds from `seed + n·R` on; the sampler draws from `seed`.
        objectives: What is optimised, in this order.
        sampler: Name of the sampler.
        output: Folder for the search's state and the exported front.
        storage: URL of Optuna's storage; None for a file in `output`.
        checkpoints: Folder or URL where running trials keep their checkpoints; every node sees it.
        keep_checkpoints: Whether a complete trial's last checkpoint stays.
        address: Of a running Ray cluster; None for this machine.
        resources: Of each trial.
        rungs: Where trials are stopped early; None to run each to its full budget.
    """

    name: str
    study_id: str
    space: SearchSpace
    dataset: str
    shape: DatasetShape
    trials: int
    epochs: int
    replicates: int
    confirm: int
    seed: int
    objectives: tuple[Objective, ...]
    sampler: str
    output: Path
    storage: str | None
    checkpoints: str
    keep_checkpoints: bool
    address: str | None
    resources: Resources
    rungs: Rungs | None = None

    @property
    def storage_place(self) -> str:
        """Where the study's state lies, as it may be shown."""
        return mask_password(self.storage or str(self.output / JOURNAL))

    @property
    def scheduler(self) -> str:
        """The scheduler's name."""
        return FIFO if self.rungs is None else MOASHA

    def __post_init__(self) -> None:
        require_study_name(self.name)
        for name, least in (
            ("trials", 1),
            ("epochs", 1),
            ("replicates", 1),
            ("confirm", 0),
            ("seed", 0),
        ):
            if getattr(self, name) < least:
                raise ValueError(f"{name} (={getattr(self, name)}) must be at least {least}")


def require_study_name(name: str) -> None:
    """Check a study's name, which becomes a folder and an MLflow experiment.

    Raises:
        ValueError: It holds anything but letters, digits, `.`, `_` and `-`.
    """
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}", name):
        raise ValueError(
            f"{name!r} is not a study name: accepted are up to 100 letters, digits, '.', '_' and "
            "'-', the first a letter, a digit or '_'"
        )
