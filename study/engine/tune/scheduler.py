"""Trial scheduler of Tune's that asks a run manager."""

from collections import deque
from typing import TYPE_CHECKING, Any

from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler

from study.engine.tune.places import GPUS, Places
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
        places: Places for trials.
    """

    def __init__(self, manager: RunManager, places: Places) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._manager = manager
        self._places = places
        self._waiting: deque[Trial] = deque()

    def on_trial_add(self, tune_controller: "TuneController", trial: Trial) -> None:
        """Put a trial in line."""
        self._waiting.append(trial)

    def choose_trial_to_run(self, tune_controller: "TuneController") -> Trial | None:
        """Return the trial that has waited longest; Tune's own looks through all there ever were.

        One whose kind of GPUs has left the cluster, or is busy while others are idle, ends here,
        and its runs are proposed again.
        """
        self._waiting = deque(trial for trial in self._waiting if trial.status == Trial.PENDING)
        for trial in [*reversed(self._waiting)]:  # who came last is the farthest from its turn
            if self._places.are_gone(trial.config[GPUS]) or self._places.has_better(trial.trial_id):
                tune_controller.stop_trial(trial)
                self._waiting.remove(trial)
        return self._waiting[0] if self._waiting else None

    def on_trial_result(
        self, tune_controller: "TuneController", trial: Trial, result: dict[str, Any]
    ) -> str:
        """Decide if a trial goes on; one that reports no epoch ends by itself."""
        self._places.trained(trial.config[GPUS])
        for key, report in result[REPORTS]:
            if isinstance(report, EpochReport) and not self._manager.goes_on(key, report):
                return self.STOP
        return self.CONTINUE
