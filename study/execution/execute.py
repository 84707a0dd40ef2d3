"""Execution of a planned study: its life, and what the tracker is told, whatever ended it."""

import contextlib
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import scipy.stats  # noqa: F401  # before a thread imports MLflow, which needs parts of it
from ray.exceptions import RayError
from ray.tune import TuneError

from pnn_core.data import DatasetError, TrainingData
from pnn_core.data.own_dataset import images_digest
from study.engine.cluster.trial_resources import TrialResources
from study.engine.interrupts import Interrupts
from study.execution.export import describe_study
from study.execution.next_commands import resume_command, with_runs_address
from study.execution.patience import BROKEN_OFF_SECONDS, ENDING_SECONDS
from study.execution.study_life import StudyLife
from study.execution.summary import Outcome
from study.exit_status import DONE, FAILED, INTERRUPTED
from study.planning.new_study import StudyPlan
from study.results.mask_secrets import mask_password
from study.results.mlflow.background_writer import MlflowWriter, Unsent
from study.results.plural import counted
from study.results.run_listener import RunListener
from study.results.run_record import RunState
from study.results.study_info import StudyEnd, summarise
from study.study_errors import StudyFailedError, StudyInterrupted

ENDS = {
    DONE: StudyEnd.FINISHED,
    FAILED: StudyEnd.FAILED,
    INTERRUPTED: StudyEnd.INTERRUPTED,
}


class Ended(NamedTuple):
    """End of a study that could say its outcome.

    Attributes:
        outcome: Outcome, to be told.
        status: Exit status of a command: done, failed or interrupted.
    """

    outcome: Outcome
    status: int

    @property
    def word(self) -> str:
        """Return the end in a word: `done`, `failed` or `interrupted`."""
        return {DONE: "done", FAILED: "failed", INTERRUPTED: "interrupted"}[self.status]


def execute(
    plan: StudyPlan,
    resources: TrialResources,
    data: TrainingData,
    interrupts: Interrupts,
    listeners: Sequence[RunListener] = (),
) -> Ended:
    """Run a study, or what is left of one, on the connected cluster.

    Whatever happens, what was done is kept, and the tracker is told the end where it can be.

    Args:
        plan: The study; its output folder and its place for checkpoints exist.
        resources: Resources of each trial.
        data: Train and validation images.
        interrupts: Handler of signals.
        listeners: Listeners of who runs the study.

    Raises:
        StudyInterrupted: A second signal, or the deadline after the first, broke it off.
        StudyFailedError: The data, the cluster or the storage failed.
    """
    name, resume = plan.config.name, resume_command(plan.config, plan.arguments.tracking_uri)
    info = replace(describe_study(plan.config), validation_images=len(data.validation))
    digest = partial(images_digest, data)
    writer = MlflowWriter(plan.store.open_study(info, digest))

    def tell_tracker(end: StudyEnd) -> None:
        writer.study_ended(None, [], end)
        with contextlib.suppress(KeyboardInterrupt):  # of somebody in a hurry
            writer.close(BROKEN_OFF_SECONDS, most_seconds=BROKEN_OFF_SECONDS)

    try:
        life = StudyLife(plan, resources, data, interrupts, writer, listeners)
        outcome, interrupted = life.run()
        status = INTERRUPTED if interrupted else _status(outcome)
        return Ended(_tell_end(plan, writer, outcome, status), status)
    except KeyboardInterrupt as error:
        tell_tracker(StudyEnd.INTERRUPTED)
        raise StudyInterrupted(name, "interrupted", resume) from error
    except DatasetError as error:
        tell_tracker(StudyEnd.FAILED)
        said = f"the data are at fault and no trial is: {error}: mend them"
        raise StudyFailedError(name, said, resume) from error
    except (OSError, RayError, TuneError) as error:
        tell_tracker(StudyEnd.FAILED)
        cause = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        said = f"failed: {cause}: what was saved before is intact"
        raise StudyFailedError(name, said, resume) from error
    except BaseException as error:
        tell_tracker(StudyEnd.FAILED)
        again = mask_password(resume)
        error.add_note(f"study.run: what was saved before is intact; go on by: {again}")
        raise


def _tell_end(plan: StudyPlan, writer: MlflowWriter, outcome: Outcome, status: int) -> Outcome:
    """Tell the tracker the end, and complete the outcome by what it could not be told."""
    interrupted = status == INTERRUPTED
    summary = summarise(outcome.records, plan.config.objectives, plan.config.limit)
    # A page that could not be drawn is left out; where the whole folder is away that is told of.
    files = [
        file for file in (outcome.page, outcome.csv) if file.is_file() or not file.parent.is_dir()
    ]
    writer.study_ended(summary, files, ENDS[status])
    most = BROKEN_OFF_SECONDS if interrupted else None
    unsent = writer.close(ENDING_SECONDS, most_seconds=most)
    address = with_runs_address(outcome.commands, plan.store.shown_uri, writer.experiment_id)
    outcome = replace(outcome, commands=address)
    if unsent.error:
        outcome = outcome.with_warning(_describe_unsent(unsent, plan, outcome))
    return outcome.as_interrupted() if interrupted else outcome


def _status(outcome: Outcome) -> int:
    if not outcome.states()[RunState.COMPLETE]:
        return FAILED
    confirmed = any(run.state is RunState.COMPLETE for run in outcome.confirmed)
    if outcome.seal is not None:
        confirmed = outcome.seal.ended > outcome.seal.failed
    return FAILED if outcome.planned_confirmations and not confirmed else DONE


def _describe_unsent(unsent: Unsent, plan: StudyPlan, outcome: Outcome) -> str:
    """Say what the tracker lacks, where it is, and how to send it."""
    lacking = []
    if unsent.trials:
        lacking.append(counted(unsent.trials, "trial"))
    if unsent.confirmed:
        lacking.append(counted(unsent.confirmed, "confirmation run"))
    if unsent.study:
        lacking.append("the study's end")
    return (
        f"MLflow at {plan.store.shown_uri} lacks {', '.join(lacking)} ({unsent.error}): nothing is "
        f"lost, {plan.config.storage_place} has it all; once that is mended, this sends it: "
        f"{outcome.resume}"
    )
