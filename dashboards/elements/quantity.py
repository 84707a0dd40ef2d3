"""Metrics and settings of a trial, which can be an axis or a colour."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pnn_core.config import (
    CANVAS,
    PADDING,
    TASKS,
    ParameterValue,
    Task,
    added_settings,
)
from pnn_core.config.checks import nearest
from study.results.front_table import format_metric, format_parameter
from study.results.objective import (
    COUNTS,
    MEASURED_OBJECTIVES,
    OBJECTIVES,
    Objective,
    objectives_of,
)
from study.results.run_record import RunRecord

_SEEDS = ("seed", "initialisation_seed", "mask_seed", "data_order_seed")

_SETTINGS = {
    "mask_count": "noise masks m",
    "noise_level": "noise level ℓ (half-range of the masks)",
    "fan_out": "fan-out ratio (masks per channel)",
    "batch_size": "batch size (images)",
    "learning_rate": "learning rate",
    "width": "width (channels of the first stage)",
    "layer": "spatial layer",
    "network": "network",
    "optimizer": "optimizer",
    "order": "order within the layer",
    "initialisation": "initial weights",
    "augment": "augmentation of training images",
    "normalisation": "normalisation of the pixels",
    CANVAS: "canvas (pixels a side)",
    PADDING: "images are padded to",
}
INFERENCE = "inference_ms"
"""Name of the time that an image took of an epoch's evaluation, which the study's number of
validation images tells."""

MERITS = frozenset(task.validated for task in TASKS.values())
"""Names of the figures of merit on validation images."""

_METRICS = {
    **{
        f"{task.validated}_std": f"standard deviation of the {task.label} over seeds"
        for task in TASKS.values()
    },
    INFERENCE: "measured inference (ms per image)",
    "epoch_val_seconds": "one pass over the validation images (s)",
}
_SPANNING_DECADES = (
    *(name for name, objective in OBJECTIVES.items() if objective.is_logarithmic),
    INFERENCE,
    "epoch_val_seconds",
    "noise_level",
    "mask_count",
    "batch_size",
    "learning_rate",
)


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """A metric or a setting of a trial.

    Attributes:
        name: Name as recorded.
        label: For an axis, with its unit.
        is_metric: Measured, and not set.
        direction: Direction in which it is better; None for what has none.
    """

    name: str
    label: str
    is_metric: bool
    direction: str | None = None

    @property
    def short(self) -> str:
        """The label without its unit."""
        return self.label.split(" (")[0]

    @property
    def counts(self) -> bool:
        """True if it is a whole number that reaches into thousands."""
        return self.name in COUNTS

    @property
    def spans_decades(self) -> bool:
        """True if a logarithmic axis is its usual one."""
        return self.name in _SPANNING_DECADES

    def of(self, record: RunRecord) -> ParameterValue | None:
        """Return its value in a trial; None where the trial has none.

        Of the time per image `CompleteTrials` has the values: a trial alone does not know its
        number of images.
        """
        if not self.is_metric:
            if self.name in record.parameters:
                return record.parameters[self.name]
            return added_settings(record.parameters).get(self.name)
        if self.name == "epoch_val_seconds":
            epochs = record.epochs
            return sorted(e.val_seconds for e in epochs)[len(epochs) // 2] if epochs else None
        return record.metrics().get(self.name)

    def format(self, value: ParameterValue | None) -> str:
        """Write a value for people."""
        if self.name == INFERENCE and isinstance(value, int | float):
            return f"{value:.3g}"
        if self.is_metric and isinstance(value, int | float):
            return format_metric(self.name, value)
        return format_parameter(value)


def metric_quantities(
    measured: Iterable[str] = (), task: Task | None = None
) -> tuple[Quantity, ...]:
    """Every metric that all trials have, the objectives first, and those that some were asked for.

    Args:
        task: Task whose metrics are meant; None for those of every task.
        measured: Names of metrics that trials have as objectives alone; see `RunRecord.measured`.
    """
    objectives = OBJECTIVES if task is None else objectives_of(task.name)
    return (
        *map(objective_quantity, objectives.values()),
        *(_metric(n) for n in _METRICS if n.removesuffix("_std") not in MERITS - {*objectives}),
        *map(_measured, dict.fromkeys(measured)),
    )


def objective_quantity(objective: Objective) -> Quantity:
    """An objective as a quantity."""
    return Quantity(
        name=objective.name, label=objective.label, is_metric=True, direction=objective.direction
    )


def setting(name: str) -> Quantity:
    """A setting as a quantity."""
    return Quantity(name=name, label=_SETTINGS.get(name, name), is_metric=False)


def searched_settings(records: Iterable[RunRecord]) -> tuple[Quantity, ...]:
    """Settings that differ between trials, seeds aside: the paper's own first, then by name.

    A setting of one value that some trials have no use for, such as the noise level of a network
    without noise, differs by another one.
    """
    values: dict[str, set[ParameterValue | None]] = {}
    records = tuple(records)
    names = dict.fromkeys(name for record in records for name in record.parameters)
    for name in names:
        values[name] = {setting(name).of(record) for record in records}
    order = [*_SETTINGS]
    searched = [n for n in names if len(values[n] - {None}) > 1 and n not in _SEEDS]
    searched.sort(key=lambda name: (order.index(name) if name in order else len(order), name))
    return tuple(setting(name) for name in searched)


def find_quantity(name: str, records: Sequence[RunRecord]) -> Quantity:
    """A metric, or a setting that some trial has, by its name.

    Raises:
        ValueError: There is none of that name; the nearest one is named.
    """
    measured = (name for record in records for name in record.measured)
    metrics = {quantity.name: quantity for quantity in metric_quantities(measured)}
    if name in metrics:
        return metrics[name]
    if any(name in record.parameters for record in records):
        return setting(name)
    settings = dict.fromkeys(key for record in records for key in record.parameters)
    near = nearest(name, [*metrics, *settings])
    hint = f"; did you mean {near!r}?" if near else ""
    raise ValueError(f"{name!r} is neither a metric nor a setting of these trials{hint}")


def _measured(name: str) -> Quantity:
    if name in MEASURED_OBJECTIVES:
        return objective_quantity(MEASURED_OBJECTIVES[name])
    return Quantity(name=name, label=name, is_metric=True)


def _metric(name: str) -> Quantity:
    direction = "minimize" if name.endswith(("_seconds", "_ms")) else None
    return Quantity(name=name, label=_METRICS[name], is_metric=True, direction=direction)
