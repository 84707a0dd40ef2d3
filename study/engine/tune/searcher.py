"""Search algorithm of Tune's that asks a run manager."""

from typing import Any

from ray.tune.search import Searcher

from study.search.messages import RUNS
from study.search.run_manager import RunManager


class TuneSearcher(Searcher):
    """Hands a run manager's proposals to Tune.

    Results do not come back this way: Tune tells a searcher neither why a trial failed nor that
    the scheduler stopped it. They reach the run manager through `TuneCallback`.

    Args:
        manager: Manager that proposes.
    """

    def __init__(self, manager: RunManager) -> None:
        super().__init__()
        self._manager = manager

    def suggest(  # type: ignore[override]  # FINISHED is a str
        self, trial_id: str
    ) -> dict[str, Any] | str | None:
        """Give the next trial's config; None if there is none now, FINISHED if none will come."""
        if runs := self._manager.propose():
            return {RUNS: runs}
        return None if self._manager.may_propose else Searcher.FINISHED

    # Tune requires these three, and the study's state lives in Optuna's storage.

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Ignore it: see the class."""

    def save(self, checkpoint_path: str) -> None:
        """Write nothing."""

    def restore(self, checkpoint_path: str) -> None:
        """Read nothing."""
