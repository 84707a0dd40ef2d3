"""A search: Ray Tune trains what Optuna proposes."""

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from ray import tune
from ray.tune.experiment import Trial

from pnn_core.data import TrainingData
from study.config import StudyConfig
from study.engine.cluster import TrialResources
from study.engine.ledger import TrialLedger, TrialListener
from study.engine.messages import TRIAL, ProposedTrial
from study.engine.recorder import LedgerRecorder
from study.engine.sampler import DistinctSampler
from study.engine.searcher import LedgerSearcher
from study.engine.trainable import TrialTrainable
from study.results.record import TrialRecord

JOURNAL = "optuna.journal"
"""Optuna's storage within the study's folder."""


@dataclass(frozen=True, kw_only=True)
class SearchResult:
    """The end of a search.

    Attributes:
        records: Of all trials, each in a final state, by number.
        interrupted: Whether Ctrl-C ended it.
    """

    records: tuple[TrialRecord, ...]
    interrupted: bool


def open_optuna_study(config: StudyConfig) -> optuna.Study:
    """Create the study's Optuna storage in its folder."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna.create_study(
        study_name=config.name,
        storage=JournalStorage(JournalFileBackend(str(config.output / JOURNAL))),
        directions=[objective.direction for objective in config.objectives],
        sampler=DistinctSampler(config.sampler, config.space, config.shape, config.seed),
    )


def search(
    config: StudyConfig,
    data: TrainingData,
    resources: TrialResources,
    listeners: Sequence[TrialListener],
) -> SearchResult:
    """Run a study's trials on the connected cluster.

    Args:
        config: The study; its output folder exists.
        data: Put into Ray's object store once, shared by a node's trials.
        resources: Of each trial.
        listeners: Told of every trial.

    Raises:
        OSError: The study's folder cannot be written.
    """
    ledger = TrialLedger(config, open_optuna_study(config), listeners)
    trainable = tune.with_parameters(
        TrialTrainable, data=data, cpus_per_trial=resources.cpus, gpus_per_trial=resources.gpus
    )
    # Tune's own rule starts one worker at a time, and hands it on before the next one is up: all
    # trials but one would wait. It also proposes as many trials ahead, so that no worker does.
    os.environ["TUNE_MAX_PENDING_TRIALS_PG"] = str(resources.concurrent)
    with tempfile.TemporaryDirectory(prefix="pnn-study-tune-") as scratch:
        tuner = tune.Tuner(
            tune.with_resources(trainable, {"cpu": resources.cpus, "gpu": resources.gpus}),
            tune_config=tune.TuneConfig(
                search_alg=LedgerSearcher(ledger),
                num_samples=config.trials,
                max_concurrent_trials=config.resources.max_concurrent,
                reuse_actors=True,
                trial_dirname_creator=_trial_name,
                trial_name_creator=_trial_name,
            ),
            run_config=tune.RunConfig(
                name=config.name,
                storage_path=scratch,
                callbacks=[LedgerRecorder(ledger)],
                checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
                verbose=0,
            ),
        )
        interrupted = False
        try:
            tuner.fit()
        except KeyboardInterrupt:
            interrupted = True
        finally:
            ledger.fail_running("interrupted before its full budget")
    return SearchResult(records=ledger.records, interrupted=interrupted)


def _trial_name(trial: Trial) -> str:
    proposed: ProposedTrial = trial.config[TRIAL]
    return f"trial-{proposed.number:05}"
