"""Run of the study in a worker process: its seeds, its checkpoint and its weights."""

import json
import statistics
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any, cast

import torch

from pnn_core.config import (
    ADDED_SETTINGS,
    ADDED_TO_DETECTION,
    ADDED_UNSET,
    CLASSIFICATION,
    DETECTION,
    TrialConfig,
)
from pnn_core.data import TrainingData
from pnn_core.device.selection import describe_device
from pnn_core.models.costs import count_costs
from pnn_core.models.saved_network import encode_network
from pnn_core.parts.networks import NETWORKS
from pnn_core.training import confirmation_run, validated_run
from pnn_core.training.evaluated_run import EvaluatedRun
from pnn_core.training.network_card import network_card
from study.checkpoints.checkpoint_store import CheckpointStore
from study.checkpoints.cleanup import checkpoint_file
from study.checkpoints.worker_checkpoint import WorkerCheckpoint
from study.engine.cluster.worker_name import worker_name
from study.engine.cluster.worker_settings import WorkerSettings
from study.engine.tune.measured_values import measure_network
from study.engine.tune.worker_images import ConfirmationImages, WorkerImages
from study.results.weight_files import weight_file
from study.search.messages import (
    ConfirmationReport,
    EpochReport,
    ProposedRun,
    RunReport,
    TestReport,
)


class WorkerRun:
    """Training runs of all seeds of one run of the study, where its checkpoint was written.

    Args:
        proposed: The run.
        images: Images of a search or of a confirmation.
        store: Store of the checkpoint and of the weights.
        device: Device to train on.
        beside: Number of runs that the worker saves in turn with this one, itself included.

    Attributes:
        key: Identity within the study.
        epochs: Number of epochs to train.
        seeds: Training run of each seed.
        checkpoint: The one checkpoint of all seeds.
        unkept: Reason why weights could not be written; empty if they were, or are not due.

    Raises:
        ValueError: The images have another shape than the config says.
    """

    def __init__(
        self,
        proposed: ProposedRun,
        images: WorkerImages,
        store: CheckpointStore,
        device: torch.device,
        *,
        beside: int,
    ) -> None:
        config = proposed.config
        self.key = proposed.key
        self.epochs = config.epochs
        seeds = range(config.seed, config.seed + proposed.replicates)
        self.seeds = [_new_run(images, replace(config, seed=seed), device) for seed in seeds]
        for run in self.seeds:
            run.train_plainly(proposed.unrecorded)
        self.checkpoint = WorkerCheckpoint(
            store, checkpoint_file(proposed.key), _identity(proposed), beside=beside
        )
        self.checkpoint.restore(self.seeds)
        self.unkept = ""
        self._measured: dict[str, float] = {}
        self._images = images
        self._store = store
        self._alone = _told_alone(config.model.network, max(beside, len(self.seeds)))
        self._costs = count_costs(config.model)
        self._device = describe_device(device)

    @property
    def epoch(self) -> int:
        """Number of epochs that all seeds have done."""
        return min(run.epoch for run in self.seeds)

    @property
    def is_done(self) -> bool:
        """True if nothing is left to train."""
        return self.epoch == self.epochs

    def save(self) -> None:
        """Write the checkpoint; see `WorkerCheckpoint.save`."""
        self.checkpoint.save(self.seeds)

    def keep_weights(self) -> None:
        """Write the weights of each seed; what cannot be written costs no training: see `unkept`.

        Beside those of a detector, pictures of what it finds. Not those of a run that tunes a
        network: it is trained again with what was chosen.
        """
        if self.key.is_tuning:
            return
        images = self._images
        learned = images.train if isinstance(images, TrainingData) else images.images
        try:
            for run in self.seeds:
                card = network_card(run.config, images.traits, images.classes, learned)
                name = weight_file(self.key, run.config.seed)
                self._store.save(name, encode_network(run.model, card))
            for name, content in self._pictures().items():
                self._store.save(name, content)
        except (OSError, ValueError) as error:
            self.unkept = str(error)

    def _pictures(self) -> Mapping[str, bytes]:
        """Return pictures of what a trial's detector finds on validation images, by file name."""
        images, first = self._images, self.seeds[0]
        if first.config.model.dataset.task != DETECTION or not isinstance(images, TrainingData):
            return {}
        from study.engine.tune.detection_files import detection_files  # imports torchvision

        return detection_files(self.key, cast("validated_run.ValidatedRun", first), images)

    def measure(self, settings: WorkerSettings) -> None:
        """Measure what objectives ask for, once, after the last epoch.

        Raises:
            ValueError: An objective of one's own gives no number.
        """
        images = self._images
        if not settings.measured or not isinstance(images, TrainingData):
            return
        each = [
            measure_network(
                run.model,
                network_card(run.config, images.traits, images.classes, images.train),
                images.validation,
                run.results,
                settings,
            )
            for run in cast("list[validated_run.ValidatedRun]", self.seeds)
        ]
        self._measured = {
            name: statistics.fmean(values[name] for values in each) for name in settings.measured
        }

    def report(self) -> RunReport:
        """Report what an epoch gave."""
        fallbacks = (*self._alone, *(said for run in self.seeds for said in run.fallbacks))
        told: dict[str, Any] = {
            "costs": self._costs,
            "device": self._device,
            "arithmetic": self.seeds[0].arithmetic,
            "worker": worker_name(),
            "unsaved": self.checkpoint.unsaved,
            "fallbacks": tuple(dict.fromkeys(fallbacks)),
            "unkept": self.unkept,
        }
        first = self.seeds[0]
        if isinstance(first, confirmation_run.ConfirmationRun):
            if self.is_done:
                return TestReport(result=first.result(), **told)
            return ConfirmationReport(epoch=first.epoch, train_loss=first.train_loss, **told)
        validated = cast("list[validated_run.ValidatedRun]", self.seeds)
        return EpochReport(
            replicates=tuple(run.results for run in validated), measured=self._measured, **told
        )


def _told_alone(network: str, runs: int) -> tuple[str, ...]:
    """Say that runs which differ in their seeds alone were not trained at once, where they could.

    Args:
        network: Name of their network.
        runs: Number of runs.
    """
    if runs == 1 or not NETWORKS[network].has_own_widths:
        return ()
    return (f"seeds were trained one after another: {network} has no form for several at once",)


def _new_run(images: WorkerImages, config: TrialConfig, device: torch.device) -> EvaluatedRun:
    if isinstance(images, ConfirmationImages):
        traits, joined, test = images.traits, images.images, images.test
        return confirmation_run.ConfirmationRun(config, traits, joined, test, device)
    return validated_run.ValidatedRun(config, images, device)


def _identity(proposed: ProposedRun) -> str:
    """Return what the checkpoint of another run differs in."""
    config = _without_added(asdict(proposed.config))
    return json.dumps(config if proposed.key.is_confirmation else [config, proposed.replicates])


def _without_added(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what earlier versions did not set, so that their checkpoints are still known."""
    settings_added = {**ADDED_SETTINGS, **ADDED_TO_DETECTION, **dict.fromkeys(ADDED_UNSET)}
    added = {**settings_added, "task": CLASSIFICATION}
    return {
        name: _without_added(value) if isinstance(value, Mapping) else value
        for name, value in settings.items()
        if name not in added or value != added[name]
    }
