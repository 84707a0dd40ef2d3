"""Files of networks' weights: one for each seed of a run, in a study's folder and in MLflow.

Beside a detector's weights lie pictures of what it finds on validation images.
"""

from pnn_core.config import DETECTION
from study.results.run_record import RunKey, RunRecord, RunState

PREFIX = "network-"
"""Beginning of the files' names, which lie beside checkpoints until the driver fetches them."""

_DETECTIONS, _CURVES = "-detections.png", "-precision-recall.json"

FOLDER = "weights"
"""Name of the folder within a study's own, and among the artifacts of a run in MLflow."""

DETECTIONS_FOLDER = "detections"
"""Name of the folder of pictures among the artifacts of a run in MLflow."""


def artifact_folder(file: str) -> str:
    """Return the folder of a file among the artifacts of a run in MLflow."""
    return DETECTIONS_FOLDER if file.endswith((_DETECTIONS, _CURVES)) else FOLDER


def weight_file(key: RunKey, seed: int) -> str:
    """Return the name of the file with the weights of one seed of a run."""
    layer = f"-{key.layer}" if key.is_confirmation else ""
    return f"{PREFIX}{key.trial:05}{layer}-seed-{seed}.safetensors"


def weight_files(record: RunRecord) -> tuple[str, ...]:
    """Return the names of all files of a run that is complete; empty for one that is not."""
    if record.state is not RunState.COMPLETE:
        return ()
    return tuple(weight_file(record.key, seed) for seed in seeds_of(record))


def detections_file(key: RunKey) -> str:
    """Return the name of the picture of what a trial's detector finds on validation images."""
    return f"{PREFIX}{key.trial:05}{_DETECTIONS}"


def precision_recall_file(key: RunKey) -> str:
    """Return the name of the file with its precision-recall curves."""
    return f"{PREFIX}{key.trial:05}{_CURVES}"


def picture_files(record: RunRecord) -> tuple[str, ...]:
    """Return the names of files that show what a trial's network does; only a detector has any."""
    is_trial = not (record.key.is_confirmation or record.key.is_tuning)
    if not is_trial or record.state is not RunState.COMPLETE or record.task.name != DETECTION:
        return ()
    return (detections_file(record.key), precision_recall_file(record.key))


def seeds_of(record: RunRecord) -> tuple[int, ...]:
    """Return the seeds that a run was trained with; empty where it does not say."""
    first = record.parameters.get("seed")
    if record.key.is_confirmation:
        return (record.seed,)
    if not isinstance(first, int):
        return ()
    return tuple(range(first, first + len(record.replicates)))
