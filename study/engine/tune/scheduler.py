"""Trial scheduler of Tune's that asks a run manager."""

from typing import TYPE_CHECKING, Any

from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler

from study.search.messages import REPORTS, EpochReport
from study.search.run_manager import RunManager

if TYPE_CHECKING:
    from ray.tune.execution.tune_controller import TuneController


class RungScheduler(FIFOScheduler):
    """Stops trials at the rungs of a study, and starts them in the order in which they come.

    Tune asks here before it tells `TuneCallback` of the same report, and ends the trial after.
    Trials at their full budget it ends without asking.

    Args:
        manager: Manager that judges.
    """

    def __init__(self, manager: RunManager) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._manager = manager

    def on_trial_result(
        self, tune_controller: "TuneController", trial: Trial, result: dict[str, Any]
    ) -> str:
        """Decide if a trial goes on; one that reports no epoch ends by itself."""
        for key, report in result[REPORTS]:
            if isinstance(report, EpochReport) and not self._manager.goes_on(key, report):
                return self.STOP
        return self.CONTINUE
