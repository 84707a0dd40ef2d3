"""Studies run from a script or a notebook, as the command `study.run` does from a terminal."""

import contextlib
import warnings
from collections.abc import Callable, Sequence
from typing import Unpack

from pnn_core.config import EpochResult
from study.command_line import BadInputError
from study.config import StudyConfig
from study.driver import drive
from study.engine.interrupts import Interrupts
from study.execution.caller import Caller
from study.execution.summary import Outcome
from study.execution.tally import StudyProgress, Tally
from study.exit_status import FAILED, INTERRUPTED
from study.opened_study import OpenedStudy
from study.planning.arguments import Arguments, parse_arguments
from study.planning.option_words import words_of
from study.results.plural import counted
from study.results.run_listener import RunListener
from study.results.run_record import RunKey, RunRecord, RunState
from study.run_options import RunOptions
from study.study_errors import StudyFailedError, StudyInterrupted

Progress = Callable[[StudyProgress], object]
"""Function that is told of the state of a running study."""

OF_THE_COMMAND = {
    "dry_run": "pnn-study run --dry-run prints the trials of a study",
    "list_spaces": "pnn-study run --list-spaces explains the spaces",
    "print_config": "pnn-study run --print-config writes the options as a file",
    "json": "the study that is returned has its figures",
}
"""Options of the command line that ask for text and no study, and what to do instead."""


class StudyWarning(UserWarning):
    """Warning of what went wrong in a study, or may, without costing its front."""


def run_study(*, progress: Progress | None = None, **options: Unpack[RunOptions]) -> OpenedStudy:
    """Run a study to its end, and return it.

    It does what the command `pnn-study run` does, and takes its options by their Python names:
    `space="noise_masks"` for `--space noise_masks`, `max_concurrent=1` for `--max-concurrent 1`,
    `resume=True` for `--resume`. `pnn-study run --help` explains them. Nothing is printed, unless
    by `quiet=False`. What costs nothing but should be known is a `StudyWarning`.

    A first Ctrl-C, or "interrupt" in a notebook, saves the state of the study and raises
    `StudyInterrupted`; `run_study(resume=True, name=...)` goes on with it.

    Args:
        progress: Function that is told of every epoch and run that ends; trials wait for it. What
            it raises is raised here, once the state of the study has been saved.
        options: Options of the study. A value is a number, a text as it is typed, or a list of
            texts where several are accepted.

    Returns:
        The study, as `open_study` gives it.

    Raises:
        BadInputError: A ValueError: an option is unknown or not accepted; nothing was created.
        StudyInterrupted: A KeyboardInterrupt: it was interrupted, and its state has been saved.
        KeyboardInterrupt: It was interrupted before it began, and nothing was created.
        StudyFailedError: All trials failed, or the data, the cluster or the storage did.
        OSError: It could not begin, such as on a full disk.
    """
    arguments = parse_arguments(words_of(Arguments, {"quiet": True, **options}))
    for name, instead in OF_THE_COMMAND.items():
        if name in arguments.typed:
            raise BadInputError(f"{name} is an option of the command line alone: {instead}")
    script = _Script(progress)
    outcome, status = drive(arguments, script)
    resume = outcome.resume
    if script.error is not None:
        script.error.add_note(f"the study was saved; go on by: {resume}")
        raise script.error
    if status == INTERRUPTED:
        raise StudyInterrupted(outcome.info.name, "interrupted", resume)
    for warning in outcome.warnings:
        warnings.warn(warning, StudyWarning, stacklevel=2)
    if status == FAILED:
        raise StudyFailedError(outcome.info.name, _describe_failure(outcome), resume)
    return OpenedStudy(outcome.study, arguments.tracking_uri)


class _Script(Caller):
    """Script or notebook, which goes on after the study.

    Args:
        progress: Function to tell of the state of the study.

    Attributes:
        error: Error that the function has raised; None for none.
    """

    def __init__(self, progress: Progress | None) -> None:
        self._progress = progress
        self.error: Exception | None = None

    def starting(self, interrupts: Interrupts) -> contextlib.AbstractContextManager[None]:
        """Have a signal wait until Ray has started."""
        return interrupts.postponing()

    def lost(self, config: StudyConfig, said: str, again: str, interrupts: Interrupts) -> None:
        """Break into the main thread."""
        said = f"failed: {said}: what was saved before is intact"
        interrupts.fail(StudyFailedError(config.name, said, again))

    def listeners(self, config: StudyConfig, interrupts: Interrupts) -> Sequence[RunListener]:
        """Return the listener that tells the script's function, if it has one."""
        if self._progress is None:
            return ()

        def stop(error: Exception) -> None:
            self.error = error
            interrupts.request()

        return (_ToldProgress(config, self._progress, stop),)


class _ToldProgress(Tally):
    """Tally that a function is told of after every epoch and run.

    Args:
        config: The study.
        tell: The function.
        stop: Function that takes what the other one raises; it is told nothing more.
    """

    def __init__(
        self, config: StudyConfig, tell: Progress, stop: Callable[[Exception], None]
    ) -> None:
        super().__init__(config)
        self._tell: Progress | None = tell
        self._stop = stop

    def epoch_finished(self, key: RunKey, result: EpochResult) -> None:
        """Count it, and tell."""
        super().epoch_finished(key, result)
        self._told()

    def confirmation_advanced(self, record: RunRecord, epoch: int, train_loss: float) -> None:
        """Count it, and tell."""
        super().confirmation_advanced(record, epoch, train_loss)
        self._told()

    def run_ended(self, record: RunRecord) -> None:
        """Count it, and tell."""
        super().run_ended(record)
        self._told()

    def _told(self) -> None:
        if self._tell is None:
            return
        try:
            self._tell(self.progress())
        except Exception as error:
            self._tell = None
            self._stop(error)


def _describe_failure(outcome: Outcome) -> str:
    failed = [record for record in outcome.records if record.state is RunState.FAILED]
    if outcome.states()[RunState.COMPLETE]:
        return "no run of the confirmation is complete"
    reason = f": {failed[0].reason}" if failed else ""
    return f"no trial is complete, {counted(len(failed), 'trial')} failed{reason}"
