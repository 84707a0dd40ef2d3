"""MLflow alone: as many runs as a study has trials, each of the same size, into a local database.

Three requests a run, as few as MLflow's interface allows, from one process. What a trial's record
costs here, it costs in every study that MLflow is to remember.

Usage: noop_mlflow.py TRIALS
"""

import sys
import time

from mlflow.entities import Metric, Param, RunTag
from mlflow.tracking import MlflowClient

PARAMETERS = 22
METRICS = 9
FIRST_TAGS = 14
LAST_TAGS = 5
"""Content of the run of a trial of one epoch; some tags are there when it starts."""


def main() -> None:
    """Write as many runs as the command line says."""
    client = MlflowClient("sqlite:///mlflow.db")
    experiment = client.create_experiment("noop")
    for _ in range(int(sys.argv[1])):
        run = client.create_run(experiment, tags={f"first.{i}": "tag" for i in range(FIRST_TAGS)})
        now = int(1000 * time.time())
        client.log_batch(
            run.info.run_id,
            metrics=[Metric(f"metric.{i}", 0.5, now, 1) for i in range(METRICS)],
            params=[Param(f"parameter.{i}", "value") for i in range(PARAMETERS)],
            tags=[RunTag(f"last.{i}", "tag") for i in range(LAST_TAGS)],
        )
        client.set_terminated(run.info.run_id)


if __name__ == "__main__":
    main()
