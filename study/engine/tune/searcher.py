"""Search algorithm of Tune's that asks a run manager."""

from typing import Any

from ray.tune.search import Searcher

from study.engine.tune.places import GPUS, Places
from study.search.messages import RUNS
from study.search.run_manager import RunManager


class TuneSearcher(Searcher):
    """Hands a run manager's proposals to Tune.

    Results do not come back this way: Tune tells a searcher neither why a trial failed nor that
    the scheduler stopped it. They reach the run manager through `TuneCallback`.

    Args:
        manager: Manager that proposes.
        places: Places for trials.
    """

    def __init__(self, manager: RunManager, places: Places) -> None:
        super().__init__()
        self._manager = manager
        self._places = places

    def suggest(  # type: ignore[override]  # FINISHED is a str
        self, trial_id: str
    ) -> dict[str, Any] | str | None:
        """Give the next trial's config; None if there is none now, FINISHED if none will come."""
        if (gpus := self._places.choose()) is not None:
            if runs := self._manager.propose():
                self._places.take(trial_id, gpus)
                return {RUNS: runs, GPUS: gpus}
            self._places.lack(gpus)
        return None if self._manager.may_propose else Searcher.FINISHED

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Note that its place is free; see the class for the rest."""
        self._places.leave(trial_id)

    # Tune requires these two, and the study's state lives in Optuna's storage.

    def save(self, checkpoint_path: str) -> None:
        """Write nothing."""

    def restore(self, checkpoint_path: str) -> None:
        """Read nothing."""
