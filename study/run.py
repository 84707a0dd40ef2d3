"""`python -m study.run`: the command line, the one place where all parts meet."""

import contextlib
import itertools
import json
import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from dashboards.export import write_front_csv, write_front_page
from dashboards.front import get_front_info
from pnn_core.config import DatasetShape
from pnn_core.data import DATASETS, TrainingData, dataset_shape, load_training_data
from search_spaces import BUILT_IN, SearchSpace, find_space
from study.command_line import (
    DEFAULT_TRIALS,
    Arguments,
    BadInputError,
    blaming,
    parse_arguments,
)
from study.config import Resources, StudyConfig
from study.engine.ledger import TrialListener
from study.engine.sampler import GRID, require_sampler
from study.outcome import Outcome, next_commands
from study.progress import ProgressReport
from study.results.front_table import TextTable, format_metric, format_parameter, front_table
from study.results.mlflow_store import MlflowStore
from study.results.mlflow_writer import MlflowWriter, Unsent
from study.results.objective import parse_objectives
from study.results.pareto import front
from study.results.provenance import git_commit, library_versions
from study.results.record import TrialRecord, TrialState
from study.results.study_info import StudyEnd, StudyInfo, summarise

STUDIES = Path("studies")
TRACKER_SECONDS = 30.0
"""How long a tracker that fails may hold up the end of a study."""

