"""The rungs of a study: what they hold, and what becomes of each trial that reaches one."""

from study.stopping.decision import Decision, decide
from study.stopping.entry import RungEntry
from study.stopping.rungs import Rungs


class SuccessiveHalving:
    """Asynchronous successive halving: every trial is judged when it reaches a rung, none waits.

    Args:
        rungs: Rungs of the study.
    """

    def __init__(self, rungs: Rungs) -> None:
        self._rungs = rungs
        self._entries: dict[int, dict[int, RungEntry]] = {epoch: {} for epoch in rungs.at}

    @property
    def epochs(self) -> tuple[int, ...]:
        """Epochs of the rungs, in order."""
        return tuple(self._entries)

    def entries(self, epoch: int) -> tuple[RungEntry, ...]:
        """Return the entries of the rung at an epoch, in no particular order."""
        return tuple(self._entries[epoch].values())

    def report(self, trial: int, epoch: int, losses: tuple[float, ...]) -> Decision | None:
        """Have a trial enter the rung at an epoch, and judge it.

        Args:
            trial: Its number.
            epoch: Epoch that it has finished, counted from 1.
            losses: One value per objective, each the better the smaller.

        Returns:
            None where there is no rung, or where the trial entered it before and went on: an epoch
            may be trained twice, from a checkpoint that lies before it.
        """
        if epoch not in self._entries or trial in self._entries[epoch]:
            return None
        entry = RungEntry(trial=trial, losses=losses)
        decision = decide(
            self.entries(epoch),
            entry,
            epoch=epoch,
            reduction_factor=self._rungs.reduction_factor,
        )
        self.restore(epoch, entry)
        return decision

    def restore(self, epoch: int, entry: RungEntry) -> None:
        """Put back what a rung held in an earlier life of the study; judges nothing.

        One that is not finite is left out: it would count as one more that is beaten.

        Args:
            epoch: Epoch of the rung.
            entry: Entry of a trial; where the rung holds it already, that stays as it is.
        """
        if entry.is_finite:
            self._entries[epoch].setdefault(entry.trial, entry)
