"""Rows of a table in Arrow, and back: one for each epoch of each seed of each configuration."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import pyarrow as pa

from pnn_core.config import (
    ADDED_METRICS,
    COST_METRICS,
    EPOCH_METRICS,
    PARAMETER_NAMES,
    Costs,
    EpochResult,
    ParameterValue,
    lacking_metrics,
    measured_metrics,
)
from search_spaces.setting_names import VARIANT
from study.recording.recording import GIVEN_BY_THE_STUDY
from study.recording.table import Configuration

KEYS = {
    "configuration": pa.int32(),
    "replicate": pa.int16(),
    "seed": pa.int64(),
    "epoch": pa.int16(),
}
COSTS = dict.fromkeys(COST_METRICS, pa.int64())
_OF_ONE_TASK = tuple(name for name, metric in COST_METRICS.items() if metric.task is not None)
RESULTS = dict.fromkeys(EPOCH_METRICS, pa.float64())
SETTINGS = tuple(n for n in (VARIANT, *PARAMETER_NAMES) if n not in GIVEN_BY_THE_STUDY)
"""Names of settings' columns; null where a setting changes nothing about a configuration."""

_ARROW_TYPES = {bool: pa.bool_(), int: pa.int64(), float: pa.float64(), str: pa.string()}


def to_arrow(configurations: Sequence[Configuration]) -> pa.Table:
    """Lay configurations out in rows, ordered by configuration, replicate and epoch."""
    used = [name for name in SETTINGS if any(name in c.parameters for c in configurations)]
    types = KEYS | {name: _type_of(name, configurations) for name in used} | COSTS | RESULTS
    columns: dict[str, list[Any]] = {name: [] for name in types}
    for configuration in configurations:
        shared = {name: configuration.parameters.get(name) for name in used}
        shared |= {"configuration": configuration.number} | asdict(configuration.costs)
        for replicate, curve in enumerate(configuration.curves):
            seed = configuration.first_seed + replicate
            for result in curve:
                row = shared | {"replicate": replicate, "seed": seed} | asdict(result)
                for name, column in columns.items():
                    column.append(row[name])
    results = [result for c in configurations for curve in c.curves for result in curve]
    absent = [name for name in RESULTS if name not in measured_metrics(results)]
    absent += [name for name in _OF_ONE_TASK if not any(columns[name])]
    for name in absent:  # of another task
        del columns[name], types[name]
    return pa.table(columns, schema=pa.schema(list(types.items())))


def from_arrow(table: pa.Table) -> tuple[Configuration, ...]:
    """Read what `to_arrow` laid out, in whatever order its rows are.

    Raises:
        ValueError: A column is missing, unknown or of another type, or holds nulls where it may
            not, or rows of one configuration disagree about it.
    """
    settings = _require_columns(table)
    measured = [name for name in RESULTS if name in table.schema.names]
    curves: dict[int, dict[int, dict[int, EpochResult]]] = defaultdict(lambda: defaultdict(dict))
    shared: dict[int, tuple[dict[str, ParameterValue], Costs, int]] = {}
    for row in table.to_pylist():
        number = row["configuration"]
        found = (
            {name: row[name] for name in settings if row[name] is not None},
            Costs(**{name: row[name] for name in COSTS if name in row}),
            row["seed"] - row["replicate"],
        )
        if shared.setdefault(number, found) != found:
            raise ValueError(f"rows of configuration {number} disagree about it")
        result = EpochResult(epoch=row["epoch"], **{name: row[name] for name in measured})
        if curves[number][row["replicate"]].setdefault(result.epoch, result) is not result:
            raise ValueError(f"configuration {number} has epoch {result.epoch} of a seed twice")
    return tuple(
        Configuration(
            number=number,
            parameters=shared[number][0],
            costs=shared[number][1],
            first_seed=shared[number][2],
            curves=tuple(
                tuple(result for _, result in sorted(curve.items()))
                for _, curve in sorted(curves[number].items())
            ),
        )
        for number in sorted(curves)
    )


def _require_columns(table: pa.Table) -> list[str]:
    """Check names, types and nulls, and return the settings among the columns."""
    wanted = KEYS | COSTS | RESULTS
    found = dict(zip(table.schema.names, table.schema.types, strict=True))
    if lacking := lacking_metrics(found):
        raise ValueError(f"column {lacking[0]!r} is missing")
    for name, kind in wanted.items():
        if name not in found and (name in ADDED_METRICS or name in _OF_ONE_TASK):
            continue  # of a table of another task, or from before it was measured
        if name not in found:
            raise ValueError(f"column {name!r} is missing")
        if found[name] != kind:
            raise ValueError(f"column {name!r} must be {kind}, not {found[name]}")
        if table.column(name).null_count:
            raise ValueError(f"column {name!r} must have a value in every row")
    settings = [name for name in found if name not in wanted]
    for name in settings:
        if name not in SETTINGS:
            raise ValueError(f"column {name!r} is unknown")
    return settings


def _type_of(name: str, configurations: Sequence[Configuration]) -> pa.DataType:
    kinds = {type(c.parameters[name]) for c in configurations if name in c.parameters}
    return _ARROW_TYPES[float if kinds == {int, float} else kinds.pop()]
