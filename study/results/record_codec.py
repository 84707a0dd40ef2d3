"""Records as JSON documents, and back, without losing a bit.

A curve is a list of rows of numbers, one row an epoch, because a dictionary for each would take
five times the space. JSON has no word for infinity and not-a-number: such a number is written as
the text `inf`, `-inf` or `nan`, and as `{"float": "inf"}` where a text may stand as well.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any, TypeVar

from pnn_core.config import ConfirmResult, Costs, EpochResult, ParameterValue
from study.results.run_record import Curve, RunKey, RunRecord, RunState

_ROW = ("train_loss", "val_loss", "val_accuracy", "train_seconds", "val_seconds")
"""What a row of a curve holds; its place in the curve is its epoch."""

_COMMON = frozenset(
    "state parameters costs device worker reason retried started_ms ended_ms".split()  # noqa: SIM905
)
_TRIAL = frozenset({"number", "replicates"})
_CONFIRMATION = frozenset({"trial", "layer", "seed", "size_difference", "result"})

_ADDED = {"worker": ""}
"""Fields that documents of earlier versions lack, and what they are then."""

_T = TypeVar("_T")


def record_to_json(record: RunRecord) -> dict[str, Any]:
    """A document that `json.dumps` accepts and `record_from_json` reads back as an equal record."""
    replicates = [
        [[_spell(getattr(result, name)) for name in _ROW] for result in curve]
        for curve in record.replicates
    ]
    return {**_common_to_json(record), "number": record.number, "replicates": replicates}


def record_from_json(document: object) -> RunRecord:
    """Read what `record_to_json` wrote.

    Raises:
        ValueError: It is malformed; says what is wrong with it.
    """
    found = _fields_of(document, "RunRecord", _COMMON | _TRIAL)
    return RunRecord(
        **_common_from_json(found),
        key=RunKey(_whole(found, "number")),
        replicates=tuple(_curve(rows) for rows in _list(found, "replicates")),
    )


def confirmed_to_json(run: RunRecord) -> dict[str, Any]:
    """A document that `json.dumps` accepts and `confirmed_from_json` reads back as an equal run."""
    result = None if run.result is None else {k: _spell(v) for k, v in asdict(run.result).items()}
    return {
        **_common_to_json(run),
        "trial": run.trial,
        "layer": run.layer,
        "seed": run.seed,
        "size_difference": _spell(run.size_difference),
        "result": result,
    }


def confirmed_from_json(document: object) -> RunRecord:
    """Read what `confirmed_to_json` wrote.

    Raises:
        ValueError: It is malformed; says what is wrong with it.
    """
    found = _fields_of(document, "RunRecord", _COMMON | _CONFIRMATION)
    return RunRecord(
        **_common_from_json(found),
        key=RunKey(_whole(found, "trial"), _text(found, "layer"), _whole(found, "seed")),
        size_difference=_number(found, "size_difference"),
        result=_optional(found, "result", _result),
    )


def _common_to_json(record: RunRecord) -> dict[str, Any]:
    """What both kinds of records hold."""
    return {
        "state": record.state.value,
        "parameters": {name: _spell_any(value) for name, value in record.parameters.items()},
        "costs": None if record.costs is None else asdict(record.costs),
        "device": record.device,
        "worker": record.worker,
        "reason": record.reason,
        "retried": list(record.retried),
        "started_ms": record.started_ms,
        "ended_ms": record.ended_ms,
    }


def _common_from_json(found: Mapping[str, Any]) -> dict[str, Any]:
    parameters = found["parameters"]
    if not isinstance(parameters, Mapping) or not all(isinstance(key, str) for key in parameters):
        raise _malformed("parameters", parameters, "settings by name")
    return {
        "state": RunState(found["state"]),
        "parameters": {name: _parameter(name, value) for name, value in parameters.items()},
        "costs": _optional(found, "costs", _costs),
        "device": _text(found, "device"),
        "worker": _text(found, "worker"),
        "reason": _text(found, "reason"),
        "retried": tuple(_text({"retried": why}, "retried") for why in _list(found, "retried")),
        "started_ms": _optional(found, "started_ms", _whole),
        "ended_ms": _optional(found, "ended_ms", _whole),
    }


def _spell(number: float) -> float | str:
    return number if math.isfinite(number) else str(float(number))


def _spell_any(value: ParameterValue) -> Any:  # noqa: ANN401 - whatever JSON has for it
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": _spell(value)}
    return value


def _parameter(name: str, value: object) -> ParameterValue:
    if isinstance(value, Mapping) and value.keys() == {"float"}:
        return _number(value, "float")
    if not isinstance(value, int | float | str | bool):
        raise _malformed(name, value, "a number, a text or a truth value")
    return value


def _curve(rows: object) -> Curve:
    curve: list[EpochResult] = []
    for row in _list({"replicates": rows}, "replicates"):
        if not isinstance(row, Sequence) or isinstance(row, str) or len(row) != len(_ROW):
            raise _malformed("replicates", row, f"rows of {len(_ROW)} numbers")
        named = dict(zip(_ROW, row, strict=True))
        numbers = {name: _number(named, name) for name in _ROW}
        curve.append(EpochResult(epoch=len(curve) + 1, **numbers))
    return tuple(curve)


def _costs(found: Mapping[str, Any], name: str) -> Costs:
    costs = _fields_of(found[name], "Costs", _names(Costs))
    return Costs(**{field: _whole(costs, field) for field in costs})


def _result(found: Mapping[str, Any], name: str) -> ConfirmResult:
    result = _fields_of(found[name], "ConfirmResult", _names(ConfirmResult))
    return ConfirmResult(**{field: _number(result, field) for field in result})


def _names(owner: type[Any]) -> frozenset[str]:
    return frozenset(field.name for field in fields(owner))


def _fields_of(document: object, owner: str, names: frozenset[str]) -> Mapping[str, Any]:
    """Return the document with what it may lack; it must have exactly the fields of its owner."""
    if not isinstance(document, Mapping):
        raise _malformed(owner, document, "a document with fields")
    document = {name: _ADDED[name] for name in names & _ADDED.keys()} | dict(document)
    if odd := sorted(str(name) for name in names ^ document.keys()):
        what = "is missing" if odd[0] in names else "is unknown"
        raise ValueError(f"{odd[0]!r} {what} in a document of a {owner}")
    return document


def _number(found: Mapping[str, Any], name: str) -> float:
    value = found[name]
    if isinstance(value, str) and value in ("inf", "-inf", "nan"):
        return float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _malformed(name, value, "a number")
    return value


def _whole(found: Mapping[str, Any], name: str) -> int:
    value = found[name]
    if isinstance(value, bool) or not isinstance(value, int):
        raise _malformed(name, value, "a whole number")
    return value


def _text(found: Mapping[str, Any], name: str) -> str:
    value = found[name]
    if not isinstance(value, str):
        raise _malformed(name, value, "a text")
    return value


def _list(found: Mapping[str, Any], name: str) -> Sequence[Any]:
    value = found[name]
    if not isinstance(value, list | tuple):
        raise _malformed(name, value, "a list")
    return value


def _optional(
    found: Mapping[str, Any], name: str, read: Callable[[Mapping[str, Any], str], _T]
) -> _T | None:
    return None if found[name] is None else read(found, name)


def _malformed(name: str, value: object, accepted: str) -> ValueError:
    shown = repr(value)
    shown = shown if len(shown) <= 80 else f"{shown[:79]}…"
    return ValueError(f"{name} (={shown}) must be {accepted}")
