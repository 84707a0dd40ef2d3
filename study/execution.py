"""A planned study from its first trial to its last word: search, confirm, export, tell."""

import contextlib
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from dashboards.export import write_front_csv, write_front_page
from dashboards.front import get_front_info
from pnn_core.data import DatasetError, TrainingData, confirm_step, load_test_data
from study.command_line import Arguments
from study.config import StudyConfig
from study.exit_status import DONE, FAILED, INTERRUPTED
from study.outcome import Outcome, next_commands
from study.progress import ProgressReport
from study.results.front_table import front_table
from study.results.mlflow_store import MlflowStore
from study.results.mlflow_writer import MlflowWriter, Unsent
from study.results.pareto import front
from study.results.provenance import git_commit, library_versions
from study.results.record import TrialRecord, TrialState
from study.results.study_info import StudyEnd, StudyInfo, summarise

# Ray takes seconds to import, which a mistyped flag must not wait for.
if TYPE_CHECKING:
    from study.engine.cluster import TrialResources
    from study.engine.confirmation import ConfirmationListener
    from study.engine.ledger import TrialListener

TRACKER_SECONDS = 30.0
"""How long a tracker that fails may hold up the end of a study."""


def run_study(
    arguments: Arguments,
    store: MlflowStore,
    config: StudyConfig,
    resources: "TrialResources",
    data: TrainingData,
) -> int:
    """Run a study on the connected cluster; whatever happens, the tracker is told the end.

    Args:
        arguments: As typed.
        store: Where the study is kept.
        config: The study; its output folder exists.
        resources: Of each trial.
        data: Train and validation images.

    Returns:
        The exit status.

    Raises:
        OSError: The study's folder cannot be written.
    """
    writer = MlflowWriter(store.open_study(_study_info(config)))
    try:
        outcome, interrupted = _search_and_confirm(
            arguments, store, config, resources, data, writer
        )
    except BaseException as error:
        stopped = isinstance(error, KeyboardInterrupt)
        writer.study_ended(None, [], StudyEnd.INTERRUPTED if stopped else StudyEnd.FAILED)
        writer.close(TRACKER_SECONDS)
        raise

    status = INTERRUPTED if interrupted else _status(outcome)
    ends = {DONE: StudyEnd.FINISHED, FAILED: StudyEnd.FAILED, INTERRUPTED: StudyEnd.INTERRUPTED}
    writer.study_ended(
        summarise(outcome.records, config.objectives), [outcome.page, outcome.csv], ends[status]
    )
    unsent = writer.close(TRACKER_SECONDS)
    if unsent.error:
        outcome = outcome.with_warning(_keep_unsent(unsent, store, outcome))
    if arguments.json:
        print(json.dumps(outcome.as_json(), indent=2))
    else:
        outcome.print(sys.stdout)
    return status


def _search_and_confirm(
    arguments: Arguments,
    store: MlflowStore,
    config: StudyConfig,
    resources: "TrialResources",
    data: TrainingData,
    writer: MlflowWriter,
) -> tuple[Outcome, bool]:
    """The outcome, and whether Ctrl-C ended it."""
    from study.engine.search import search

    with contextlib.ExitStack() as stack:
        progress = None
        listeners: list[TrialListener] = [writer]
        if not arguments.quiet:
            stream = sys.stderr if arguments.json else sys.stdout
            progress = stack.enter_context(ProgressReport(config, stream))
            listeners.append(progress)
        result = search(config, data, resources, listeners)
        # Written before the confirmation, which may take as long again and break off.
        outcome = _export(arguments, store, config, result.records, len(data.validation))
        complete = outcome.states()[TrialState.COMPLETE]
        if result.interrupted:
            warning = (
                f"Interrupted: {complete} of {config.trials} trials are complete and kept; "
                "a study cannot be resumed yet"
            )
            return outcome.with_warning(warning), True
        if len(result.records) < config.trials:
            outcome = outcome.with_warning(
                f"{len(result.records)} of {config.trials} trials were run: the space holds no more"
            )
        if not config.confirm or not outcome.front:
            return outcome, False
        return _confirm(arguments, outcome, resources, data, writer, progress)


def _confirm(
    arguments: Arguments,
    outcome: Outcome,
    resources: "TrialResources",
    data: TrainingData,
    writer: MlflowWriter,
    progress: ProgressReport | None,
) -> tuple[Outcome, bool]:
    """Retrain the front and its controls with fresh seeds; only here is the test set read."""
    from study.engine.confirm_plan import plan_confirmation
    from study.engine.confirmation import confirm

    config = outcome.config
    tasks = plan_confirmation(
        outcome.front, config.space, config.shape, seeds=config.confirm, study_seed=config.seed
    )
    try:
        with confirm_step():
            test = load_test_data(config.dataset, arguments.data_dir)
    except DatasetError as error:
        warning = f"Not confirmed: the test set cannot be read: {error}"
        return replace(outcome, planned_confirmations=len(tasks)).with_warning(warning), False
    listeners: list[ConfirmationListener] = [writer]
    if progress is not None:
        progress.confirmation_planned(len(tasks))
        listeners.append(progress)
    confirmation = confirm(tasks, data, test, resources, listeners)
    outcome = replace(
        outcome, confirmed=confirmation.runs, planned_confirmations=confirmation.planned
    )
    if confirmation.interrupted:
        outcome = outcome.with_warning(
            "Interrupted during the confirmation: what is complete is kept; "
            "a study cannot be resumed yet"
        )
    return outcome, confirmation.interrupted


def _status(outcome: Outcome) -> int:
    if not outcome.states()[TrialState.COMPLETE]:
        return FAILED
    confirmed = any(run.state is TrialState.COMPLETE for run in outcome.confirmed)
    return FAILED if outcome.planned_confirmations and not confirmed else DONE


def _study_info(config: StudyConfig) -> StudyInfo:
    return StudyInfo(
        name=config.name,
        space=config.space.name,
        dataset=config.dataset,
        seed=config.seed,
        trials=config.trials,
        epochs=config.epochs,
        replicates=config.replicates,
        confirm=config.confirm,
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
    records: Sequence[TrialRecord],
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
        records=tuple(records),
        front=best,
        table=table,
        confirmed=(),
        planned_confirmations=0,
        page=page,
        csv=csv,
        commands=next_commands(config, arguments.repeated, shown),
        validation_images=validation_images,
        warnings=(),
    )


def _keep_unsent(unsent: Unsent, store: MlflowStore, outcome: Outcome) -> str:
    """Write everything beside the front where the tracker lacks some of it; says so."""
    path = outcome.config.output / "records.json"
    kept = {
        "trials": [asdict(record) for record in outcome.records],
        "confirmed": [asdict(run) for run in outcome.confirmed],
    }
    path.write_text(json.dumps(kept, indent=1), encoding="utf-8")
    lacking = f"{unsent.trials} trials"
    if unsent.confirmed:
        lacking += f", {unsent.confirmed} confirmation runs"
    return (
        f"MLflow at {store.shown_uri} lacks {lacking} or the study's end "
        f"({unsent.error}): all records are kept in {path}"
    )
