"""The study: proposals, trials, records and the front.

From a script or a notebook:

    from study import open_study
    study = open_study("noise_masks-digits-1")
    study.front()                                        # a data frame
    study.trials("val_accuracy > 0.95 and fan_out == 2")
    study.figure("front")                                # a Plotly figure

It is imported when it is asked for, so that no command waits for it.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from study.opened_study import OpenedStudy, open_study

__all__ = ["OpenedStudy", "open_study"]


def __getattr__(name: str) -> object:
    """Import a public name (PEP 562).

    Raises:
        AttributeError: There is none of that name.
    """
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from study import opened_study

    return getattr(opened_study, name)


def __dir__() -> list[str]:
    """List the public names."""
    return [*__all__]
