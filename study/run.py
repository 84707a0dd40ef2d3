"""`python -m study.run`: the command line, the one place where all parts meet."""

if __name__ == "__main__":  # before all that takes seconds to import
    from study.program import begin

    begin("study.run")

import contextlib
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import TYPE_CHECKING, NoReturn

from pnn_core.config import DatasetShape
from pnn_core.data import TrainingData, load_training_data, summarise_images
from pnn_core.data.own_dataset import images_digest
from pnn_core.parts.own_code import Kind
from search_spaces import BUILT_IN, find_space
from study.command_line import BadInputError, blaming
from study.config import StudyConfig
from study.engine.cluster.leftovers import end_own
from study.engine.interrupts import Interrupts
from study.execution.next_commands import resume_command
from study.exit_status import BAD_INPUT, DONE, FAILED, INTERRUPTED
from study.last_word import LastWord
from study.planning.arguments import Arguments, parse_arguments
from study.planning.augmentation import describe_augmentation, with_default_augmentation
from study.planning.enough_seeds import detectable_differences, few_seeds_warning
from study.planning.new_study import StudyPlan, asked_space, images_shape, plan_study, study_config
from study.planning.own_code import with_images, with_own_code, write_copies
from study.planning.rerun import Rerun, find_rerun
from study.planning.resume import find_study, plan_resume
from study.planning.study_file import FILE
from study.planning.study_folder import FolderTakenError, begun
from study.planning.study_lock import StudyLockedError, locked
from study.planning.tuning import tuning_cost
from study.program import interrupted_before_it_began
from study.results.front_table import TextTable, format_metric, format_parameter
from study.results.mask_secrets import mask_password
from study.results.plural import counted
from study.search.sampler import GRID

# These import torch and Ray, which a mistyped flag must not wait for.
if TYPE_CHECKING:
    from study.engine.cluster.connect import TrialResources
    from study.planning.dry_run import PreviewedTrial

PROGRAM = "study.run"

