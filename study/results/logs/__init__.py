"""Logs of trials' curves for programs beside MLflow, asked for by `--log`.

- `trial_log`: the base of all logs
- `logs`: the logs by their names
- `tensorboard_log`: files for TensorBoard
- `wandb_log`: runs of Weights & Biases, written by `wandb_program` in a process of its own
"""
