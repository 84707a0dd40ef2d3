"""Tune asks after each epoch, the trial manager knows whether the trial goes on."""

from typing import TYPE_CHECKING, Any

from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler

from study.search.messages import REPORT, TRIAL, EpochReport, ProposedTrial
from study.search.trial_manager import TrialManager

if TYPE_CHECKING:
    from ray.tune.execution.tune_controller import TuneController


class RungScheduler(FIFOScheduler):
    """Stops trials at the rungs of a study, and starts them in the order in which they come.

    Tune asks here before it tells `TuneCallback` of the same report, and ends the trial after.
    Trials at their full budget it ends without asking.

    Args:
        manager: Judges.
    """

    def __init__(self, manager: TrialManager) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._manager = manager

    def on_trial_result(
        self, tune_controller: "TuneController", trial: Trial, result: dict[str, Any]
    ) -> str:
        """Whether to go on with a trial; what reports no epoch ends by itself."""
        proposed: ProposedTrial = trial.config[TRIAL]
        report = result[REPORT]
        if isinstance(report, EpochReport) and not self._manager.goes_on(proposed.number, report):
            return self.STOP
        return self.CONTINUE
