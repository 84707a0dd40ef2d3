"""Course of a study from what was asked for to its end: one for a terminal and for a script."""

import contextlib
import sys
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from pnn_core.data import TrainingData, load_training_data, summarise_images
from pnn_core.data.own_dataset import images_digest
from pnn_core.parts.own_code import Kind
from study.command_line import BadInputError, blaming
from study.engine.interrupts import Interrupts
from study.execution.caller import Caller
from study.execution.next_commands import resume_command
from study.execution.notification import Notice, notify
from study.planning.arguments import Arguments
from study.planning.new_study import StudyPlan, plan_study
from study.planning.own_code import with_images, write_copies
from study.planning.resume import find_study, plan_resume, resume_if_begun
from study.planning.study_file import FILE
from study.planning.study_folder import FolderTakenError, begun
from study.planning.study_lock import StudyLockedError, locked
from study.search.sampler import GRID
from study.study_errors import StudyFailedError, StudyInterrupted

# These import torch and Ray, which a mistyped flag must not wait for.
if TYPE_CHECKING:
    from study.engine.cluster.trial_resources import TrialResources
    from study.execution.execute import Ended


def drive(arguments: Arguments, caller: Caller) -> "Ended":
    """Run a study from its plan to its end.

    Args:
        arguments: Options as typed, for a new study or one that goes on.
        caller: Who runs it.

    Raises:
        BadInputError: Names the option to change; nothing was created.
        StudyInterrupted: Its state was saved.
        KeyboardInterrupt: It had not begun, and nothing was created.
        StudyFailedError: The data, the cluster or the storage failed; its state was saved.
        OSError: It could not begin.
    """
    try:
        ended = _drive(arguments, caller)
    except BadInputError:
        raise  # nothing began, and who asked for it reads why
    except (StudyInterrupted, StudyFailedError) as error:
        end = "interrupted" if isinstance(error, StudyInterrupted) else "failed"
        if untold := _notify(arguments, error.name, end, str(error)):
            error.add_note(untold)
        raise
    except Exception as error:  # whatever ends a study is told
        from study.engine.failure_reasons import describe_error

        if untold := _notify(
            arguments, arguments.name or "unnamed", "failed", describe_error(error)
        ):
            error.add_note(untold)
        raise
    outcome = ended.outcome
    if untold := _notify(arguments, outcome.config.name, ended.word, outcome.in_short):
        ended = ended._replace(outcome=outcome.with_warning(untold))
    return ended


def _notify(arguments: Arguments, study: str, end: str, said: str) -> str:
    """Tell who is to be told of the end; return the reason why it could not be told."""
    if arguments.notify is None:
        return ""
    notice = Notice(study=study, end=end, text=f"Study {study} {end}: {said}")
    return notify(arguments.notify, notice)


def _drive(arguments: Arguments, caller: Caller) -> "Ended":
    ended: Ended | None = None
    interrupts = Interrupts()
    try:
        with interrupts, caller, contextlib.ExitStack() as stack:
            with caller.starting(interrupts):
                plan, resources, data = _prepare(arguments, interrupts, caller, stack)
            ended = _run(plan, resources, data, interrupts, caller, stack)
    except KeyboardInterrupt as error:
        if interrupts.failure is not None:
            raise interrupts.failure from error
        if ended is None:
            # Whoever presses Ctrl-C once more, as while Ray is shut down, is to read how to go on.
            if isinstance(error, StudyInterrupted) or caller.interrupted is None:
                raise
            raise caller.interrupted from error
    return ended


