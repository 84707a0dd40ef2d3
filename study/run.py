"""`python -m study.run`: the command line, the one place where all parts meet."""

import contextlib
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from dashboards.export import write_front_csv, write_front_page
from dashboards.front import get_front_info
from pnn_core.config import DatasetShape
from pnn_core.data import TrainingData, load_training_data
from search_spaces import BUILT_IN, find_space
from study.command_line import Arguments, BadInputError, blaming, parse_arguments
from study.config import StudyConfig
from study.engine.ledger import TrialListener
from study.engine.sampler import GRID
from study.outcome import Outcome, next_commands
from study.planning import images_shape, plan_study, study_config
from study.progress import ProgressReport
from study.results.front_table import TextTable, format_metric, format_parameter, front_table
from study.results.mlflow_store import MlflowStore
from study.results.mlflow_writer import MlflowWriter, Unsent
from study.results.pareto import front
from study.results.provenance import git_commit, library_versions
from study.results.record import TrialRecord, TrialState
from study.results.study_info import StudyEnd, StudyInfo, summarise

if TYPE_CHECKING:
    from study.engine.cluster import TrialResources

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
        print("study.run: interrupted", file=sys.stderr)
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
        shape, note = images_shape(arguments), ""
    config = study_config(arguments, shape, name="dry-run")
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
    config = plan_study(arguments, store)

    # Ray takes seconds to import, which a mistyped flag must not wait for.
    from study.engine.cluster import ClusterError, connected, trial_resources

    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(connected(config.address))
            resources = trial_resources(config.resources)
        except ClusterError as error:
            raise BadInputError(str(error)) from error
        with blaming("--data-dir", arguments.data_dir):
            data = load_training_data(config.dataset, arguments.data_dir)
        with blaming("--output", config.output):
            config.output.mkdir(parents=True)
        return _run(arguments, store, config, resources, data)


def _run(
    arguments: Arguments,
    store: MlflowStore,
    config: StudyConfig,
    resources: "TrialResources",
    data: TrainingData,
) -> int:
    """Search, export and say what was made; whatever happens, the tracker is told the end."""
    from study.engine.search import search

    writer = MlflowWriter(store.open_study(_study_info(config)))
    try:
        with contextlib.ExitStack() as stack:
            listeners: list[TrialListener] = [writer]
            if not arguments.quiet:
                stream = sys.stderr if arguments.json else sys.stdout
                listeners.append(stack.enter_context(ProgressReport(config, stream)))
            result = search(config, data, resources, listeners)
        outcome = _export(arguments, store, config, result.records, len(data.validation))
    except BaseException as error:
        interrupted = isinstance(error, KeyboardInterrupt)
        end = StudyEnd.INTERRUPTED if interrupted else StudyEnd.FAILED
        writer.study_ended(None, [], end)
        writer.close(TRACKER_SECONDS)
        raise

    complete = outcome.states()[TrialState.COMPLETE]
    end = StudyEnd.FINISHED if complete else StudyEnd.FAILED
    writer.study_ended(
        summarise(result.records, config.objectives),
        [outcome.page, outcome.csv],
        StudyEnd.INTERRUPTED if result.interrupted else end,
    )
    unsent = writer.close(TRACKER_SECONDS)
    if unsent.error:
        outcome = outcome.with_warning(_keep_unsent(unsent, store, outcome))
    if result.interrupted:
        outcome = outcome.with_warning(
            f"Interrupted: {complete} of {config.trials} trials are complete and kept; "
            "a study cannot be resumed yet"
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
    arguments: Arguments,
    store: MlflowStore,
    config: StudyConfig,
    records: tuple[TrialRecord, ...],
    validation_images: int,
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
    is_default = arguments.tracking_uri is None and "MLFLOW_TRACKING_URI" not in os.environ
    shown = None if is_default else store.shown_uri
    return Outcome(
        config=config,
        records=records,
        front=best,
        table=table,
        page=page,
        csv=csv,
        commands=next_commands(config, arguments.repeated, shown),
        validation_images=validation_images,
        warnings=(),
    )


def _keep_unsent(unsent: Unsent, store: MlflowStore, outcome: Outcome) -> str:
    """Write all records beside the front where the tracker lacks some; says so."""
    path = outcome.config.output / "records.json"
    records = [asdict(record) for record in outcome.records]
    path.write_text(json.dumps(records, indent=1), encoding="utf-8")
    return (
        f"MLflow at {store.shown_uri} lacks {unsent.trials} trials or the study's end "
        f"({unsent.error}): all records are kept in {path}"
    )


if __name__ == "__main__":
    sys.exit(main())
