"""What travels between the driver and its workers, so light that a worker imports little else."""

from dataclasses import dataclass

from pnn_core.config import Costs, EpochResult, TrialConfig

TRIAL = "trial"
"""The key of the `ProposedTrial` in Tune's config."""

REPORT = "report"
"""The key of an `EpochReport` or a `TrialFailure` in Tune's results."""


@dataclass(frozen=True, kw_only=True)
class ProposedTrial:
    """A trial to train.

    Attributes:
        number: Counted from 0 within the study.
        config: Its training run, with the first seed.
        replicates: Seeds to train with: `config.seed` and those that follow.
    """

    number: int
    config: TrialConfig
    replicates: int


@dataclass(frozen=True, kw_only=True)
class EpochReport:
    """An epoch of every seed ended.

    Attributes:
        results: What it gave, seed by seed.
        costs: Of the trial's network.
        device: Where it trained, in words.
    """

    results: tuple[EpochResult, ...]
    costs: Costs
    device: str


@dataclass(frozen=True, kw_only=True)
class TrialFailure:
    """A trial cannot go on.

    Attributes:
        reason: Why, in one line.
    """

    reason: str
