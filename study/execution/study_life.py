"""Life of a planned study from its first trial to its last: search, export, confirm."""

import contextlib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace

from pnn_core.data import DatasetError, TrainingData, confirm_step, load_test_data
from study.checkpoints.checkpoint_store import CheckpointStore
from study.checkpoints.cleanup import CheckpointCleanup
from study.engine.cluster.gpu_sharing import share_gpus
from study.engine.cluster.growing_cluster import ask_for, asked_for
from study.engine.cluster.trial_resources import TrialResources, concurrent_trials
from study.engine.interrupts import Interrupts
from study.engine.tune.tuner import train_runs
from study.engine.tune.worker_images import ConfirmationImages, WorkerImages
from study.execution.ended_count import EndedCount
from study.execution.export import describe_study, export_front, with_page
from study.execution.next_commands import block_commands
from study.execution.patience import BROKEN_OFF_SECONDS, ENDING_SECONDS
from study.execution.progress import ProgressReport
from study.execution.request_watch import RequestWatch
from study.execution.requests import Requests
from study.execution.study_weights import StudyWeights
from study.execution.summary import Outcome
from study.planning.augmentation import describe_augmentation
from study.planning.converted_networks import describe_networks
from study.planning.enqueued import with_more_points
from study.planning.initial_weights import describe_initial_weights
from study.planning.new_study import StudyPlan
from study.results.confirmed_choice import DEFAULT_CONTROLS, FRONT, numbered_trials
from study.results.confirmed_trials import trials_to_confirm
from study.results.limit import describe_limits
from study.results.logs.logs import LOGS
from study.results.logs.trial_log import FOLDER, LoggedStudy, TrialLog
from study.results.mlflow.background_writer import MlflowWriter
from study.results.run_listener import RunListener
from study.results.run_record import RunRecord
from study.results.seal import Seal, seal_of
from study.results.sealed_listener import SealedListener
from study.results.sealed_table import write_sealed_table
from study.search.confirmation_manager import ConfirmationManager
from study.search.confirmation_plan import (
    ConfirmedNetwork,
    PlannedRun,
    networks_to_confirm,
    plan_confirmation,
)
from study.search.optuna_storage import StudyStorage
from study.search.run_manager import ATTEMPTS, RunManager
from study.search.trial_manager import TrialManager
from study.search.tuning_plan import plan_tuning, tuned_networks


