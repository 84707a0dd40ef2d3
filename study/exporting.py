"""The front's picture and data, written into the study's folder."""

import os
from collections.abc import Sequence

from dashboards.export import write_front_csv, write_front_page
from dashboards.front import get_front_info
from study.outcome import Outcome, next_commands, resume_command
from study.planning import StudyPlan
from study.results.front_table import front_table
from study.results.pareto import front
from study.results.record import TrialRecord


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
    shown = None if is_default else plan.store.shown_uri
    resume = resume_command(config, arguments.tracking_uri)
    return Outcome(
        config=config,
        records=tuple(records),
        front=best,
        table=table,
        confirmed=(),
        planned_confirmations=0,
        page=page,
        csv=csv,
        commands=next_commands(config, arguments.repeated, shown, resume),
        resume=resume,
        validation_images=validation_images,
        warnings=(),
    )
