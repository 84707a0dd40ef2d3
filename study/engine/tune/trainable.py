"""What runs in Ray's worker processes."""

import json
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from ray import tune

from pnn_core.data import TrainingData
from study.checkpoints.cleanup import trial_file
from study.checkpoints.worker_checkpoint import WorkerCheckpoint
from study.engine.cluster.stop_signal import stop_requested
from study.engine.cluster.worker_name import worker_name
from study.engine.cluster.worker_settings import WorkerSettings
from study.results.mask_secrets import mask_password
from study.search.messages import (
    REPORT,
    TRIAL,
    EpochReport,
    ProposedTrial,
    TrialFailure,
    TrialPaused,
)

# The driver pickles this class and never trains: it need not wait for torch, which the methods
# import in the worker.
if TYPE_CHECKING:
    from pnn_core.replicates.grouping import Training
    from pnn_core.training.validated_run import ValidatedRun


class TrialTrainable(tune.Trainable):
    """One trial after another in one process, so that torch is imported once.

    Each step is an epoch of every seed, so that no mean is ever taken over some of them; seeds are
    trained at once as far as that pays. Nothing is built before the first step, so that whatever is
    wrong with a trial fails that trial, not the process. Checkpoints are written here and not by
    Tune, whose own are pickles.
    """

    def setup(  # type: ignore[override]  # tune.with_parameters gives the rest
        self, config: dict[str, Any], data: TrainingData, settings: WorkerSettings
    ) -> None:
        """Keep what all trials share.

        Args:
            config: Tune's; holds the `ProposedTrial`.
            data: From Ray's object store: shared with the node's other workers, read-only.
            settings: The same for all workers.
        """
        self._data = data
        self._settings = settings
        self._device = settings.prepare()
        self._stop = stop_requested(settings.stop_key)
        self._runs: list[ValidatedRun] = []
        self._trainings: list[Training] = []
        self._given_up = False

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Make room for the next trial in this process: the scheduler may have stopped the last."""
        self._let_go()
        self.config = new_config
        return True

    def step(self) -> dict[str, Any]:
        """Train an epoch; Tune adds its own entries to what is returned.

        A trial that raises reports its reason as a result: raised to Tune, it would reach the
        driver only as a pickle. The next step then gives the process up, so that the trial is
        tried again in a new one: after some errors, such as CUDA's, a process is of no more use.
        """
        from pnn_core.training.trainer import NonFiniteLossError

        if self._given_up:
            raise RuntimeError("given up: see the trial's last report")
        trial: ProposedTrial = self.config[TRIAL]
        report: EpochReport | TrialPaused | TrialFailure
        try:
            report = self._train_epoch(trial)
        except NonFiniteLossError as error:
            report = _failure(error, would_recur=True)
        except Exception as error:  # whatever a trial raises is that trial's end, not the study's
            report = _failure(error, would_recur=False)
            self._given_up = True
        goes_on = (
            isinstance(report, EpochReport) and len(report.replicates[0]) < trial.config.epochs
        )
        if not goes_on:  # here, where no exception's frames hold the networks any more
            self._let_go()
        return {REPORT: report, "done": not goes_on and not self._given_up}

    def _train_epoch(self, trial: ProposedTrial) -> EpochReport | TrialPaused:
        from pnn_core.device.selection import describe_device

        if not self._runs:
            if self._stop.is_set():
                return TrialPaused()
            self._begin(trial)
        epoch = min(min(run.epoch for run in self._runs) + 1, trial.config.epochs)
        for training in self._trainings:
            while training.epoch < epoch:
                if self._stop.is_set() or not training.next_epoch(self._pauses):
                    self._checkpoint.save(self._runs)
                if self._stop.is_set() and training.epoch < epoch:
                    return TrialPaused(unsaved=self._checkpoint.unsaved)
        is_last = epoch == trial.config.epochs
        if self._settings.keep_checkpoints if is_last else self._checkpoint.is_due:
            self._checkpoint.save(self._runs)
        return EpochReport(
            replicates=tuple(run.results for run in self._runs),
            costs=self._costs,
            device=describe_device(self._device),
            worker=worker_name(),
            unsaved=self._checkpoint.unsaved,
        )

    def _begin(self, trial: ProposedTrial) -> None:
        """Build the trial's networks, and take them to where its checkpoint was written."""
        from pnn_core.models.costs import count_costs
        from pnn_core.replicates.grouping import group_runs
        from pnn_core.training.validated_run import ValidatedRun

        first = trial.config.seed
        runs = [
            ValidatedRun(replace(trial.config, seed=seed), self._data, self._device)
            for seed in range(first, first + trial.replicates)
        ]
        self._checkpoint = WorkerCheckpoint(
            self._settings.store,
            trial_file(trial.number),
            json.dumps([asdict(trial.config), trial.replicates]),
        )
        self._checkpoint.restore(runs)
        self._costs = count_costs(trial.config.model)
        self._runs, self._trainings = runs, group_runs(runs)

    def _pauses(self) -> bool:
        """Whether to break off in mid-epoch."""
        return self._stop.is_set() or self._checkpoint.is_overdue

    def cleanup(self) -> None:
        """Let go of the device."""
        self._let_go()

    def _let_go(self) -> None:
        """Of all networks, and of the memory of a GPU that they took."""
        from pnn_core.device.gpu_memory_limit import release_gpu_memory

        if not self._runs:
            return
        self._runs = []
        self._trainings = []
        release_gpu_memory(self._device)


def _failure(error: Exception, *, would_recur: bool) -> TrialFailure:
    reason = describe_error(error)
    return TrialFailure(reason=reason, would_recur=would_recur, worker=worker_name())


def describe_error(error: Exception) -> str:
    """An exception in one line, without passwords."""
    return mask_password(f"{type(error).__name__}: {' '.join(str(error).split())}")
