"""`python -m study.run`: the command line of a study, which `study.driver` runs."""

if __name__ == "__main__":  # before all that takes seconds to import
    from study.program import begin

    begin("study.run")

import contextlib
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from types import TracebackType
from typing import TYPE_CHECKING, NoReturn, Self

from pnn_core.config import DETECTION, DatasetShape
from search_spaces import BUILT_IN
from search_spaces.catalogue import space_summary
from study.command_line import BadInputError
from study.config import StudyConfig
from study.driver import drive
from study.engine.cluster.leftovers import end_own
from study.engine.interrupts import Interrupts
from study.execution.caller import Caller
from study.execution.final_words import print_final_words
from study.execution.notification import Notice, notify
from study.exit_status import BAD_INPUT, DONE, FAILED, INTERRUPTED
from study.last_word import LastWord
from study.planning.arguments import Arguments, parse_arguments, typed_config
from study.planning.augmentation import describe_augmentation, with_default_augmentation
from study.planning.converted_networks import describe_networks
from study.planning.enough_seeds import detectable_differences, few_seeds_warning
from study.planning.initial_weights import describe_initial_weights, with_found_weights
from study.planning.new_study import asked_space, images_shape, study_config
from study.planning.own_code import with_own_code
from study.planning.rerun import Rerun, find_rerun
from study.planning.task import on_asked_canvas, with_task
from study.planning.tuning import tuning_cost
from study.program import answer_signals, interrupted_before_it_began
from study.results.front_table import TextTable, format_metric, format_parameter
from study.results.mask_secrets import mask_password
from study.results.plural import counted
from study.search.sampler import GRID
from study.study_errors import StudyFailedError, StudyInterrupted

if TYPE_CHECKING:
    from study.planning.dry_run import PreviewedTrial

PROGRAM = "study.run"

