"""Commands to type next: to see a study, to go on with it, to run a larger one."""

import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from study.config import StudyConfig
from study.planning.arguments import Arguments
from study.planning.study_folder import STUDIES
from study.program import installed, submitted
from study.results.logs.logs import LOGS
from study.results.logs.trial_log import FOLDER
from study.results.mask_secrets import mask_password
from study.results.mlflow.study_note import runs_address
from study.results.settings import MOASHA
from study.search.sampler import GRID

LARGER_TRIALS, LARGER_EPOCHS = 4, 5
"""Factors of trials and epochs of the larger study that is offered next."""


MLFLOW_UI = "http://127.0.0.1:5000"
"""Address at which `mlflow ui` serves its pages."""


def next_commands(
    config: StudyConfig,
    repeated: Sequence[str] | None,
    store: str | None,
    resume: str,
    *,
    exhausted: bool = False,
) -> dict[str, str]:
    """Return what to type to see the study, to search on, and to run a larger one.

    Args:
        config: The study.
        repeated: Options of this study that a larger one has too; None where there is no larger
            one, as of a trial that was run again, or where no trial is complete.
        store: Address of MLflow's store, as it may be shown; None for its local default.
        resume: Command that goes on with the study; see `resume_command`.
        exhausted: True if the space holds no more trials.

    Returns:
        Commands by what they do.
    """
    if store is None:
        look = f"{installed('mlflow')} ui"
    elif store.startswith(("http://", "https://")):
        look = store
    else:
        look = f"{installed('mlflow')} ui --backend-store-uri {shlex.quote(store)}"
    tracker = [] if store is None else ["--tracking-uri", store]
    commands = {
        "Pages": shlex.join([installed("python"), "-m", "dashboards.app", *tracker]),
        "MLflow": look,
    }
    if (log := LOGS.get(config.log or "")) is not None:
        program, *words = log.command(config.output / FOLDER)
        commands["Curves"] = shlex.join([installed(program), *words])
    if config.confirm and config.space.experiment is None:
        report = shlex.join(["--study", config.name, *tracker])
        commands["Report"] = f"{installed('python')} -m dashboards.report {report}"
    if repeated is None or config.space.experiment is not None:
        return commands
    larger = [*(mask_password(text) for text in repeated)]
    if exhausted:
        larger += ["--trials", str(config.trials)]
    elif not config.space.is_grid:
        trials = ["--trials", str(LARGER_TRIALS * config.trials)]
        commands["More"] = f"{resume} {shlex.join(trials)}"
        larger += trials
    larger += ["--epochs", str(LARGER_EPOCHS * config.epochs)]
    if _stopping_early_would_pay(config):
        larger += ["--scheduler", MOASHA]
    commands["Larger"] = submitted(f"{installed('python')} -m study.run {shlex.join(larger)}")
    return commands


def with_runs_address(
    commands: Mapping[str, str], store: str, experiment_id: str
) -> dict[str, str]:
    """Add the address of the study's runs in MLflow's pages.

    Args:
        commands: Commands by what they do.
        store: Address of MLflow's store, as it may be shown.
        experiment_id: MLflow's identifier of the study's experiment; empty where it is not known.
    """
    if not experiment_id or "MLflow" not in commands:
        return dict(commands)
    if store.startswith(("http://", "https://")):
        return {**commands, "MLflow": runs_address(store, experiment_id)}
    names = [*commands]
    names.insert(names.index("MLflow") + 1, "Runs")
    runs = runs_address(MLFLOW_UI, experiment_id)
    return {name: commands.get(name, runs) for name in names}


def block_commands(arguments: Arguments, table: Path) -> dict[str, str]:
    """Return what to type to go on with an experiment, and to read it at its end.

    Args:
        arguments: Options of this block.
        table: Sealed table of this block.

    Returns:
        Commands by what they do.
    """
    words = [mask_password(text) for text in replace(arguments, seed=arguments.seed + 1).repeated]
    words += ["--epochs", str(arguments.epochs)]
    report = ["--study", str(table), "--study", "OTHER-sealed.parquet"]
    return {
        "Block": submitted(f"{installed('python')} -m study.run {shlex.join(words)}"),
        "Report": f"{installed('python')} -m dashboards.report {shlex.join(report)}",
    }


def _stopping_early_would_pay(config: StudyConfig) -> bool:
    """Return True if a larger study, which does not stop trials early yet, had better do so.

    With as many trials as a first study has, a front loses by it; of a budget of epochs that is
    some times larger, early stopping makes more (`docs/results/early_stopping`). A grid is there
    to be trained whole.
    """
    known = all(objective.known_before_training for objective in config.objectives)
    late = any(objective.measured for objective in config.objectives)
    return config.rungs is None and config.sampler != GRID and not (known or late)


def resume_command(config: StudyConfig, tracking_uri: str | None) -> str:
    """Return what to type to go on with a study.

    Args:
        config: The study.
        tracking_uri: Tracking URI as typed; None for MLflow's own rule.
    """
    words = ["--resume", "--name", config.name]
    if config.output.absolute() != (STUDIES / config.name).absolute():
        words += ["--output", str(config.output)]
    # The study's file has everything else but passwords, and the environment may have those.
    for flag, url, variable in (
        ("--tracking-uri", tracking_uri, "MLFLOW_TRACKING_URI"),
        ("--storage", config.storage, "OPTUNA_STORAGE"),
        ("--checkpoints", config.checkpoints, None),
    ):
        from_environment = variable is not None and os.environ.get(variable) == url
        if url is not None and mask_password(url) != url and not from_environment:
            words += [flag, mask_password(url)]
    return submitted(f"{installed('python')} -m study.run {shlex.join(words)}")