def _prepare(
    arguments: Arguments, interrupts: Interrupts, caller: Caller, stack: contextlib.ExitStack
) -> tuple[StudyPlan, "TrialResources | None", TrainingData]:
    """Plan the study, connect to Ray and load the images; nothing of the study is written.

    Returns:
        Plan, resources of a trial (None where nothing is left to train), and images.
    """
    plan = _plan(arguments, stack)
    resources = None
    if plan.arguments.resume and not _has_runs_left(plan):
        _say(arguments, f"Study {plan.config.name}: nothing is left to train")
    else:
        resources = _connect(plan, interrupts, caller, stack)
    # Now, while the workers import torch; and all of it before a thread imports MLflow: of
    # what both need, such as SQLAlchemy, one could find what the other has half imported.
    import study.execution.execute  # noqa: F401

    with blaming(*_place_of_images(plan.arguments)):
        data = load_training_data(plan.config.dataset, plan.arguments.data_dir)
        images, doubts = summarise_images(data, plan.arguments.data_dir)
        plan = _with_images(plan, data)
    plan = replace(plan, images=images, warnings=(*plan.warnings, *doubts))
    return plan, resources, data


def _has_runs_left(plan: StudyPlan) -> bool:
    config = plan.config
    # By the count in its file most studies that go on are known to have some: all but those whose
    # space may hold fewer points than were asked for.
    can_be_exhausted = config.sampler == GRID or config.space.is_finite()
    if (plan.file.trials_ended or 0) < config.trials and not can_be_exhausted:
        return True
    from study.execution.runs_left import has_runs_left

    return has_runs_left(config)


def _connect(
    plan: StudyPlan, interrupts: Interrupts, caller: Caller, stack: contextlib.ExitStack
) -> "TrialResources":
    """Connect to Ray for as long as the stack lasts, and return the resources of a trial."""
    where = "starting Ray" if (at := plan.config.address) is None else f"joining Ray at {at}"
    _say(plan.arguments, f"Study {plan.config.name}: {where}")

    # Ray takes seconds to import, which a mistyped flag must not wait for.
    from study.engine.cluster.connect import ClusterError, connected
    from study.engine.cluster.control_store import control_store_watched
    from study.engine.cluster.growing_cluster import wait_for_resources
    from study.engine.tune.warm_workers import WARM_MODULES, fills_every_core

    preload = WARM_MODULES if fills_every_core(plan.config) else ()
    resume = resume_command(plan.config, plan.arguments.tracking_uri)

    def lost(reason: str) -> None:
        again = resume if (plan.config.output / FILE).is_file() else "the same command"
        caller.lost(plan.config, reason, again, interrupts)

    try:
        stack.enter_context(connected(plan.config.address, preload))
        interrupts.reinstall()
        is_own = plan.config.address is None
        watch = control_store_watched(lost, is_own=is_own, told_to_end=lambda: interrupts.told)
        stack.enter_context(watch)
        return wait_for_resources(plan.config, partial(_say, plan.arguments))
    except ClusterError as error:
        raise BadInputError(str(error)) from error


def _say(arguments: Arguments, said: str) -> None:
    """Print a line of a study's start."""
    if not arguments.quiet:
        print(said, file=sys.stderr if arguments.json else sys.stdout, flush=True)


def _place_of_images(arguments: Arguments) -> tuple[str, object]:
    """Return the option that names what images come from, and its value as it was typed."""
    own = (code.typed for code in arguments.own if code.kind is Kind.DATASET)
    typed = next(own, None)
    return ("--data-dir", arguments.data_dir) if typed is None else ("--dataset", typed)


def _with_images(plan: StudyPlan, data: TrainingData) -> StudyPlan:
    """Record the images that a data set of one's own gave.

    Raises:
        ValueError: The study began with others.
    """
    if all(code.kind is not Kind.DATASET for code in plan.config.own):
        return plan
    own = with_images(plan.config.own, images_digest(data))
    return replace(
        plan,
        config=replace(plan.config, own=own),
        file=replace(plan.file, own=[code.recorded for code in own]),
    )


