"""Options of `run_study`, so that editors and type checkers know them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypedDict

from pnn_core.config import ParameterValue


class RunOptions(TypedDict, total=False):
    """Options of a study by name; `pnn-study run --help` explains them.

    The declarations in `study.results.settings` and `study.planning.arguments` are what counts:
    `tests/study/test_run_from_python.py` holds that these names and types agree with them.
    """

    config: str | Path | None
    space: str | None
    rerun: str | None
    dataset: str
    data_dir: str | Path
    network: str | None
    augment: str | None
    canvas: int | None
    init: str | None
    trials: int | None
    epochs: int
    seed: int
    objectives: str | Sequence[str]
    sampler: str | None
    limit: str | Sequence[str]
    enqueue: str | Sequence[str | Mapping[str, ParameterValue]] | None
    prior: str | None
    scheduler: str
    reduction_factor: int | None
    first_rung: int | None
    replicates: int
    confirm: int
    confirm_trials: str | None
    controls: str | Sequence[str] | None
    tune_controls: str | bool | None
    open_early: bool
    name: str | None
    resume: bool
    resume_or_start: bool
    output: str | Path | None
    tracking_uri: str | None
    storage: str | None
    checkpoints: str | None
    keep_checkpoints: bool
    weights: str
    log: str | None
    layer_file: str | None
    address: str | None
    cpus_per_trial: int
    gpus_per_trial: float | str | None
    max_concurrent: int | None
    memory_per_trial: float | str | None
    resources_per_trial: str | Sequence[str] | None
    node_labels: str | Sequence[str] | None
    confirm_node_labels: str | Sequence[str] | None
    wait_for_nodes: int | None
    min_workers: int | None
    quiet: bool
    notify: str | None
