"""Names of settings in a space."""

from pnn_core.config import PARAMETER_NAMES
from pnn_core.config.checks import require_known

VARIANT = "variant"
"""Axis whose values are names, each of a bundle of settings."""

CHOSEN_ELSEWHERE = ("epochs", "seed")
"""Settings of a training run that the study gives, not the space."""


def require_parameter(name: str) -> None:
    """Refuse a name that an axis or a fixed setting cannot have.

    Raises:
        ValueError: It is no parameter, or one that a space does not give; says what is accepted.
    """
    if name in CHOSEN_ELSEWHERE:
        raise ValueError(f"{name!r} is given by the study (--{name}), not by a space")
    if name == VARIANT:
        raise ValueError(f"{name!r} is no parameter: say in `variants` what each stands for")
    require_known("a parameter", name, PARAMETER_NAMES)
