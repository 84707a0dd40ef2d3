"""Tune asks, the trial manager proposes."""

from typing import Any

from ray.tune.search import Searcher

from study.search.messages import TRIAL
from study.search.trial_manager import TrialManager


class TuneSearcher(Searcher):
    """Hands the trial manager's proposals to Tune.

    Results do not come back this way: Tune tells a searcher neither why a trial failed nor that
    the scheduler stopped it. They reach the trial manager through `TuneCallback`.

    Args:
        manager: Proposes.
    """

    def __init__(self, manager: TrialManager) -> None:
        super().__init__()
        self._manager = manager

    def suggest(  # type: ignore[override]  # FINISHED is a str
        self, trial_id: str
    ) -> dict[str, Any] | str | None:
        """The next trial's config, that there is none now (None), or that there will be none."""
        trial = self._manager.propose()
        if trial is not None:
            return {TRIAL: trial}
        return None if self._manager.may_propose else Searcher.FINISHED

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Nothing: see the class."""

    def save(self, checkpoint_path: str) -> None:
        """Nothing: the search's state lives in Optuna's storage."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing: see `save`."""
