"""Early stopping by one objective, as everybody has it, to be compared with that by all of them."""

from study.stopping.halving import SuccessiveHalving
from study.stopping.rungs import Rungs


class FirstObjectiveHalving:
    """Asynchronous successive halving that sees the first objective alone (ASHA).

    Args:
        rungs: Rungs of the search.
    """

    def __init__(self, rungs: Rungs) -> None:
        self._halving = SuccessiveHalving(rungs)

    def goes_on(self, trial: int, epoch: int, losses: tuple[float, ...]) -> bool:
        """See `study.simulation.simulated_search.Stopper`."""
        decision = self._halving.report(trial, epoch, losses[:1])
        return decision is None or decision.go_on
