"""What runs in Ray's worker processes."""

import gc
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ray import tune

from pnn_core.data import TrainingData
from study.engine.messages import REPORT, TRIAL, EpochReport, ProposedTrial, TrialFailure

# The driver pickles this class and never trains: it need not wait for torch, which the methods
# import in the worker.
if TYPE_CHECKING:
    from pnn_core.train import TrainingRun


class TrialTrainable(tune.Trainable):
    """One trial after another in one process, so that torch is imported once.

    Each step is an epoch of every seed, so that no mean is ever taken over some of them. Nothing is
    built before the first step, so that whatever is wrong with a trial fails that trial, not the
    process.
    """

    def setup(  # type: ignore[override]  # tune.with_parameters gives the rest
        self, config: dict[str, Any], data: TrainingData, cpus_per_trial: int, gpus_per_trial: float
    ) -> None:
        """Keep what all trials share.

        Args:
            config: Tune's; holds the `ProposedTrial`.
            data: From Ray's object store: shared with the node's other workers, read-only.
            cpus_per_trial: Thread budget.
            gpus_per_trial: 0 means the CPU, also where the machine has GPUs.
        """
        import torch

        from pnn_core.device import default_device

        torch.set_num_threads(cpus_per_trial)
        self._data = data
        self._device = default_device() if gpus_per_trial else torch.device("cpu")
        self._runs: list[TrainingRun] = []

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Make room for the next trial in this process."""
        import torch

        self._runs = []
        if torch.cuda.is_available():
            # Give its memory back before another trial asks for more. Without a GPU there is no
            # hurry, and a collection costs a third of a second with torch and Ray loaded.
            gc.collect()
            torch.cuda.empty_cache()
        self.config = new_config
        return True

    def step(self) -> dict[str, Any]:
        """Train an epoch; Tune adds its own entries to what is returned.

        A trial that raises reports its reason as a result. Raised to Tune it would cost the
        process, and reach the driver only as a pickle in a shared folder.
        """
        trial: ProposedTrial = self.config[TRIAL]
        try:
            report = self._train_epoch(trial)
        except Exception as error:  # whatever a trial raises is that trial's end, not the study's
            self._runs = []
            return {REPORT: TrialFailure(reason=describe_error(error)), "done": True}
        return {REPORT: report, "done": report.results[0].epoch == trial.config.epochs}

    def _train_epoch(self, trial: ProposedTrial) -> EpochReport:
        from pnn_core.costs import count_costs
        from pnn_core.device import describe_device
        from pnn_core.train import TrainingRun

        if not self._runs:
            first = trial.config.seed
            self._runs = [
                TrainingRun(replace(trial.config, seed=seed), self._data, self._device)
                for seed in range(first, first + trial.replicates)
            ]
            self._costs = count_costs(trial.config.model)
        return EpochReport(
            results=tuple(run.next_epoch() for run in self._runs),
            costs=self._costs,
            device=describe_device(self._device),
        )

    def cleanup(self) -> None:
        """Let go of the device."""
        self._runs = []


def describe_error(error: Exception) -> str:
    """An exception in one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"