class StudyLife:
    """Life of a study, which begins with what earlier ones left.

    Args:
        plan: The study.
        resources: Resources of each trial.
        data: Train and validation images.
        interrupts: Handler of signals.
        writer: Writer to the tracker.
        listeners: Listeners of who runs the study.
    """

    def __init__(
        self,
        plan: StudyPlan,
        resources: TrialResources,
        data: TrainingData,
        interrupts: Interrupts,
        writer: MlflowWriter,
        listeners: Sequence[RunListener] = (),
    ) -> None:
        self._plan = plan
        self._config = plan.config
        self._resources = resources
        self._data = data
        self._interrupts = interrupts
        self._writer = writer
        self._checkpoints = CheckpointStore.of(plan.config)
        self._cleanup = CheckpointCleanup(self._checkpoints, keep=plan.config.keep_checkpoints)
        self._storage = StudyStorage(plan.config)
        self._watch = RequestWatch(plan.store, writer)
        self._requests = Requests(self._watch, interrupts, self._enqueue, self._say)
        self._gpus_shared = False
        self._warnings: list[str] = []
        self._seal = self._seal_now()
        self._sealed = self._seal is not None and not self._seal.is_open
        self._tracker: RunListener = writer
        if self._sealed and self._seal is not None:
            self._tracker = SealedListener(writer, self._seal.ended, writer.tell_sealed_runs)
        self._count = EndedCount(plan.file, plan.config.output, self._storage.ended())
        self._weights = StudyWeights(plan.config, self._checkpoints, writer)
        self._here: list[RunListener] = [self._cleanup, self._count, *self._weights.listeners]
        self._here += listeners
        self._log: TrialLog | None = None
        if (log := LOGS.get(plan.config.log or "")) is not None:
            folder = plan.config.output / FOLDER
            self._log = log(LoggedStudy(plan.config.name, plan.config.study_id, folder))
            self._here.append(self._log)
        self._progress: ProgressReport | None = None
        if not plan.arguments.quiet:
            stream = sys.stderr if plan.arguments.json else sys.stdout
            self._progress = ProgressReport(
                plan.config, stream, attempts=ATTEMPTS, sealed=self._sealed
            )
            self._here.append(self._progress)
        self._listeners: list[RunListener] = [self._tracker, *self._here]

    def run(self) -> tuple[Outcome, bool]:
        """Search and confirm; return what became of it, and True if a signal ended it."""
        shown = self._progress or contextlib.nullcontext()
        closing = contextlib.closing
        with (
            shown,
            closing(self._cleanup),
            closing(self._weights),
            self._logged(),
            self._count,
            self._watch,
        ):
            networks = describe_networks(self._config)
            start = describe_initial_weights(self._config)
            augmentation = describe_augmentation(self._config)
            for said in (self._plan.images, augmentation, start, *networks):
                if said:
                    self._say(said)
            for warning in self._plan.warnings:
                self._warn(warning)
            outcome, interrupted = self._search()
            outcome = self._weights.after_step(
                outcome, interrupted=interrupted, sealed=self._sealed
            )
            if self._config.confirm and not interrupted and (chosen := self._chosen(outcome)):
                outcome, interrupted = self._confirm(outcome, chosen)
                if self._config.space.experiment is not None:
                    outcome = self._sealed_or_open(outcome)
                sealed = outcome.seal is not None and not outcome.seal.is_open
                outcome = self._weights.after_step(outcome, interrupted=interrupted, sealed=sealed)
                outcome = with_page(outcome)  # once more, with what was confirmed
        if self._log is not None:
            if self._log.failure:
                told = f"The log for {self._log.title} is not whole: {self._log.failure}"
                self._warnings.append(told)
            if self._log.address:
                commands = {**outcome.commands, "Curves": self._log.address}
                outcome = replace(outcome, commands=commands)
        for warning in self._warnings:
            outcome = outcome.with_warning(warning)
        return outcome, interrupted

    @contextlib.contextmanager
    def _logged(self) -> Iterator[None]:
        """Close the log at the end; wait for it less where somebody waits for the prompt."""
        try:
            yield
        finally:
            if self._log is not None:
                self._log.close(BROKEN_OFF_SECONDS if self._interrupts.asked else ENDING_SECONDS)

    def _search(self) -> tuple[Outcome, bool]:
        manager = TrialManager(self._config, self._storage, self._listeners)
        self._cleanup.sweep_trials(manager.records)
        # Runs of a front that is no longer one, too: the tracker has all that the study knows.
        confirmed = self._storage.confirmed()
        for run in confirmed:
            self._tracker.run_restored(run)
        self._weights.sweep(confirmed)
        interrupted = manager.has_work() and self._train(manager, self._data)
        trials, wanted = len(manager.records), self._config.trials
        exhausted = trials < wanted and not interrupted
        if exhausted:
            within = f" within {describe_limits(limits)}" if (limits := self._config.limit) else ""
            self._warnings.append(
                f"{trials} of {wanted} trials were run: the space holds no more{within}"
            )
        # Written before the confirmation, which may take as long again and break off.
        outcome = export_front(
            self._plan, manager.records, len(self._data.validation), exhausted=exhausted
        )
        return outcome, interrupted

    def _chosen(self, outcome: Outcome) -> tuple[RunRecord, ...]:
        """Return the trials to confirm, and tell of those that were named and are not complete."""
        config = self._config
        choice = config.confirm_trials or FRONT
        arms = config.space.experiment is not None
        chosen = trials_to_confirm(
            outcome.records, config.objectives, choice, limits=config.limit, arms=arms
        )
        for number in sorted({*numbered_trials(choice)} - {record.number for record in chosen}):
            states = (r.state for r in outcome.records if r.number == number)
            was = next((f"it is {state.words}" for state in states), "there is none")
            self._warnings.append(f"Trial {number} is not confirmed: {was}")
        return chosen

    def _confirm(self, outcome: Outcome, chosen: Sequence[RunRecord]) -> tuple[Outcome, bool]:
        """Retrain trials and controls with fresh seeds; only here is the test set read."""
        config = self._config
        controls = config.controls or DEFAULT_CONTROLS
        networks = networks_to_confirm(chosen, config.space, config.shape, controls)
        outcome = replace(outcome, planned_confirmations=len(networks) * config.confirm)
        self._resources = self._resources.confirming(config)
        if config.tune_controls is not None:
            networks, interrupted = self._tune(networks, config.tune_controls)
            if interrupted:
                return outcome, True
        try:
            with confirm_step():
                test = load_test_data(config.dataset, self._plan.arguments.data_dir)
        except DatasetError as error:
            self._warnings.append(f"Not confirmed: the test set cannot be read: {error}")
            return outcome, False
        runs = plan_confirmation(networks, config.fresh_seeds)
        manager = self._retrain(runs, self._listeners, "confirmed")
        self._cleanup.sweep_confirmations(manager.records)
        interrupted = False
        if manager.has_work():
            joined, traits = self._data.joined(), self._data.traits
            images = ConfirmationImages(
                traits=traits, classes=self._data.classes, images=joined, test=test
            )
            with self._nodes_asked_for(len(runs)):
                interrupted = self._train(manager, images)
        return replace(outcome, confirmed=tuple(manager.ended)), interrupted

    def _tune(
        self, networks: Sequence[ConfirmedNetwork], choice: str
    ) -> tuple[tuple[ConfirmedNetwork, ...], bool]:
        """Choose each network's own settings by validation images; True if a signal ended it."""
        seeds = self._config.tuning_seeds
        # The tracker has what came of it with each confirmed run.
        runs = plan_tuning(networks, choice, seeds)
        manager = self._retrain(runs, self._here, "tuned")
        self._cleanup.sweep_tuning(manager.records)
        interrupted = False
        if manager.has_work():
            with self._nodes_asked_for(len(runs)):
                interrupted = self._train(manager, self._data)
        return tuned_networks(networks, choice, seeds, manager.ended), interrupted

    def _retrain(
        self, runs: Sequence[PlannedRun], listeners: Sequence[RunListener], part: str
    ) -> ConfirmationManager:
        """Take up planned runs where an earlier life left them.

        Args:
            runs: Runs in the order in which they are to be started.
            listeners: Listeners to them.
            part: Word for one that ended.
        """
        for listener in self._here:
            listener.retraining_planned(len(runs), part)
        return ConfirmationManager(
            self._config,
            self._storage,
            listeners,
            runs,
            places=lambda: concurrent_trials(self._resources),
        )

    def _seal_now(self) -> Seal | None:
        """Return the state of the experiment's seal, from the storage; None for no experiment."""
        if self._config.space.experiment is None:
            return None
        found = (self._storage.record_of(trial) for trial in self._storage.trials())
        records = [record for record in found if record is not None]
        return seal_of(describe_study(self._config), records, self._storage.confirmed())

    def _sealed_or_open(self, outcome: Outcome) -> Outcome:
        """Write the block's runs as a table; show its figures, and send them, once all have ended.

        Args:
            outcome: Outcome with the confirmed runs.
        """
        # As stored, with the runs of earlier lives that this one was not asked for.
        study = replace(outcome.study, confirmed=self._storage.confirmed())
        seal = seal_of(study.info, study.records, study.confirmed)
        outcome = replace(outcome, seal=seal)
        write_sealed_table(outcome.sealed_table, study)
        if seal is None or not seal.is_open:
            commands = block_commands(self._plan.arguments, outcome.sealed_table)
            info = replace(outcome.info, sealed_runs=None if seal is None else seal.ended)
            commands = {**outcome.commands, **commands}
            return replace(outcome, info=info, confirmed=(), commands=commands)
        if self._sealed:  # opened by the last run
            for run in study.confirmed:
                self._writer.run_restored(run)
        return outcome

    def _train(self, manager: RunManager, images: WorkerImages) -> bool:
        """Train what a manager proposes, and return True if a signal ended it."""
        if not self._gpus_shared:  # decided before the first run, for all
            self._gpus_shared = True
            self._resources = share_gpus(
                self._config, self._resources, self._data, self._say, self._warn
            )
            if self._config.address is not None and isinstance(manager, TrialManager):
                # Trials that share a GPU need fewer than were asked for before it was measured.
                ask_for(self._resources, self._plan.runs_ahead)
        manager.take_requests(self._requests.attend)
        return train_runs(
            self._config,
            images,
            manager,
            self._checkpoints,
            self._resources,
            self._interrupts,
            self._warn,
        )

    @contextlib.contextmanager
    def _nodes_asked_for(self, runs: int) -> Iterator[None]:
        """Ask an autoscaler for nodes of the confirmation's own, where it has some."""
        if self._config.confirm_node_labels is None:
            yield
            return
        if not concurrent_trials(self._resources):
            self._say(f"waiting for nodes with {self._config.confirm_node_labels}")
        with asked_for(self._resources, runs):
            yield

    def _enqueue(self, manager: RunManager, typed: str) -> None:
        """Have points tried next; what a later life must know is written first.

        Raises:
            ValueError: A point cannot be tried, or the search has ended.
        """
        if not isinstance(manager, TrialManager):
            raise ValueError("the search has ended: --resume with more --trials takes --enqueue")
        config = with_more_points(self._config, typed, self._storage.begun_points())
        self._count.keep_points(config.enqueue)
        manager.enqueue(config)
        self._config = config
        self._plan = replace(self._plan, config=config)

    def _say(self, text: str) -> None:
        if self._progress is not None:
            self._progress.noted(text)

    def _warn(self, text: str) -> None:
        """Tell what is amiss, at once and at the end."""
        self._warnings.append(text)
        if self._progress is not None:
            self._progress.warned(text)
