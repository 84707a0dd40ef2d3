"""Content of a recorded table."""

import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from pnn_core.config import Costs, DatasetShape, ParameterValue
from pnn_core.config.checks import require_at_least
from search_spaces import SearchSpace
from study.results.objective import Objective
from study.results.run_record import Curve, RunKey, RunRecord, RunState

LICENCE = "CC-BY-4.0"
"""SPDX name of the licence of the tables that this program writes."""


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """One configuration, trained for real with several seeds.

    Attributes:
        number: Number of its trial in the study that recorded it.
        parameters: Every setting of its training run under its plain name, but for the seed; what
            changes nothing about its network, such as a noise level without noise, is left out.
        costs: Costs of its network.
        first_seed: Seed of its first curve; the others were trained with the seeds that follow.
        curves: One for each seed, all of the table's epochs.
    """

    number: int
    parameters: Mapping[str, ParameterValue]
    costs: Costs
    first_seed: int
    curves: tuple[Curve, ...]

    @cached_property
    def epoch_seconds(self) -> float:
        """Seconds that an epoch of one seed takes: the median over all of them.

        Not as each was measured: a pause of the recording machine stands in the seconds of the
        epoch that it fell into, and in no other.
        """
        return statistics.median(e.train_seconds + e.val_seconds for c in self.curves for e in c)

    def values(self, objectives: tuple[Objective, ...]) -> tuple[float, ...]:
        """Return values of objectives after the last epoch, each the mean over all recorded seeds.

        Raises:
            KeyError: An objective's metric is not recorded.
        """
        record = RunRecord(
            key=RunKey(self.number),
            state=RunState.COMPLETE,
            parameters=self.parameters,
            costs=self.costs,
            replicates=self.curves,
        )
        return record.values(objectives)


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """Origin of a table.

    Attributes:
        study: Name of the study that recorded it.
        command: Command that recorded it.
        git_commit: Commit of the code that trained; empty where it was no checkout.
        versions: Library name to version, of the code that trained.
        processor: Processor of the machine, in words.
        recorded: First and last day, such as `2026-11-22`.
        licence: SPDX name of the licence.
    """

    study: str
    command: str
    git_commit: str
    versions: Mapping[str, str]
    processor: str
    recorded: tuple[str, str]
    licence: str = LICENCE


@dataclass(frozen=True, kw_only=True)
class RecordedTable:
    """A tabular benchmark: what any search of its space would have seen.

    Attributes:
        space: Space that was recorded, whole or in part.
        dataset: Name of the data set.
        shape: Shape of its images.
        epochs: Full budget of a configuration.
        replicates: Seeds of each configuration.
        provenance: Origin of the table.
        configurations: Configurations, at least one, in order of their numbers.
    """

    space: SearchSpace
    dataset: str
    shape: DatasetShape
    epochs: int
    replicates: int
    provenance: Provenance
    configurations: tuple[Configuration, ...]

    def __post_init__(self) -> None:
        require_at_least(self, 1, "epochs", "replicates")
        if not self.configurations:
            raise ValueError("configurations must hold at least one")
        # Compared with what is there: no list is as long as an announced number.
        for configuration in self.configurations:
            curves = configuration.curves
            if len(curves) != self.replicates or not all(map(self._is_whole, curves)):
                raise ValueError(
                    f"configuration {configuration.number} must have {self.replicates} curves of "
                    f"the epochs 1 to {self.epochs}"
                )

    def _is_whole(self, curve: Curve) -> bool:
        """Return True if a curve has all epochs of the full budget."""
        epochs = [result.epoch for result in curve]
        return len(epochs) == self.epochs and epochs == [*range(1, len(epochs) + 1)]
