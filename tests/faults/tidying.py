"""Somebody who tidies up in MLflow, with its own client alone."""

from faults import Fault
from mlflow import MlflowClient
from stored_study import NUMBER_TAG, PARENT_TAG, experiments


def tidy_up(tracking_uri: str, study: str, fault: Fault) -> bool:
    """Delete a run of a study or rename its experiment; whether there was one.

    Args:
        tracking_uri: Address of the tracker.
        study: Name of the study.
        fault: Change to make.
    """
    client = MlflowClient(tracking_uri)
    for experiment in experiments(client, study):
        if fault is Fault.RENAME:
            client.rename_experiment(experiment.experiment_id, f"{study}, renamed")
            return True
        for run in client.search_runs([experiment.experiment_id]):
            is_trial = NUMBER_TAG in run.data.tags
            is_own = PARENT_TAG not in run.data.tags
            if is_trial if fault is Fault.DELETE_RUN else is_own:
                client.delete_run(run.info.run_id)
                return True
    return False