def _plan(arguments: Arguments, stack: contextlib.ExitStack) -> StudyPlan:
    """Plan a new study, or one that goes on, whose folder is locked before its file is read."""
    arguments = resume_if_begun(arguments)
    if not arguments.resume:
        return plan_study(arguments)
    folder = find_study(arguments)
    try:
        stack.enter_context(locked(folder))
    except StudyLockedError as error:
        raise BadInputError(f"--name {arguments.name}: {error}") from error
    return plan_resume(arguments, folder)


def _run(
    plan: StudyPlan,
    resources: "TrialResources | None",
    data: TrainingData,
    interrupts: Interrupts,
    caller: Caller,
    stack: contextlib.ExitStack,
) -> "Ended":
    """Write what the study begins with, and execute it."""
    from study.engine.cluster.growing_cluster import asked_for
    from study.engine.cluster.trial_resources import TrialResources
    from study.execution.execute import execute

    if resources is not None and plan.config.address is not None:
        stack.enter_context(asked_for(resources, plan.runs_ahead))
    try:
        if resources is not None:
            plan = _with_arithmetic(plan, resources)
            if plan.arguments.resume:
                _create_checkpoints(plan)
            else:
                plan = _begin(plan, resources, stack)
        if plan.arguments.resume:
            plan.file.write(plan.config.output)
        resume = resume_command(plan.config, plan.arguments.tracking_uri)
        caller.begun(StudyInterrupted(plan.config.name, "interrupted", resume))
        listeners = caller.listeners(plan.config, interrupts)
        if resources is None:
            resources = TrialResources.of(plan.config, gpus=0.0)  # which nothing will take
        return execute(plan, resources, data, interrupts, listeners)
    except StudyInterrupted:
        raise
    except KeyboardInterrupt as error:
        if not (plan.config.output / FILE).is_file():
            raise
        resume = resume_command(plan.config, plan.arguments.tracking_uri)
        raise StudyInterrupted(plan.config.name, "interrupted", resume) from error


def _with_arithmetic(plan: StudyPlan, resources: "TrialResources") -> StudyPlan:
    """Complete a study by the arithmetic that trains it, which it keeps."""
    from study.engine.cluster.connect import ClusterError
    from study.engine.cluster.operators import choose_arithmetic

    config = plan.config
    try:
        chosen = choose_arithmetic(config.arithmetic, resources, config.address)
    except ClusterError as error:
        raise BadInputError(str(error)) from error
    file = replace(plan.file, arithmetic=chosen)
    return replace(plan, config=replace(config, arithmetic=chosen), file=file)


def _begin(plan: StudyPlan, resources: "TrialResources", stack: contextlib.ExitStack) -> StudyPlan:
    """Begin a new study in its folder, or in the next one where its name was chosen here."""
    while True:
        output = plan.config.output
        prepare = partial(_create_checkpoints, plan)
        try:
            stack.enter_context(begun(output, plan.file, prepare))
        except FolderTakenError as error:
            if plan.arguments.name is not None or plan.arguments.output is not None:
                raise BadInputError(f"--output {output}: {error}") from error
            # Another study took the name meanwhile.
            again = _with_arithmetic(plan_study(plan.arguments), resources)
            plan = replace(again, images=plan.images, warnings=plan.warnings)
        else:
            return plan


def _create_checkpoints(plan: StudyPlan) -> None:
    """Make the place for checkpoints, and see that all nodes share it."""
    from study.checkpoints.checkpoint_store import CheckpointStore
    from study.engine.cluster.connect import ClusterError
    from study.engine.cluster.shared_folder import require_shared

    if not (plan.config.output / FILE).is_file():  # else a folder would be made in its place
        raise OSError(f"{plan.config.output} was moved away meanwhile")
    store = CheckpointStore.of(plan.config)
    try:
        with blaming("--checkpoints", plan.config.checkpoints):
            store.create()
            write_copies(plan.config.own, plan.config.output)
            require_shared(store)
    except (ClusterError, BadInputError) as error:
        if not plan.arguments.resume:
            with contextlib.suppress(OSError):
                store.remove()
        raise BadInputError(str(error)) from error
