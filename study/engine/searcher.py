"""Tune asks, the ledger proposes."""

from typing import Any

from ray.tune.search import Searcher

from study.engine.ledger import TrialLedger
from study.engine.messages import TRIAL


class LedgerSearcher(Searcher):
    """Hands the ledger's proposals to Tune.

    Results do not come back this way: Tune tells a searcher neither why a trial failed nor that
    the scheduler stopped it. They reach the ledger through `LedgerRecorder`.

    Args:
        ledger: Proposes.
    """

    def __init__(self, ledger: TrialLedger) -> None:
        super().__init__()
        self._ledger = ledger

    def suggest(  # type: ignore[override]  # FINISHED is a str
        self, trial_id: str
    ) -> dict[str, Any] | str | None:
        """The next trial's config, that there is none now (None), or that there will be none."""
        trial = self._ledger.propose()
        if trial is not None:
            return {TRIAL: trial}
        return None if self._ledger.may_propose else Searcher.FINISHED

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Nothing: see the class."""

    def save(self, checkpoint_path: str) -> None:
        """Nothing: the search's state lives in Optuna's storage."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing: see `save`."""
