"""What Optuna and MLflow hold of a study, read with their own APIs alone."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import optuna
from mlflow import MlflowClient
from mlflow.entities import Experiment, Metric, Run
from optuna.storages import BaseStorage, JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial

from study.search.database_storage import open_database

SERIES = ("val_accuracy", "val_loss", "train_loss", "epoch_train_seconds", "epoch_val_seconds")
"""Metrics with a value for each epoch, the step being the epoch."""

PARENT_TAG = "mlflow.parentRunId"
NUMBER_TAG = "trial_number"
CONFIRMS_TAG = "confirms_trial"


@dataclass(frozen=True, kw_only=True)
class Stored:
    """What the two stores hold of a study.

    Attributes:
        trials: Optuna's.
        parents: MLflow runs without a parent.
        runs: MLflow runs with a trial number, by that number.
        confirmed: MLflow runs that confirm a trial.
        others: All other MLflow runs of the experiment.
        histories: Series of each run in `runs`, by run id and metric.
    """

    trials: Sequence[FrozenTrial]
    parents: Sequence[Run]
    runs: dict[int, list[Run]]
    confirmed: Sequence[Run]
    others: Sequence[Run]
    histories: dict[tuple[str, str], list[Metric]]

    def whole_trials(self) -> Iterator[tuple[FrozenTrial, Run]]:
        """Each trial that has one run, with it; what the others lack is told elsewhere."""
        for trial in self.trials:
            if len(self.runs.get(trial.number, ())) == 1:
                yield trial, self.runs[trial.number][0]

    def series(self, number: int, metric: str) -> dict[int, float]:
        """A trial's metric by step."""
        (run,) = self.runs[number]
        return {m.step: m.value for m in self.histories[run.info.run_id, metric]}


def open_storage(storage: str) -> BaseStorage:
    """Optuna's storage by its URL, or by the path of its journal file."""
    if "://" in storage:
        return open_database(storage)
    return JournalStorage(JournalFileBackend(storage))


def read(storage: str, tracking_uri: str, study: str) -> Stored:
    """Read a study from both stores.

    Args:
        storage: Optuna's: a URL, or the path of a journal file.
        tracking_uri: MLflow's.
        study: Its name in both.
    """
    trials = optuna.load_study(study_name=study, storage=open_storage(storage)).get_trials()
    client = MlflowClient(tracking_uri)
    everything = _all_runs(client, study)
    parents = [run for run in everything if PARENT_TAG not in run.data.tags]
    parent_ids = {run.info.run_id for run in parents}
    runs: dict[int, list[Run]] = defaultdict(list)
    confirmed, others = [], []
    for run in everything:
        tags = run.data.tags
        if tags.get(PARENT_TAG) in parent_ids and tags.get(NUMBER_TAG, "").isdecimal():
            runs[int(tags[NUMBER_TAG])].append(run)
        elif CONFIRMS_TAG in tags:
            confirmed.append(run)
        elif run.info.run_id not in parent_ids:
            others.append(run)
    histories = {
        (run.info.run_id, metric): client.get_metric_history(run.info.run_id, metric)
        for same_number in runs.values()
        for run in same_number
        for metric in SERIES
    }
    return Stored(
        trials=trials,
        parents=parents,
        runs=dict(runs),
        confirmed=confirmed,
        others=others,
        histories=histories,
    )


def experiments(client: MlflowClient, study: str) -> Sequence[Experiment]:
    """The study's experiments by its tag, whatever they are called; one where all is well."""
    return client.search_experiments(filter_string=f"tags.pnn_study = '{study}'")


def _all_runs(client: MlflowClient, study: str) -> list[Run]:
    runs: list[Run] = []
    for experiment in experiments(client, study):
        page = client.search_runs([experiment.experiment_id])
        runs += page
        while page.token:
            page = client.search_runs([experiment.experiment_id], page_token=page.token)
            runs += page
    return runs
