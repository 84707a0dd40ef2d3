"""The study: proposals, trials, records and the front.

From a script or a notebook::

    from study import open_study, run_study
    study = run_study(space="noise_masks", trials=24)
    study = open_study("noise_masks-digits-1")           # the same, later
    study.front()                                        # a data frame
    study.trials("val_accuracy > 0.95 and fan_out == 2")
    study.figure("front")                                # a Plotly figure

Each is imported when it is asked for, so that no command waits for it.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from study.command_line import BadInputError
    from study.execution.tally import StudyProgress
    from study.opened_study import OpenedStudy, open_study
    from study.run_from_python import StudyWarning, run_study
    from study.study_errors import StudyFailedError, StudyInterrupted

__all__ = [
    "BadInputError",
    "OpenedStudy",
    "StudyFailedError",
    "StudyInterrupted",
    "StudyProgress",
    "StudyWarning",
    "open_study",
    "run_study",
]

_MODULES = {
    "BadInputError": "study.command_line",
    "OpenedStudy": "study.opened_study",
    "StudyFailedError": "study.study_errors",
    "StudyInterrupted": "study.study_errors",
    "StudyProgress": "study.execution.tally",
    "StudyWarning": "study.run_from_python",
    "open_study": "study.opened_study",
    "run_study": "study.run_from_python",
}
"""Module of each public name."""


def __getattr__(name: str) -> object:
    """Import a public name (PEP 562).

    Raises:
        AttributeError: There is none of that name.
    """
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    """List the public names."""
    return [*__all__]
