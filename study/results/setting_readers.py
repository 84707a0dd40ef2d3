"""Readers of settings that are one of some words."""

from typing import get_args

from pnn_core.config import Augment
from pnn_core.config.checks import require_known
from pnn_core.parts.weight_files import IMAGENET
from study.results.confirmed_choice import NONE
from study.results.trial_key import TrialKey

FRONT_WEIGHTS, NO_WEIGHTS = "front", "none"
"""Keeps the weights of the front's trials and of all confirmed runs, or none at all."""

TENSORBOARD = "tensorboard"
"""Log of trials' curves that TensorBoard reads."""

WANDB = "wandb"
"""Log of trials' curves as runs of Weights & Biases."""

NO_LOG = NONE
"""Word that turns a log off."""


def read_augment(text: str) -> str:
    """Read an augmentation.

    Raises:
        ValueError: There is none of that name; the nearest is suggested.
    """
    require_known("an augmentation", text, get_args(Augment))
    return text


def read_weights(text: str) -> str:
    """Read which weights are kept.

    Raises:
        ValueError: There is no such choice; the nearest is suggested.
    """
    require_known("a choice of weights", text, (FRONT_WEIGHTS, NO_WEIGHTS))
    return text


def read_init(text: str) -> str:
    """Read which weights a detector begins with.

    Raises:
        ValueError: It is neither `imagenet` nor a trial's key.
    """
    if text == IMAGENET:
        return text
    try:
        return str(TrialKey.parse(text))
    except ValueError as error:
        raise ValueError(f"{error}, or {IMAGENET}") from None


def read_log(text: str) -> str:
    """Read the name of a log.

    Raises:
        ValueError: There is none of that name; the nearest is suggested.
    """
    require_known("a log", text, (TENSORBOARD, WANDB, NO_LOG))
    return text
