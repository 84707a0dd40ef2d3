"""Choice of what is confirmed: which trials, and which control layers beside each."""

from pnn_core.config import ModelConfig
from pnn_core.parts.layers import COMPARED_LAYERS, SPATIAL_LAYERS

FRONT = "front"
"""Word for the trials that no other trial beats."""

ALL = "all"
"""Word for every trial that ran its full budget."""

NONE = "none"
"""Word for no control at all."""

CONFIRMABLE = tuple(name for name in COMPARED_LAYERS if not SPATIAL_LAYERS[name].not_confirmed)
"""Layers that are compared at equal numbers of learnable parameters."""

EARLIER_CONTROLS = "perturbation,conv1x1,conv3x3,local_binary"
"""Controls of studies that began when they could not be chosen."""

DEFAULT_CONTROLS = "perturbation,conv1x1,conv3x3,noise_off"
"""Controls of a front; a trial with one of these layers has the others beside it.

They tell what the whole layer adds, what of it is the noise itself, and what the usual convolution
would do."""


def read_confirmed_trials(text: str) -> str:
    """Read `front`, `all` or numbers of trials, and return them as they are kept.

    Raises:
        ValueError: It is neither.
    """
    if text in (FRONT, ALL):
        return text
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdigit() and len(part) <= 9 for part in parts):
        raise ValueError(f"{text!r} must be {FRONT}, {ALL} or numbers of trials, such as 0,3")
    numbers = [int(part) for part in parts]
    return ",".join(map(str, sorted(set(numbers))))


def read_controls(text: str) -> str:
    """Read names of layers or `none`, and return them as they are kept.

    A name that is not known may be that of a layer of one's own, whose file a reader need not have.

    Raises:
        ValueError: `none` stands beside a layer.
    """
    names = [part.strip() for part in text.split(",")]
    if NONE in names and len(names) > 1:
        raise ValueError(f"{text!r} names {NONE} beside layers: leave one out")
    return ",".join(dict.fromkeys(names))


def with_added_controls(before: str, asked: str) -> str | None:
    """Return controls with those that are added to them; None where one of them is left out.

    Those that were there stay first, as the first of two names of one network is confirmed.

    Args:
        before: Choice of controls of a study that confirmed already, as it is kept.
        asked: Choice of controls that is asked for now.
    """
    known, wanted = ([] if c == NONE else c.split(",") for c in (before, asked))
    if not set(known) <= set(wanted):
        return None
    return ",".join(dict.fromkeys((*known, *wanted))) or NONE


def numbered_trials(choice: str) -> tuple[int, ...]:
    """Return the numbers of trials that a choice names; empty where it is a word."""
    return () if choice in (FRONT, ALL) else tuple(map(int, choice.split(",")))


def layers_beside(model: ModelConfig, controls: str) -> tuple[str, ...]:
    """Return the control layers that are confirmed beside a network.

    A control that would be the same network under another name, such as one without noise of a
    trial without noise, is left out.

    Args:
        model: Network of the trial.
        controls: Choice of controls, as it is kept.
    """
    known = _names(model.layer, model)
    beside = []
    for layer in () if controls == NONE else controls.split(","):
        if not known & _names(layer, model):
            beside.append(layer)
            known |= _names(layer, model)
    return tuple(beside)


def _names(layer: str, model: ModelConfig) -> set[str]:
    """Return the names of all layers that a layer is at a network's settings."""
    entry = SPATIAL_LAYERS.get(layer)
    return {layer} if entry is None else {layer, entry.also(model)} - {""}