ASSUMED_SHAPES = {
    "imagefolder": DatasetShape(channels=3, height=32, width=32, classes=10),
    "vocfolder": DatasetShape(channels=3, height=320, width=320, classes=20, task=DETECTION),
    "voc2007": DatasetShape(channels=3, height=608, width=608, classes=20, task=DETECTION),
    "imagenet100": DatasetShape(channels=3, height=224, width=224, classes=100),
    "shards": DatasetShape(channels=3, height=224, width=224, classes=1000),
}
"""Shapes that a dry run assumes of images whose folder is absent."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: Words without the program's name; None for this process's.

    Returns:
        The exit status: 0 done, 1 failed, 2 bad input, 130 interrupted.
    """
    terminal = _Terminal(_interrupted(argv))
    if __name__ == "__main__":  # before and after `drive`, which handles signals by itself
        answer_signals(lambda: terminal.last_line)
    try:
        arguments = parse_arguments(argv)
        if arguments.print_config:
            print(typed_config(argv), end="")
            return DONE
        if arguments.list_spaces:
            return _list_spaces(as_json=arguments.json)
        if arguments.dry_run:
            return _dry_run(arguments)
        return _study(arguments, terminal)
    except BadInputError as error:
        print(f"study.run: {error}", file=sys.stderr)
        return BAD_INPUT
    except OSError as error:
        for said in (*getattr(error, "__notes__", ()), f"failed: {error}"):
            print(mask_password(f"study.run: {said}"), file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print(terminal.last_line, file=sys.stderr)
        return INTERRUPTED


def _interrupted(argv: Sequence[str] | None) -> str:
    return interrupted_before_it_began(PROGRAM, sys.argv[1:] if argv is None else argv)


def _list_spaces(*, as_json: bool) -> int:
    summaries = {name: space_summary(name) for name in BUILT_IN}
    if as_json:
        print(json.dumps(summaries, indent=2))
    else:
        for name, summary in summaries.items():
            print(f"{name}: {summary}")
    return DONE


def _dry_run(arguments: Arguments) -> int:
    from study.planning.dry_run import preview_trials  # imports torch

    rerun = find_rerun(arguments)
    if rerun is None:
        arguments = with_found_weights(with_own_code(arguments))
    else:
        arguments = rerun.complete(arguments)
    shape, note = _shape_to_show(arguments, rerun)
    arguments = with_task(arguments, shape)
    space = asked_space(arguments, shape, rerun)
    if rerun is None:
        arguments, space = with_default_augmentation(arguments, space)
    config = study_config(arguments, shape, space, name="dry-run")
    trials = list(preview_trials(config))
    seeds = (*few_seeds_warning(config), *detectable_differences(config))
    networks = tuple(describe_networks(config))
    tuning = tuning_cost(config, [trial.config for trial in trials])
    if arguments.json:
        document = {
            "dataset": config.dataset,
            "shape": asdict(shape),
            "note": note,
            "networks": networks,
            "seeds": seeds,
            "tuning": None if tuning is None else asdict(tuning),
            "augmentation": describe_augmentation(config),
            "initial_weights": describe_initial_weights(config),
            "rungs": list(config.rungs.at) if config.rungs else [],
            "trials": [trial.as_json() for trial in trials],
        }
        print(json.dumps(document, indent=2))
        return DONE
    kind = "the grid's" if config.sampler == GRID else "samples of"
    _print_preview(config, trials, kind if rerun is None else "a rerun of")
    start = describe_initial_weights(config)
    for sentence in filter(None, (note, start, *networks, *seeds, tuning)):
        print(sentence)
    return DONE


def _print_preview(config: StudyConfig, trials: Sequence["PreviewedTrial"], kind: str) -> None:
    backbone = ("backbone_params",) if config.shape.task == DETECTION else ()
    costs = ("learnable_params", *backbone, "mask_values", "macs")
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
    shape = on_asked_canvas(arguments, shape)
    if rerun is not None and rerun.info.images is not None:
        shape = rerun.info.images
    note = (
        f"{arguments.data_dir} is absent: costs are for {shape.channels}x{shape.height}x"
        f"{shape.width} images of {shape.classes} classes"
    )
    return shape, note


class _Terminal(Caller):
    """Command in a terminal, whose last line says what to type next, whatever ends it.

    Args:
        unbegun: Sentence for an interrupt before the study has begun.

    Attributes:
        notified: Place that is told where this process ends at once; None for nobody.
    """

    def __init__(self, unbegun: str) -> None:
        self._unbegun = unbegun
        self.notified: str | None = None

    def __enter__(self) -> Self:
        self._last_word = LastWord()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._last_word.__exit__(kind, error, traceback)

    def starting(self, interrupts: Interrupts) -> contextlib.AbstractContextManager[None]:
        """End the process at once at a signal: nothing of the study was written."""

        def leave() -> NoReturn:
            end_own()
            self._last_word.end_at_once(self._unbegun, INTERRUPTED)

        return interrupts.leaving(leave)

    def begun(self, interrupted: StudyInterrupted) -> None:
        """Have the way to go on said also where this process cannot say it."""
        super().begun(interrupted)
        self._last_word.will_be(
            f"{PROGRAM}: it ended without a word of its own, as when it is killed; "
            f"what was saved before is intact; go on by: {interrupted.resume}"
        )

    @property
    def last_line(self) -> str:
        """Return the last line of a command that an interrupt ends."""
        return self._unbegun if self.interrupted is None else f"{PROGRAM}: {self.interrupted}"

    def lost(self, config: StudyConfig, said: str, again: str, interrupts: Interrupts) -> None:
        """End the process: Ray would do so in a minute, without a word."""
        # A signal to the whole process group, as Slurm and `timeout` send, ends Ray's store, too.
        how, status = ("interrupted", INTERRUPTED) if interrupts.told else ("failed", FAILED)
        said = f"{said}: what was saved before is intact; go on by: {again}"
        if self.notified is not None:  # the process ends next: nobody hears that it failed
            text = f"Study {config.name} {how}: {said}"
            notify(self.notified, Notice(study=config.name, end=how, text=text))
        self._last_word.end_at_once(mask_password(f"{PROGRAM}: {how}: {said}"), status)


def _study(arguments: Arguments, terminal: _Terminal) -> int:
    """Run a study, tell its outcome and return the exit status."""
    terminal.notified = arguments.notify
    try:
        outcome, status = drive(arguments, terminal)
    except (StudyInterrupted, StudyFailedError) as error:
        for said in (*getattr(error, "__notes__", ()), error):  # how to go on stands last
            print(f"{PROGRAM}: {said}", file=sys.stderr)
        return INTERRUPTED if isinstance(error, StudyInterrupted) else FAILED
    if arguments.json:
        print(json.dumps(outcome.as_json(), indent=2))
    else:
        print_final_words(outcome, sys.stdout)
    return status


if __name__ == "__main__":
    sys.exit(main())
