"""Rules of other libraries that stop trials early, as their own code decides."""

from types import SimpleNamespace
from typing import Any, cast

from ray.tune.schedulers import ASHAScheduler, TrialScheduler

from study.stopping.rungs import Rungs


class RayAsha:
    """Ray's `ASHAScheduler`, which uses the first objective alone.

    Args:
        rungs: Rungs of the search.
    """

    def __init__(self, rungs: Rungs) -> None:
        self._scheduler = ASHAScheduler(
            metric="loss",
            mode="min",
            max_t=rungs.epochs,
            grace_period=rungs.first,
            reduction_factor=rungs.reduction_factor,
        )
        self._known: set[int] = set()

    def goes_on(self, trial: int, epoch: int, losses: tuple[float, ...]) -> bool:
        """Decide as `study.simulation.simulated_search.Stopper` asks."""
        ray_trial = cast(Any, SimpleNamespace(trial_id=str(trial)))
        if trial not in self._known:
            self._known.add(trial)
            self._scheduler.on_trial_add(cast(Any, None), ray_trial)
        result = {"training_iteration": epoch, "loss": losses[0]}
        decision = self._scheduler.on_trial_result(cast(Any, None), ray_trial, result)
        return bool(decision == TrialScheduler.CONTINUE)


class SyneTuneMoasha:
    """Syne Tune's `MOASHA` with its default priority, non-dominated sorting and ε-net.

    Needs the `benchmarks` extra.

    Args:
        rungs: Rungs of the search.

    Raises:
        ImportError: Syne Tune is not installed.
    """

    def __init__(self, rungs: Rungs) -> None:
        from syne_tune.optimizer.scheduler import SchedulerDecision
        from syne_tune.optimizer.schedulers.multiobjective.moasha import MOASHA

        self._continue = SchedulerDecision.CONTINUE
        self._rungs = rungs
        self._make = MOASHA
        self._scheduler: Any = None
        self._known: set[int] = set()

    def goes_on(self, trial: int, epoch: int, losses: tuple[float, ...]) -> bool:
        """Decide as `study.simulation.simulated_search.Stopper` asks."""
        names = [f"loss_{place}" for place in range(len(losses))]
        if self._scheduler is None:
            self._scheduler = self._make(
                {},
                metrics=names,
                max_t=self._rungs.epochs,
                grace_period=self._rungs.first,
                reduction_factor=self._rungs.reduction_factor,
            )
        tune_trial = SimpleNamespace(trial_id=trial)
        if trial not in self._known:
            self._known.add(trial)
            self._scheduler.on_trial_add(tune_trial)
        result = dict(zip(names, losses, strict=True)) | {"training_iteration": epoch}
        return bool(self._scheduler.on_trial_result(tune_trial, result) == self._continue)
