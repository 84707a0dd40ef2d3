"""Training in Ray's worker processes."""

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ray import tune

from pnn_core.data import DatasetError
from study.engine.cluster.draining import node_drained
from study.engine.cluster.stop_signal import stop_requested
from study.engine.cluster.worker_name import worker_name
from study.engine.cluster.worker_settings import WorkerSettings
from study.engine.failure_reasons import describe_error, would_recur
from study.engine.tune.places import GPUS
from study.engine.tune.worker_images import WorkerImages
from study.results.printable import printable
from study.results.run_record import RunKey
from study.search.messages import (
    REPORTS,
    RUNS,
    DataFault,
    ProposedRun,
    RunFailure,
    RunPaused,
    RunReport,
)

# The driver pickles this class and never trains: it need not wait for torch, which the methods
# import in the worker.
if TYPE_CHECKING:
    from study.engine.tune.run_group import RunGroup


class TrialTrainable(tune.Trainable):
    """Trains one of Tune's trials after another in one process, so that torch is imported once.

    A trial of Tune's holds one run of the study, or several that differ in their seeds alone. Each
    step is an epoch of every seed of a run, so that no mean is ever taken over some of them.
    Nothing is built before the first step, so that whatever is wrong with a run fails that run, not
    the process. Checkpoints are written here and not by Tune, whose own are pickles.
    """

    def setup(  # type: ignore[override]  # tune.with_parameters gives the rest
        self, config: dict[str, Any], images: WorkerImages, settings: WorkerSettings
    ) -> None:
        """Keep what all trials share.

        Args:
            config: Tune's config; holds the `ProposedRun`s and what they take of a GPU.
            images: Images from Ray's object store: shared with the node's other workers, read-only.
            settings: Settings of all workers.
        """
        self._images = images
        self._settings = settings
        self._device = settings.prepare(config[GPUS])
        self._stop = stop_requested(settings.stop_key)
        self._drained = node_drained() if settings.may_be_drained else threading.Event()
        self._group: RunGroup | None = None
        self._given_up = False

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Make room for the next trial in this process: the scheduler may have stopped the last."""
        self._let_go()
        self.config = new_config
        return True

    def step(self) -> dict[str, Any]:
        """Train an epoch; Tune adds its own entries to what is returned.

        A run that raises reports its reason as a result: raised to Tune, it would reach the driver
        only as a pickle. The next step then gives the process up, so that the run is tried again in
        a new one: after some errors, such as CUDA's, a process is of no more use. What would recur
        is not tried again, and data that cannot be read are no fault of the run.
        """
        if self._given_up:
            raise RuntimeError("given up: see the last reports")
        proposed: tuple[ProposedRun, ...] = self.config[RUNS]
        try:
            reports = self._train_epoch(proposed)
        except Exception as error:  # whatever a run raises is that run's end, not the study's
            left = [run.key for run in (self._group.left if self._group else proposed)]
            reports = dict.fromkeys(left, _report(error, len(left)))
            self._given_up = any(
                isinstance(report, RunFailure) and not report.would_recur
                for report in reports.values()
            )
            is_over = True
        else:
            is_over = self._group is None or not self._group.left
            # What is tried again is not to meet the node once more.
            moves = (isinstance(r, RunFailure) and r.moves for r in reports.values())
            self._given_up = any(moves)
        if is_over or self._given_up:  # here, where no exception's frames hold the networks
            self._let_go()
        return {REPORTS: tuple(reports.items()), "done": is_over and not self._given_up}

    def _train_epoch(self, proposed: tuple[ProposedRun, ...]) -> Mapping[RunKey, RunReport]:
        from study.engine.tune.run_group import RunGroup, node_leaves

        if self._group is None:
            if self._stop.is_set():
                return {run.key: RunPaused() for run in proposed}
            if self._drained.is_set():
                return {run.key: node_leaves() for run in proposed}
            self._group = RunGroup(
                proposed, self._images, self._settings, self._device, self._stop, self._drained
            )
        return self._group.train_epoch()

    def cleanup(self) -> None:
        """Let go of the device."""
        self._let_go()

    def _let_go(self) -> None:
        """Let go of all networks, and of the memory of a GPU that they took."""
        from pnn_core.device.gpu_memory_limit import release_gpu_memory

        if self._group is not None:
            self._group = None
            release_gpu_memory(self._device)


def _report(error: Exception, runs: int) -> RunReport:
    """Report what a run raised, or several that were trained at once.

    Several are tried again one by one: what would recur may be the fault of one of them.
    """
    from pnn_core.training.cuda_graph import CaptureError

    if isinstance(error, DatasetError):
        return DataFault(reason=printable(" ".join(str(error).split())))
    return RunFailure(
        reason=describe_error(error),
        would_recur=runs == 1 and would_recur(error),
        worker=worker_name(),
        unrecorded=describe_error(error) if isinstance(error, CaptureError) else "",
    )
