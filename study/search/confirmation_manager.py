"""Runs of a confirmation, or of the tuning before it: a list of known runs.

One worker takes several seeds of a network at once.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from study.config import StudyConfig
from study.results.run_listener import RunListener
from study.results.run_record import RunKey, RunRecord, RunState
from study.search.confirmation_plan import PlannedRun
from study.search.messages import ProposedRun
from study.search.optuna_storage import StudyStorage
from study.search.run_manager import RunManager


class ConfirmationManager(RunManager):
    """Proposes the runs of a plan that have not ended in an earlier life of the study.

    Args:
        config: The study.
        storage: Storage of the runs that end.
        listeners: Listeners to everything, told in order.
        plan: All runs, in the order in which they are to be started.
        places: Number of workers that the cluster has room for, asked each time: nodes join and
            leave.

    Attributes:
        ended: Runs that ended: those of earlier lives, then others in the order of their ends.

    Raises:
        StorageError: What is stored cannot be read.
    """

    def __init__(
        self,
        config: StudyConfig,
        storage: StudyStorage,
        listeners: Sequence[RunListener],
        plan: Sequence[PlannedRun],
        places: Callable[[], int],
    ) -> None:
        super().__init__(config, storage, listeners)
        self._places = places
        self.ended: list[RunRecord] = []
        before = {run.key: run for run in (*storage.tuned(), *storage.confirmed())}
        for planned in plan:
            if planned.key in before:
                self.ended.append(before[planned.key])
                self._restore(before[planned.key])
            else:
                self._line_up(
                    RunRecord(
                        key=planned.key,
                        state=RunState.RUNNING,
                        parameters=planned.config.parameters(),
                        size_difference=planned.size_difference,
                        tuning=planned.tuning,
                    ),
                    ProposedRun(
                        key=planned.key, config=planned.config, replicates=planned.replicates
                    ),
                )

    def _next_runs(self) -> Sequence[RunKey]:
        """Take runs for one worker, which trains them at once as far as that pays.

        They differ in their seeds alone, and are as many as leave enough for the other workers. One
        that is tried again is alone, so that whatever it does to its worker costs no other.
        """
        places = self._places()
        if not places:  # the nodes that could run one have left
            return []
        first = self._waiting[0]
        if self._attempts[first]:
            return super()._next_runs()
        most = math.ceil(len(self._waiting) / places)
        alike = [key for key in self._waiting if self._trains_beside(key, first)][:most]
        for key in alike:
            self._waiting.remove(key)
        return alike

    def _trains_beside(self, key: RunKey, first: RunKey) -> bool:
        """Return True if a run differs from the first one in its seed alone, and was not tried."""
        config, other = self._proposals[key].config, self._proposals[first].config
        alike = key.trial == first.trial and replace(config, seed=other.seed) == other
        return alike and not self._attempts[key]

    def _keep(self, record: RunRecord) -> None:
        if not record.state.is_final:
            return
        if record.key.is_tuning:
            self._storage.keep_tuned(record)
        else:
            self._storage.keep_confirmed(record)
        self.ended.append(record)
