"""A search: Ray Tune trains what the trial manager proposes."""

import contextlib
import os
import tempfile
from dataclasses import dataclass

from ray import tune
from ray.exceptions import RayError
from ray.tune.error import TuneError
from ray.tune.experiment import Trial

from pnn_core.data import TrainingData
from study.checkpoints.checkpoint_store import CheckpointStore
from study.config import StudyConfig
from study.engine.cluster.connect import TrialResources
from study.engine.cluster.stop_signal import StopSignal
from study.engine.cluster.worker_settings import WorkerSettings
from study.engine.interrupts import Interrupts
from study.engine.tune.callback import TuneCallback, Warn
from study.engine.tune.scheduler import RungScheduler
from study.engine.tune.searcher import TuneSearcher
from study.engine.tune.trainable import TrialTrainable
from study.engine.tune.warm_workers import warm_workers_used
from study.engine.tune.worker_deaths import every_death_known
from study.results.trial_record import TrialRecord
from study.search.messages import TRIAL, ProposedTrial
from study.search.trial_manager import TrialManager

PAUSE_SECONDS = 8.0
"""How long running trials may take to save themselves after an interrupt."""


@dataclass(frozen=True, kw_only=True)
class SearchResult:
    """The end of a search.

    Attributes:
        records: Of all trials, by number; each in a final state, unless it was interrupted.
        interrupted: Whether a signal ended it.
    """

    records: tuple[TrialRecord, ...]
    interrupted: bool


def search(
    config: StudyConfig,
    data: TrainingData,
    manager: TrialManager,
    store: CheckpointStore,
    resources: TrialResources,
    interrupts: Interrupts,
    warn: Warn,
) -> SearchResult:
    """Run a study's unfinished and new trials on the connected cluster.

    Args:
        config: The study.
        data: Put into Ray's object store once, shared by a node's trials.
        manager: Proposes and records.
        store: Where trials keep their checkpoints.
        resources: Of each trial.
        interrupts: Where a first signal is a request to save and stop, and a second one raises.
        warn: Told when something is amiss that costs no trial.

    Raises:
        StorageError: The study's state cannot be written.
        KeyboardInterrupt: At a second signal, or where workers take too long over the first.
    """
    if not manager.has_work():
        return SearchResult(records=manager.records, interrupted=False)
    flag = StopSignal()
    settings = WorkerSettings(
        cpus=resources.cpus,
        gpus=resources.gpus,
        store=store,
        keep_checkpoints=config.keep_checkpoints,
        stop_key=flag.key,
    )
    # Their count of what is used drifts by rounding where trials take fractions of a GPU, and the
    # last place on it would stay empty: 14 trials of 1/14 count as more than one GPU.
    counts_exactly = config.address is None and float(resources.gpus).is_integer()
    trainable = tune.with_parameters(TrialTrainable, data=data, settings=settings)
    # Tune's own rule starts one worker at a time, and hands it on before the next one is up: all
    # trials but one would wait. It also proposes as many trials ahead, so that no worker does.
    os.environ["TUNE_MAX_PENDING_TRIALS_PG"] = str(resources.concurrent)
    with tempfile.TemporaryDirectory(prefix="pnn-study-tune-") as scratch:
        tuner = tune.Tuner(
            tune.with_resources(trainable, {"cpu": resources.cpus, "gpu": resources.gpus}),
            tune_config=tune.TuneConfig(
                search_alg=TuneSearcher(manager),
                scheduler=RungScheduler(manager),
                num_samples=-1,  # the manager knows how many there are, and how often each is tried
                max_concurrent_trials=config.max_concurrent,
                reuse_actors=True,
                trial_dirname_creator=_trial_name,
                trial_name_creator=_trial_name,
            ),
            run_config=tune.RunConfig(
                name=config.name,
                storage_path=scratch,
                callbacks=[TuneCallback(manager, warn)],
                checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
                verbose=0,
            ),
        )
        try:
            with (
                interrupts.graceful(PAUSE_SECONDS),
                flag.follows(interrupts.requested, manager.stop),
                every_death_known(),
                warm_workers_used() if counts_exactly else contextlib.nullcontext(),
            ):
                tuner.fit()
        except TuneError as error:
            _raise_cause(error)
            raise
        finally:
            manager.pause_running()
    return SearchResult(records=manager.records, interrupted=interrupts.requested.is_set())


def _raise_cause(error: TuneError) -> None:
    """Tune puts whatever a callback raises into an error of its own: take it out again."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, (OSError, RayError)):
            raise cause
        cause = cause.__cause__ or cause.__context__


def _trial_name(trial: Trial) -> str:
    proposed: ProposedTrial = trial.config[TRIAL]
    return f"trial-{proposed.number:05}-{proposed.attempt}"
