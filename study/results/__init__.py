"""What trials gave: records, objectives, fronts, and the MLflow store that keeps them.

- `record`, `objective`, `study_info`: one trial, what is optimised, one study
- `pareto`, `front_table`, `counted`: which trials no other beats, and how to print them
- `confirmed_run`, `confirmed_table`: what fresh seeds gave on the test set
- `intervals`, `comparison`: means with intervals; the perturbation layer against its controls
- `reported`: every figure that anyone reported
- `mlflow_store`: which studies a tracker holds, and reading them back
- `record_json`: records as the study's own storage keeps them
- `mlflow_writer`, `mlflow_backlog`, `mlflow_outcome`: writing a running study beside the trial loop
- `mlflow_study`, `mlflow_opening`, `mlflow_updates`, `mlflow_mirror`: one study's runs, of which
  only what is missing is written
- `mlflow_format`, `mlflow_curves`, `mlflow_confirmed`, `mlflow_values`: how they are spelled
- `mlflow_connection`, `mlflow_reach`: one tracker, and what is said when it is out of reach
- `clock`, `provenance`: when it happened, and which code ran
"""
