"""Listener to the life of every run: trials, replicates and confirmations alike."""

from pnn_core.config import EpochResult
from study.results.run_record import RunKey, RunRecord


class RunListener:
    """Base of whoever follows the runs of a study; what is not overridden does nothing.

    Every method must return at once, because the trials wait for it.
    """

    def run_restored(self, record: RunRecord) -> None:
        """Take note of a run that ended in an earlier life of the study."""

    def run_started(self, record: RunRecord) -> None:
        """Take note that a process takes up a run, for the first time or from its checkpoint."""

    def epoch_finished(self, key: RunKey, result: EpochResult) -> None:
        """Take note of an epoch that a run reports for the first time: the mean over its seeds."""

    def confirmation_advanced(self, record: RunRecord, epoch: int, train_loss: float) -> None:
        """Take note of an epoch of a run that confirms, whose test result is told at its end.

        Args:
            record: Record of the run, with its costs.
            epoch: Number of the epoch, from 1.
            train_loss: Training loss in it.
        """

    def run_retried(self, record: RunRecord) -> None:
        """Take note that an attempt broke off and there will be another."""

    def run_moved(self, record: RunRecord) -> None:
        """Take note that a run leaves a node that is drained, and goes on from there elsewhere."""
        self.run_retried(record)

    def run_paused(self, record: RunRecord) -> None:
        """Take note that the study stops; the run goes on when it is resumed."""

    def run_ended(self, record: RunRecord) -> None:
        """Take note that a run reached its final state."""

    def retraining_planned(self, runs: int, part: str) -> None:
        """Take note that runs follow which tune or confirm networks of trials.

        Args:
            runs: Number of them, those that ended in earlier lives among them.
            part: Word for one that ended, such as `confirmed`.
        """
