"""Files of networks' weights: one for each seed of a run, in a study's folder and in MLflow."""

from study.results.run_record import RunKey, RunRecord, RunState

PREFIX = "network-"
"""Beginning of the files' names, which lie beside checkpoints until the driver fetches them."""

FOLDER = "weights"
"""Name of the folder within a study's own, and among the artifacts of a run in MLflow."""


def weight_file(key: RunKey, seed: int) -> str:
    """Return the name of the file with the weights of one seed of a run."""
    layer = f"-{key.layer}" if key.is_confirmation else ""
    return f"{PREFIX}{key.trial:05}{layer}-seed-{seed}.safetensors"


def weight_files(record: RunRecord) -> tuple[str, ...]:
    """Return the names of all files of a run that is complete; empty for one that is not."""
    if record.state is not RunState.COMPLETE:
        return ()
    return tuple(weight_file(record.key, seed) for seed in seeds_of(record))


def seeds_of(record: RunRecord) -> tuple[int, ...]:
    """Return the seeds that a run was trained with; empty where it does not say."""
    first = record.parameters.get("seed")
    if record.key.is_confirmation:
        return (record.seed,)
    if not isinstance(first, int):
        return ()
    return tuple(range(first, first + len(record.replicates)))