ASSUMED_SHAPES = {
    "imagefolder": DatasetShape(channels=3, height=32, width=32, classes=10),
    "imagenet100": DatasetShape(channels=3, height=224, width=224, classes=100),
}
"""Shapes that a dry run assumes of images whose folder is absent."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: Words without the program's name; None for this process's.

    Returns:
        The exit status: 0 done, 1 failed, 2 bad input, 130 interrupted.
    """
    try:
        arguments = parse_arguments(argv)
        if arguments.list_spaces:
            return _list_spaces(as_json=arguments.json)
        if arguments.dry_run:
            return _dry_run(arguments)
        return _study(arguments, _interrupted(argv))
    except BadInputError as error:
        print(f"study.run: {error}", file=sys.stderr)
        return BAD_INPUT
    except OSError as error:
        print(mask_password(f"study.run: failed: {error}"), file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print(_interrupted(argv), file=sys.stderr)
        return INTERRUPTED


def _interrupted(argv: Sequence[str] | None) -> str:
    return interrupted_before_it_began(PROGRAM, sys.argv[1:] if argv is None else argv)


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
    from study.planning.dry_run import preview_trials  # imports torch

    rerun = find_rerun(arguments)
    arguments = with_own_code(arguments) if rerun is None else rerun.complete(arguments)
    shape, note = _shape_to_show(arguments, rerun)
    space = asked_space(arguments, shape, rerun)
    if rerun is None:
        arguments, space = with_default_augmentation(arguments, space)
    config = study_config(arguments, shape, space, name="dry-run")
    trials = list(preview_trials(config))
    seeds = (*few_seeds_warning(config), *detectable_differences(config))
    tuning = tuning_cost(config, [trial.config for trial in trials])
    if arguments.json:
        document = {
            "dataset": config.dataset,
            "shape": asdict(shape),
            "note": note,
            "seeds": seeds,
            "tuning": None if tuning is None else asdict(tuning),
            "augmentation": describe_augmentation(config),
            "rungs": list(config.rungs.at) if config.rungs else [],
            "trials": [trial.as_json() for trial in trials],
        }
        print(json.dumps(document, indent=2))
        return DONE
    kind = "the grid's" if config.sampler == GRID else "samples of"
    _print_preview(config, trials, kind if rerun is None else "a rerun of")
    for sentence in filter(None, (note, *seeds, tuning)):
        print(sentence)
    return DONE


def _print_preview(config: StudyConfig, trials: Sequence["PreviewedTrial"], kind: str) -> None:
    costs = ("learnable_params", "mask_values", "macs")
    axes = tuple(config.space.axes)
    rows = tuple(
        tuple(format_parameter(trial.point[axis]) for axis in axes)
        + tuple(format_metric(cost, getattr(trial.costs, cost)) for cost in costs)
        for trial in trials
    )
    print(TextTable(header=(*axes, *costs), rows=rows))
    listed = counted(len(trials), "trial")
    print(f"{listed}, {kind} {config.space.name} on {config.dataset}; nothing was run")
    if images := describe_augmentation(config):
        print(images)
    if config.rungs is not None:
        epochs = ", ".join(map(str, config.rungs.at))
        print(f"{config.scheduler} would compare trials after epochs {epochs} of {config.epochs}")


def _shape_to_show(arguments: Arguments, rerun: Rerun | None) -> tuple[DatasetShape, str]:
    """Return the shape of the images for which costs are shown, and a note if it was assumed."""
    shape = ASSUMED_SHAPES.get(arguments.dataset)
    if shape is None or arguments.data_dir.exists():
        return images_shape(arguments), ""
    if rerun is not None and rerun.info.images is not None:
        shape = rerun.info.images
    note = (
        f"{arguments.data_dir} is absent: costs are for {shape.channels}x{shape.height}x"
        f"{shape.width} images of {shape.classes} classes"
    )
    return shape, note


def _study(arguments: Arguments, unbegun: str) -> int:
    """Run a study.

    Args:
        arguments: Options as typed.
        unbegun: Sentence for an interrupt before the study has begun.
    """
    status: int | None = None
    try:
        with Interrupts() as interrupts, LastWord() as last_word, contextlib.ExitStack() as stack:

            def leave() -> NoReturn:
                end_own()
                last_word.end_at_once(unbegun, INTERRUPTED)

            with interrupts.leaving(leave):
                plan, resources, data = _prepared(arguments, interrupts, last_word, stack)
            status = _planned_study(plan, resources, data, interrupts, last_word, stack)
    except KeyboardInterrupt:
        if status is None:
            raise
    return status


def _prepared(
    arguments: Arguments, interrupts: Interrupts, last_word: LastWord, stack: contextlib.ExitStack
) -> tuple[StudyPlan, "TrialResources", TrainingData]:
    """Plan the study, connect to Ray and load the images; nothing of the study is written."""
    if arguments.resume:
        folder = find_study(arguments)
        try:
            stack.enter_context(locked(folder))
        except StudyLockedError as error:
            raise BadInputError(f"--name {arguments.name}: {error}") from error
        plan = plan_resume(arguments, folder)
    else:
        plan = plan_study(arguments)
    if not arguments.quiet:
        where = "starting Ray" if (at := plan.config.address) is None else f"joining Ray at {at}"
        said = f"Study {plan.config.name}: {where}"
        print(said, file=sys.stderr if arguments.json else sys.stdout, flush=True)

    # Ray takes seconds to import, which a mistyped flag must not wait for.
    from study.engine.cluster.connect import ClusterError, connected, trial_resources
    from study.engine.cluster.control_store import control_store_watched
    from study.engine.tune.warm_workers import WARM_MODULES, fills_every_core

    preload = WARM_MODULES if fills_every_core(plan.config) else ()
    resume = resume_command(plan.config, plan.arguments.tracking_uri)

    def lost(reason: str) -> None:
        again = resume if (plan.config.output / FILE).is_file() else "the same command"
        # A signal to the whole process group, as Slurm and `timeout` send, ends Ray's store, too.
        how, status = ("interrupted", INTERRUPTED) if interrupts.asked else ("failed", FAILED)
        said = f"{PROGRAM}: {how}: {reason}: what was saved before is intact; go on by: {again}"
        last_word.end_at_once(mask_password(said), status)

    try:
        stack.enter_context(connected(plan.config.address, preload))
        interrupts.reinstall()
        is_own = plan.config.address is None
        stack.enter_context(control_store_watched(lost, is_own=is_own))
        resources = trial_resources(plan.config)
    except ClusterError as error:
        raise BadInputError(str(error)) from error
    # Now, while the workers import torch; and all of it before a thread imports MLflow: of
    # what both need, such as SQLAlchemy, one could find what the other has half imported.
    import study.execution.execute  # noqa: F401

    with blaming(*_place_of_images(plan.arguments)):
        data = load_training_data(plan.config.dataset, plan.arguments.data_dir)
        images, doubts = summarise_images(data, plan.arguments.data_dir)
        plan = _with_images(plan, data)
    plan = replace(plan, images=images, warnings=(*plan.warnings, *doubts))
    return plan, resources, data


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


def _planned_study(
    plan: StudyPlan,
    resources: "TrialResources",
    data: TrainingData,
    interrupts: Interrupts,
    last_word: LastWord,
    stack: contextlib.ExitStack,
) -> int:
    from study.execution.execute import run_study

    try:
        plan = _with_arithmetic(plan, resources)
        if plan.arguments.resume:
            _create_checkpoints(plan)
            plan.file.write(plan.config.output)
        else:
            plan = _begin(plan, resources, stack)
        resume = resume_command(plan.config, plan.arguments.tracking_uri)
        last_word.will_be(
            f"{PROGRAM}: it ended without a word of its own, as when it is killed; "
            f"what was saved before is intact; go on by: {mask_password(resume)}"
        )
        return run_study(plan, resources, data, interrupts)
    except KeyboardInterrupt:
        if not (plan.config.output / FILE).is_file():
            raise
        resume = resume_command(plan.config, plan.arguments.tracking_uri)
        said = f"{PROGRAM}: interrupted; go on by: {resume}"
        print(mask_password(said), file=sys.stderr)
        return INTERRUPTED


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


if __name__ == "__main__":
    sys.exit(main())
