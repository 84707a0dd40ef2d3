"""Grid that the settings of each confirmed network are chosen from."""

import itertools
from collections.abc import Mapping

from pnn_core.config import PARAMETER_NAMES, ParameterValue, TrialConfig
from pnn_core.config.checks import require_known

_EXAMPLES = {
    "learning_rate": "0.001,0.003",
    "batch_size": "10,20",
    "weight_decay": "0,0.0005",
    "momentum": "0.8,0.9",
    "dropout": "0,0.2",
    "noise_level": "0.1,1",
}

TUNABLE = tuple(_EXAMPLES)
"""Settings that networks of one size may differ in and still be compared."""

DEFAULT_TUNED = "learning_rate"
"""Settings that are tuned where none is named."""

FACTORS = (1 / 3, 1.0, 3.0)
"""Multiples of the trial's own value that stand for a setting without values."""

_SCALES = ("learning_rate", "weight_decay", "noise_level")
"""Settings whose multiples are a grid; of the others the values must be named."""

_WHOLE = ("batch_size",)


def read_tuned_settings(text: str) -> str:
    """Read names of settings, each with its values or without, and return them as they are kept.

    Such as `learning_rate`, or `learning_rate=0.001,0.003,weight_decay=0,0.0005`.

    Raises:
        ValueError: A name is no setting that can be tuned, or its values are no grid.
    """
    settings = _parse(text)
    for name, values in settings.items():
        _require_tunable(name)
        if values:
            read = [_number(name, value) for value in values]
            if len(set(read)) < 2:
                raise ValueError(f"{name} (={','.join(values)}) must have two values or more")
        elif name not in _SCALES:
            raise ValueError(f"{name!r} needs its values, such as {name}={_EXAMPLES[name]}")
    return ",".join(f"{name}={','.join(v)}" if v else name for name, v in settings.items())


def tuned_names(choice: str) -> tuple[str, ...]:
    """Return the names of the settings that a choice tunes.

    Args:
        choice: Choice as it is kept.
    """
    return tuple(_parse(choice))


def tuning_grid(choice: str, trial: TrialConfig) -> tuple[Mapping[str, ParameterValue], ...]:
    """Return the points of the grid around a trial, the same ones for its controls.

    A setting without values that is 0 in the trial has 0 alone.

    Args:
        choice: Choice as it is kept.
        trial: Training run of the trial.

    Raises:
        ValueError: A value is not accepted.
    """
    own = trial.parameters()
    axes = {
        name: [_number(name, value) for value in values] or _multiples(own[name])
        for name, values in _parse(choice).items()
    }
    points: list[Mapping[str, ParameterValue]] = [
        dict(zip(axes, point, strict=True)) for point in itertools.product(*axes.values())
    ]
    for point in points:
        trial.with_parameters(point)  # which refuses what no network is trained with
    return tuple(points)


def require_used(choice: str, network: TrialConfig) -> None:
    """Check that every setting that is tuned changes something about a network, and has a grid.

    Args:
        choice: Choice as it is kept.
        network: Training run of a trial, or of a control.

    Raises:
        ValueError: One changes nothing, and it is named with what does not use it; or it has no
            values and is 0.
    """
    used = network.parameters()
    for name, values in _parse(choice).items():
        if name in used:
            if not values and used[name] == 0:
                raise ValueError(
                    f"{name} is 0, of which multiples are no grid: name its values, such as "
                    f"{name}={_EXAMPLES[name]}"
                )
            continue
        what = f"layer {network.model.layer}"
        if name in network.optim.unused():
            what = f"optimizer {network.optim.optimizer}"
        raise ValueError(f"{what} does not use {name}: it must be a setting of every network")


def _parse(text: str) -> dict[str, tuple[str, ...]]:
    """Split a text into names and the texts of their values."""
    settings: dict[str, tuple[str, ...]] = {}
    name = ""
    for part in (part.strip() for part in text.split(",")):
        head, has_values, value = part.partition("=")
        if has_values or not name or part in PARAMETER_NAMES:
            name = head.strip()
            if name in settings:
                raise ValueError(f"{name!r} is named twice")
            settings[name] = (value.strip(),) if has_values else ()
        elif settings[name]:
            settings[name] = tuple(dict.fromkeys((*settings[name], part)))
        else:
            _require_tunable(part)
    return settings


def _require_tunable(name: str) -> None:
    if name in PARAMETER_NAMES and name not in TUNABLE:
        raise ValueError(
            f"{name!r} is no setting to tune, as networks that are compared share it or its size "
            f"follows from it: accepted are {', '.join(TUNABLE)}"
        )
    require_known("a setting to tune", name, TUNABLE)


def _number(name: str, text: str) -> float:
    try:
        return int(text) if name in _WHOLE else float(text)
    except ValueError as error:
        kind = "whole numbers" if name in _WHOLE else "numbers"
        raise ValueError(f"{name} (={text!r}) must be {kind} behind its =") from error


def _multiples(own: ParameterValue) -> list[float]:
    """Return the multiples of a trial's own value, to three digits but for that one itself."""
    value = float(own)
    if value == 0:
        return [value]
    return [value if factor == 1 else float(f"{factor * value:.3g}") for factor in FACTORS]
