"""The study's page and its front as data, written into the study's folder."""

import os
import time
from collections.abc import Sequence

from dashboards.front_csv import write_front_csv
from study.config import StudyConfig
from study.execution.summary import Outcome, next_commands, resume_command
from study.planning.new_study import StudyPlan
from study.results.front_table import front_table
from study.results.mlflow.loaded_study import LoadedStudy
from study.results.pareto import front
from study.results.provenance import git_commit, library_versions
from study.results.setting import values_of
from study.results.settings import ShownSettings
from study.results.study_info import StudyInfo
from study.results.trial_record import TrialRecord


def export_front(
    plan: StudyPlan, records: Sequence[TrialRecord], validation_images: int
) -> Outcome:
    """Write the front of a search, and say what it is and what to type next.

    Args:
        plan: The study.
        records: Of all trials so far.
        validation_images: How many accuracies are measured on.

    Raises:
        OSError: The study's folder cannot be written.
    """
    config, arguments = plan.config, plan.arguments
    best = front(records, config.objectives)
    table = front_table(best, tuple(config.space.axes), config.objectives)
    page, csv = config.output / "front.html", config.output / "front.csv"
    write_front_csv(csv, best)
    is_default = arguments.tracking_uri is None and "MLFLOW_TRACKING_URI" not in os.environ
    shown = None if is_default else plan.store.shown_uri
    resume = resume_command(config, arguments.tracking_uri)
    repeated = arguments.repeated if plan.file.rerun is None else None
    outcome = Outcome(
        config=config,
        records=tuple(records),
        front=best,
        table=table,
        confirmed=(),
        planned_confirmations=0,
        page=page,
        csv=csv,
        commands=next_commands(config, repeated, shown, resume),
        resume=resume,
        validation_images=validation_images,
        warnings=(),
    )
    write_page(outcome)
    return outcome


def write_page(outcome: Outcome) -> None:
    """Write every view of the study as one page: what `dashboards.export` makes of the tracker.

    Raises:
        OSError: The study's folder cannot be written.
    """
    # Pictures bring Plotly, SciPy and scikit-learn, three seconds of imports that no trial and no
    # mistyped flag is to wait for.
    from dashboards.page.study_page import write_study_page
    from dashboards.view_options import ViewOptions
    from dashboards.views import Scene

    study = LoadedStudy(
        info=describe_study(outcome.config),
        records=outcome.records,
        confirmed=outcome.confirmed,
        undecodable=(),
    )
    now_ms = round(1000 * time.time())
    scene = Scene(studies=(study,), options=ViewOptions(), selected=None, now_ms=now_ms)
    write_study_page(outcome.page, scene)


def describe_study(config: StudyConfig) -> StudyInfo:
    """What is recorded of a study before its first trial."""
    return StudyInfo(
        name=config.name,
        study_id=config.study_id,
        space=config.space.name,
        git_commit=git_commit(),
        versions=library_versions(),
        images=config.shape,
        rungs=config.rungs.at if config.rungs else (),
        **values_of(ShownSettings, config),
    )