DONE, FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: Without the program's name; None for this process's.

    Returns:
        The exit status: 0 done, 1 failed, 2 bad input, 130 interrupted.
    """
    try:
        arguments = parse_arguments(argv)
        if arguments.list_spaces:
            return _list_spaces(as_json=arguments.json)
        if arguments.dry_run:
            return _dry_run(arguments)
        return _study(arguments)
    except BadInputError as error:
        print(f"study.run: {error}", file=sys.stderr)
        return BAD_INPUT
    except OSError as error:
        print(f"study.run: failed: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("study.run: interrupted before the first trial", file=sys.stderr)
        return INTERRUPTED


def _list_spaces(*, as_json: bool) -> int:
    any_dataset = DatasetShape(channels=3, height=32, width=32, classes=10)
    summaries = {name: find_space(name, any_dataset).summary for name in BUILT_IN}
    if as_json:
        print(json.dumps(summaries, indent=2))
    else:
        for name, summary in summaries.items():
            print(f"{name}: {summary}")
    return DONE


def _dry_run(arguments: Arguments) -> int:
    from study.preview import preview_trials  # imports torch

    if arguments.dataset == "imagefolder" and not arguments.data_dir.exists():
        shape = DatasetShape(channels=3, height=32, width=32, classes=10)
        note = f"{arguments.data_dir} is absent: costs are for 3x32x32 images of 10 classes"
    else:
        shape, note = _shape(arguments), ""
    config = _study_config(arguments, shape, name="dry-run")
    trials = list(preview_trials(config))
    if arguments.json:
        document = {"dataset": config.dataset, "trials": [trial.as_json() for trial in trials]}
        print(json.dumps(document, indent=2))
        return DONE
    costs = ("learnable_params", "mask_values", "macs")
    axes = tuple(config.space.axes)
    rows = tuple(
        tuple(format_parameter(trial.point[axis]) for axis in axes)
        + tuple(format_metric(cost, getattr(trial.costs, cost)) for cost in costs)
        for trial in trials
    )
    print(TextTable(header=(*axes, *costs), rows=rows))
    kind = "the grid's" if config.sampler == GRID else "samples of"
    print(f"{len(trials)} trials, {kind} {config.space.name} on {config.dataset}; nothing was run")
    if note:
        print(note)
    return DONE


def _study(arguments: Arguments) -> int:
    store = MlflowStore(arguments.tracking_uri)
    config, data = _prepare(arguments, store)

    # Ray takes seconds to import, which a mistyped flag must not wait for.
    from study.engine.cluster import ClusterError, connected, trial_resources
    from study.engine.search import search

    stream = sys.stderr if arguments.json else sys.stdout
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(connected(config.address))
            resources = trial_resources(config.resources)
        except ClusterError as error:
            raise BadInputError(str(error)) from error
        with blaming("--output", config.output):
            config.output.mkdir(parents=True)
        writer = MlflowWriter(store.open_study(_study_info(config)))
        listeners: list[TrialListener] = [writer]
        if not arguments.quiet:
            listeners.append(stack.enter_context(ProgressReport(config, stream)))
        result = search(config, data, resources, listeners)

    is_default = arguments.tracking_uri is None and "MLFLOW_TRACKING_URI" not in os.environ
    commands = next_commands(config, arguments.space or "", None if is_default else store.shown_uri)
    outcome = _export(config, result.records, commands)
    complete = TrialState.COMPLETE in outcome.states()
    end = StudyEnd.FINISHED if complete else StudyEnd.FAILED
    writer.study_ended(
        summarise(result.records, config.objectives),
        [outcome.page, outcome.csv],
        StudyEnd.INTERRUPTED if result.interrupted else end,
    )
    unsent = writer.close(TRACKER_SECONDS)
    if unsent.error:
        outcome = outcome.with_warning(_unsent_warning(unsent, store, config))
    if result.interrupted:
        outcome = outcome.with_warning(
            f"Interrupted after {len(result.records)} of {config.trials} trials: "
            "finished ones are kept, running ones are lost"
        )
    elif len(result.records) < config.trials:
        outcome = outcome.with_warning(
            f"{len(result.records)} of {config.trials} trials were run: the space holds no more"
        )
    if arguments.json:
        print(json.dumps(outcome.as_json(), indent=2))
    else:
        outcome.print(sys.stdout)
    if result.interrupted:
        return INTERRUPTED
    return DONE if complete else FAILED


def _prepare(arguments: Arguments, store: MlflowStore) -> tuple[StudyConfig, TrainingData]:
    """Check everything that can be checked without Ray; create nothing."""
    shape = _shape(arguments)
    config = _study_config(arguments, shape, name=arguments.name or "unnamed")
    with blaming("--tracking-uri", store.shown_uri):
        store.check()
    config = replace(config, name=_free_name(arguments, config.space, store))
    config = replace(config, output=arguments.output or STUDIES / config.name)
    _require_new_folder(config.output)
    with blaming("--data-dir", arguments.data_dir):
        return config, load_training_data(config.dataset, arguments.data_dir)


def _shape(arguments: Arguments) -> DatasetShape:
    flag = "--dataset" if arguments.dataset not in DATASETS else "--data-dir"
    value = arguments.dataset if arguments.dataset not in DATASETS else arguments.data_dir
    with blaming(flag, value):
        return dataset_shape(arguments.dataset, arguments.data_dir)


def _study_config(arguments: Arguments, shape: DatasetShape, *, name: str) -> StudyConfig:
    with blaming("--space", arguments.space):
        space = find_space(arguments.space or "", shape)
    with blaming("--objectives", arguments.objectives):
        objectives = parse_objectives(arguments.objectives)
    with blaming("--sampler", arguments.sampler):
        require_sampler(arguments.sampler)
        grid = len(list(space.grid_points(shape))) if arguments.sampler == GRID else None
    return StudyConfig(
        name=name,
        space=space,
        dataset=arguments.dataset,
        shape=shape,
        trials=arguments.trials or grid or DEFAULT_TRIALS,
        epochs=arguments.epochs,
        seed=arguments.seed,
        objectives=objectives,
        sampler=arguments.sampler,
        output=arguments.output or STUDIES / name,
        address=arguments.address,
        resources=Resources(
            cpus_per_trial=arguments.cpus_per_trial,
            gpus_per_trial=arguments.gpus_per_trial,
            max_concurrent=arguments.max_concurrent,
        ),
    )


def _free_name(arguments: Arguments, space: SearchSpace, store: MlflowStore) -> str:
    """The name typed, if it is free, else the first free one of the kind SPACE-DATASET-1."""
    if arguments.name is not None:
        folder = arguments.output or STUDIES / arguments.name
        for place, taken in (
            (folder, folder.exists()),
            (f"MLflow at {store.shown_uri}", store.has_study(arguments.name)),
        ):
            if taken:
                raise BadInputError(
                    f"--name {arguments.name}: a study of that name exists in {place}: "
                    "choose another name"
                )
        return arguments.name
    stem = re.sub(r"[^A-Za-z0-9._-]", "_", f"{space.name}-{arguments.dataset}")
    names = (f"{stem}-{number}" for number in itertools.count(1))
    return next(n for n in names if not (STUDIES / n).exists() and not store.has_study(n))


def _require_new_folder(output: Path) -> None:
    """Refuse a folder that exists or cannot be made, before anything else is done."""
    if output.exists():
        raise BadInputError(f"--output {output}: exists: choose a new folder")
    parent = next(folder for folder in output.absolute().parents if folder.exists())
    if not parent.is_dir() or not os.access(parent, os.W_OK | os.X_OK):
        raise BadInputError(f"--output {output}: {parent} cannot be written: choose another folder")


def _study_info(config: StudyConfig) -> StudyInfo:
    return StudyInfo(
        name=config.name,
        space=config.space.name,
        dataset=config.dataset,
        seed=config.seed,
        trials=config.trials,
        epochs=config.epochs,
        sampler=config.sampler,
        scheduler="fifo",
        objectives=config.objectives,
        git_commit=git_commit(),
        versions=library_versions(),
    )


def _export(
    config: StudyConfig, records: tuple[TrialRecord, ...], commands: Mapping[str, str]
) -> Outcome:
    """Write the front's picture and data into the study's folder."""
    best = front(records, config.objectives)
    table = front_table(best, tuple(config.space.axes), config.objectives)
    info = get_front_info(
        records,
        config.objectives,
        name=config.name,
        dataset=config.dataset,
        epochs=config.epochs,
    )
    page, csv = config.output / "front.html", config.output / "front.csv"
    write_front_page(page, info, table)
    write_front_csv(csv, best)
    return Outcome(
        config=config,
        records=records,
        front=best,
        table=table,
        page=page,
        csv=csv,
        commands=commands,
        warnings=(),
    )


def _unsent_warning(unsent: Unsent, store: MlflowStore, config: StudyConfig) -> str:
    return (
        f"MLflow at {store.shown_uri} lacks {unsent.trials} trials ({unsent.error}); "
        f"every trial is kept in {config.output}"
    )


if __name__ == "__main__":
    sys.exit(main())
