"""Names of the tasks that networks are built for; `pnn_core.config.task` says more of each."""

CLASSIFICATION = "classification"
DETECTION = "detection"
