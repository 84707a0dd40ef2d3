"""Export of a study's page, and of its front as data, into the study's folder."""

import os
import shlex
from collections.abc import Sequence
from dataclasses import replace

from dashboards.front_csv import write_front_csv
from study.config import StudyConfig
from study.execution.next_commands import next_commands, resume_command
from study.execution.summary import Outcome
from study.planning.new_study import StudyPlan
from study.program import installed
from study.results.error_messages import explain
from study.results.planned_experiment import PlannedExperiment
from study.results.provenance import git_commit, library_versions
from study.results.run_record import RunRecord, RunState
from study.results.setting import values_of
from study.results.settings import ShownSettings
from study.results.study_info import StudyInfo
from study.results.timestamps import now_ms


def export_front(
    plan: StudyPlan,
    records: Sequence[RunRecord],
    validation_images: int,
    *,
    exhausted: bool = False,
) -> Outcome:
    """Write the front of a search, and say what it is and what to type next.

    Args:
        plan: The study.
        records: Records of all trials so far.
        validation_images: Number of images that accuracies are measured on.
        exhausted: True if the space holds no more trials.

    Raises:
        OSError: The study's folder cannot be written.
    """
    config, arguments = plan.config, plan.arguments
    is_default = arguments.tracking_uri is None and "MLFLOW_TRACKING_URI" not in os.environ
    shown = None if is_default else plan.store.shown_uri
    resume = resume_command(config, arguments.tracking_uri)
    # What failed here would fail in a larger study, too.
    has_front = any(record.state is RunState.COMPLETE for record in records)
    repeated = arguments.repeated if plan.file.rerun is None and has_front else None
    outcome = Outcome(
        config=config,
        info=replace(describe_study(config), validation_images=validation_images),
        records=tuple(records),
        commands=next_commands(config, repeated, shown, resume, exhausted=exhausted),
        resume=resume,
        validation_images=validation_images,
    )
    write_front_csv(outcome.csv, outcome.front)
    return with_page(outcome)


def with_page(outcome: Outcome) -> Outcome:
    """Write every view of the study as one page: what `dashboards.export` makes of the tracker.

    Returns:
        The outcome, warned where the page could not be drawn or written: it costs no result.
    """
    # Pictures bring Plotly, SciPy and scikit-learn, three seconds of imports that no trial and no
    # mistyped flag is to wait for.
    from dashboards.page.study_page import write_study_page
    from dashboards.scene import Scene
    from dashboards.view_options import ViewOptions

    scene = Scene(studies=(outcome.study,), options=ViewOptions(), selected=None, now_ms=now_ms())
    try:
        write_study_page(outcome.page, scene)
    except Exception as error:  # whatever a picture makes of these records
        again = (
            f"{installed('python')} -m dashboards.export --study {shlex.quote(outcome.info.name)}"
        )
        return outcome.with_warning(
            f"The page of pictures is not that of this end ({explain(error)}); everything else is "
            f"whole, and this draws it again: {again}"
        )
    return outcome


def describe_study(config: StudyConfig) -> StudyInfo:
    """Describe a study before its first trial, for the tracker and its readers."""
    return StudyInfo(
        name=config.name,
        study_id=config.study_id,
        space=config.space.name,
        git_commit=git_commit(),
        versions=library_versions(),
        images=config.shape,
        rungs=config.rungs.at if config.rungs else (),
        experiment=PlannedExperiment.of(config.space),
        confirm_beforehand=config.confirm_beforehand,
        controls_beforehand=config.controls_beforehand,
        own=tuple(replace(code, path=code.file_name, source=b"") for code in config.own),
        first_fresh_seed=config.fresh_seeds.start if config.confirm else None,
        **values_of(ShownSettings, config),
    )
