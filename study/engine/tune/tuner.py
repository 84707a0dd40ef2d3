"""Ray Tune, which trains what a run manager proposes: trials, replicates and confirmations."""

import contextlib
import os

from ray import tune
from ray.exceptions import RayError
from ray.tune.error import TuneError
from ray.tune.experiment import Trial

from pnn_core.data import DatasetError
from pnn_core.parts.own_parts import OF_WORKERS
from study.checkpoints.checkpoint_store import CheckpointStore
from study.config import StudyConfig
from study.engine.cluster.leftovers import scratch_folder
from study.engine.cluster.stop_signal import StopSignal
from study.engine.cluster.trial_resources import TrialResources
from study.engine.cluster.worker_settings import WorkerSettings
from study.engine.interrupts import Interrupts
from study.engine.tune.callback import TuneCallback, Warn
from study.engine.tune.places import GPUS, OPEN_IN_A_PLACE, Places
from study.engine.tune.private_tune import callbacks_uncounted, every_death_known, warm_workers_used
from study.engine.tune.scheduler import RungScheduler
from study.engine.tune.searcher import TuneSearcher
from study.engine.tune.trainable import TrialTrainable
from study.engine.tune.worker_images import ConfirmationImages, WorkerImages
from study.results.setting_readers import NO_WEIGHTS
from study.search.messages import RUNS, ProposedRun
from study.search.run_manager import RunManager

PAUSE_SECONDS = 8.0
"""Time that running trials have to save themselves after an interrupt."""


def train_runs(
    config: StudyConfig,
    images: WorkerImages,
    manager: RunManager,
    store: CheckpointStore,
    resources: TrialResources,
    interrupts: Interrupts,
    warn: Warn,
) -> bool:
    """Train on the connected cluster whatever a manager proposes, until it has no more.

    Args:
        config: The study.
        images: Images of a search or of a confirmation; put into Ray's object store here, once,
            where all workers of a node read the same copy.
        manager: Manager that proposes and records.
        store: Store of the runs' checkpoints.
        resources: Resources of each run.
        interrupts: Handler of signals: a first one is a request to save and stop, a second raises.
        warn: Function to tell when something is amiss that costs no run.

    Returns:
        True if a signal ended it.

    Raises:
        DatasetError: Names an image that a worker could not read; all runs were saved before.
        StorageError: The study's state cannot be written.
        KeyboardInterrupt: At a second signal, or where workers take too long over the first.
    """
    if not manager.has_work():
        return False
    flag = StopSignal()
    callback = TuneCallback(manager, warn, flag.put)
    settings = WorkerSettings(
        cpus=resources.cpus,
        store=store,
        keep_checkpoints=config.keep_checkpoints and not isinstance(images, ConfirmationImages),
        keep_weights=config.weights != NO_WEIGHTS,
        stop_key=flag.key,
        may_be_drained=config.address is not None,
        arithmetic=config.arithmetic,
        measured=tuple(o.name for o in config.objectives if o.measured),
        own=tuple(code for code in config.own if code.kind in OF_WORKERS),
    )
    # Their count of what is used drifts by rounding where trials take fractions of a GPU, and the
    # last place on it would stay empty: 14 trials of 1/14 count as more than one GPU.
    counts_exactly = config.address is None and float(resources.gpus).is_integer()
    places = Places(resources)
    requests = places.requests()
    trainable = tune.with_parameters(TrialTrainable, images=images, settings=settings)
    # Tune's own rule starts one worker at a time, and hands it on before the next one is up: all
    # trials but one would wait. It also proposes as many trials ahead, so that no worker does; and
    # where GPUs differ as many for each kind, also while another one's trials cannot start.
    ahead = resources.concurrent * (OPEN_IN_A_PLACE if resources.kinds else 1)
    os.environ["TUNE_MAX_PENDING_TRIALS_PG"] = str(ahead)
    with scratch_folder() as scratch:
        tuner = tune.Tuner(
            tune.with_resources(trainable, lambda config: requests[config[GPUS]]),
            tune_config=tune.TuneConfig(
                search_alg=TuneSearcher(manager, places),
                scheduler=RungScheduler(manager, places),
                num_samples=-1,  # the manager knows how many there are, and how often each is tried
                max_concurrent_trials=config.max_concurrent,
                reuse_actors=True,
                trial_dirname_creator=_trial_name,
                trial_name_creator=_trial_name,
            ),
            run_config=tune.RunConfig(
                name=config.name,
                storage_path=str(scratch),
                callbacks=[callback],
                checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
                progress_reporter=tune.CLIReporter(),  # silent in a notebook, too
                verbose=0,
            ),
        )
        try:
            with (
                interrupts.graceful(PAUSE_SECONDS),
                flag.follows(interrupts.requested, manager.stop),
                callbacks_uncounted(),
                every_death_known(),
                warm_workers_used() if counts_exactly else contextlib.nullcontext(),
            ):
                tuner.fit()
        except TuneError as error:
            _raise_cause(error)
            raise
        finally:
            manager.pause_running()
    if callback.data_fault:
        raise DatasetError(callback.data_fault)
    return interrupts.requested.is_set()


def _raise_cause(error: TuneError) -> None:
    """Take out again what a callback raised and Tune has put into an error of its own."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, (OSError, RayError)):
            raise cause
        cause = cause.__cause__ or cause.__context__


def _trial_name(trial: Trial) -> str:
    first: ProposedRun = trial.config[RUNS][0]
    return f"{first.key}-{first.attempt}".replace(" ", "-")
