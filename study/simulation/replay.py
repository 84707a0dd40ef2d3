"""Substitute for training: the recorded curves of the nearest configuration."""

from typing import NamedTuple

from pnn_core.config import Costs, TrialConfig
from study.recording.table import Configuration, RecordedTable
from study.results.run_record import Curve
from study.search.messages import EpochReport, ProposedRun
from study.simulation.nearest import NearestConfiguration


class ReplayedTrial(NamedTuple):
    """A proposed trial, as the table has it.

    Attributes:
        configuration: Configuration that stands for the proposed one.
        curves: Curves of as many recorded seeds as the trial has.
    """

    configuration: Configuration
    curves: tuple[Curve, ...]

    @property
    def epoch_seconds(self) -> float:
        """Seconds that an epoch of all seeds takes, one after another."""
        return len(self.curves) * self.configuration.epoch_seconds

    def report(self, epoch: int, worker: str = "") -> EpochReport:
        """Return the report of a worker that would train it.

        Args:
            epoch: Epoch that ended, counted from 1.
            worker: Name of the worker.
        """
        return EpochReport(
            replicates=tuple(curve[:epoch] for curve in self.curves),
            costs=self.configuration.costs,
            device="simulated",
            worker=worker,
        )


class Replay:
    """Replays trials of one study.

    A trial takes recorded seeds in turn, from its number on, so that the same configuration
    proposed twice need not have the same luck.

    Args:
        table: Table that is replayed.
        seed: Seed of the study: another one has other luck.
    """

    def __init__(self, table: RecordedTable, seed: int) -> None:
        self._seeds = table.replicates
        self._nearest = NearestConfiguration(table)
        self._seed = seed

    def costs(self, config: TrialConfig) -> Costs:
        """Return the costs that the table has for a training run."""
        return self._nearest.find(config.parameters()).costs

    def of(self, proposed: ProposedRun) -> ReplayedTrial:
        """The recorded training that stands for a proposed one."""
        configuration = self._nearest.find(proposed.config.parameters())
        first = self._seed + proposed.key.trial
        seeds = range(first, first + proposed.replicates)
        curves = tuple(configuration.curves[seed % self._seeds] for seed in seeds)
        return ReplayedTrial(configuration=configuration, curves=curves)
