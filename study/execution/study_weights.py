"""Weights in one life of a study: kept here, sent to the tracker, and told of at the end."""

from collections.abc import Iterable
from dataclasses import replace

from pnn_core.parts.own_code import Kind
from study.checkpoints.checkpoint_store import CheckpointStore
from study.checkpoints.weights_keeper import WeightsKeeper
from study.config import StudyConfig
from study.execution.summary import Outcome
from study.planning.study_folder import OWN_FILES
from study.results.mlflow.background_writer import MlflowWriter
from study.results.run_listener import RunListener
from study.results.run_record import RunKey, RunRecord
from study.results.setting_readers import NO_WEIGHTS
from study.results.weight_files import FOLDER


class StudyWeights:
    """Keeps weights as the study asks for them.

    Args:
        config: The study.
        store: Store in which workers leave the files.
        writer: Writer to the tracker.
    """

    def __init__(self, config: StudyConfig, store: CheckpointStore, writer: MlflowWriter) -> None:
        self._writer = writer
        self._sent: set[RunKey] = set()
        self._keeper: WeightsKeeper | None = None
        # Without these files the weights cannot be loaded.
        self._beside = tuple(
            config.output / OWN_FILES / code.file_name
            for code in config.own
            if code.path and code.kind in (Kind.NETWORK, Kind.LAYER)
        )
        if config.weights != NO_WEIGHTS:
            self._keeper = WeightsKeeper(
                store, config.output / FOLDER, config.objectives, config.limit
            )

    @property
    def listeners(self) -> list[RunListener]:
        """Return whoever must hear of all runs."""
        return [] if self._keeper is None else [self._keeper]

    def sweep(self, confirmed: Iterable[RunRecord]) -> None:
        """Mend what a killed driver left, once all trials of earlier lives were told of.

        Args:
            confirmed: Confirmed runs of earlier lives.
        """
        if self._keeper is not None:
            for run in confirmed:
                self._keeper.run_restored(run)
            self._keeper.sweep()

    def after_step(self, outcome: Outcome, *, interrupted: bool, sealed: bool) -> Outcome:
        """Say what is kept after a search or a confirmation, and send it to the tracker.

        What an interrupted search has on its front may still leave it, so it is not sent.

        Args:
            outcome: Outcome so far.
            interrupted: True if a signal ended the step.
            sealed: True if the tracker must not see confirmed runs.
        """
        if self._keeper is None:
            return outcome
        kept = self._keeper.kept()
        for key, files in kept.files.items():
            if interrupted or key in self._sent or (sealed and key.is_confirmation):
                continue
            self._writer.keep_weights(key, (*files, *self._beside))
            self._sent.add(key)
        if self._keeper.failure:
            told = f"Weights could not be kept: {self._keeper.failure}"
            outcome = outcome if told in outcome.warnings else outcome.with_warning(told)
        return replace(outcome, weights=kept)

    def close(self) -> None:
        """Wait until files are dropped, but not for ever."""
        if self._keeper is not None:
            self._keeper.close()
