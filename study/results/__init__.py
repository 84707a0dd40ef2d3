"""What trials gave: records, objectives, fronts, and MLflow that keeps them.

- `record`, `objective`, `study_info`: one trial, what is optimised, one study
- `pareto`, `front_table`, `counted`: which trials no other beats, and how to print them
- `confirmed_run`, `confirmed_table`: what fresh seeds gave on the test set
- `intervals`, `comparison`: means with intervals; the perturbation layer against its controls
- `reported`: every figure that anyone reported
- `record_json`: records as the study's own storage keeps them
- `mlflow`: the same in MLflow, written beside the trial loop and read back
- `credentials`, `cause`, `databases`: addresses whose passwords never show, and why one fails
- `clock`, `provenance`: when it happened, and which code ran
"""
