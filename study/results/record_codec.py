"""Records of runs as JSON documents, and back, without losing a bit.

One document for Optuna's storage and for MLflow. A curve is a list of numbers for each metric,
because a dictionary for each epoch would take five times the space. JSON has no word for infinity
and not-a-number: such a number is written as the text `inf`, `-inf` or `nan`, and as
`{"float": "inf"}` where a text may stand as well.
"""

import base64
import math
import sys
from collections.abc import Callable, Collection, Mapping
from dataclasses import MISSING, asdict, fields
from typing import Any, TypeVar

from pnn_core.config import (
    ADDED_METRICS,
    EPOCH_METRICS,
    ConfirmResult,
    Costs,
    EpochResult,
    ParameterValue,
    lacking_metrics,
    measured_metrics,
)
from study.results.earlier_documents import upgrade_document
from study.results.early_stop import EarlyStop, StopCause
from study.results.run_record import Curve, RunKey, RunRecord, RunState
from study.results.tuning_point import TuningPoint

FORMAT = 2
"""Version of the documents' format."""

_RARE = ("grid_point", "tuning", "arithmetic", "measured", "fallbacks", "enqueued")
"""Fields that a document may lack: of tuning and of a GPU where there was none, and what came
later."""

_OF_ONE_TASK = ("test_accuracy", "published_test_accuracy", "test_map_50", "test_map_50_area")
"""Fields of a confirmation's result that are NaN in another task, and are then left out."""

_Reader = Callable[[Mapping[str, Any], str], Any]
_T = TypeVar("_T")


def record_to_json(record: RunRecord) -> dict[str, Any]:
    """Return a document that `json.dumps` accepts and `record_from_json` reads back equal."""
    return {
        "format": FORMAT,
        **{name: value for name, value in record.key._asdict().items() if name not in _RARE},
        "state": record.state.value,
        "parameters": {name: _spell_any(value) for name, value in record.parameters.items()},
        "size_difference": _spell(record.size_difference),
        "costs": None if record.costs is None else asdict(record.costs),
        "replicates": [_spell_curve(curve) for curve in record.replicates],
        "result": None if record.result is None else _spell_result(record.result),
        "device": record.device,
        "arithmetic": record.arithmetic,
        "worker": record.worker,
        "stop": None if record.stop is None else asdict(record.stop),
        "reason": "" if record.stop else record.reason,
        "retried": list(record.retried),
        "started_ms": record.started_ms,
        "ended_ms": record.ended_ms,
        **({"grid_point": record.key.grid_point} if record.key.is_tuning else {}),
        **({"enqueued": True} if record.enqueued else {}),
        **({"fallbacks": list(record.fallbacks)} if record.fallbacks else {}),
        **({"measured": _spell_all(record.measured)} if record.measured else {}),
        **({"tuning": [*map(_spell_point, record.tuning)]} if record.tuning else {}),
    }


def record_from_json(document: object) -> RunRecord:
    """Read what `record_to_json` wrote, or wrote in an earlier version.

    Raises:
        ValueError: It is malformed, or of a newer version; says what is wrong with it.
    """
    if not isinstance(document, Mapping):
        raise _malformed("RunRecord", document, "a document with fields")
    if document.get("format", 1) == 1:
        document = upgrade_document(document)
    found = document["format"]
    if found != FORMAT:
        raise ValueError(
            f"the record has format {found!r:.20}, and this program reads formats up to {FORMAT}: "
            "read it with the version that wrote it"
        )
    document = {name: value for name, value in document.items() if name != "format"}
    values = _read(document, "RunRecord", _RECORD, _RARE)
    key = RunKey(**{name: values.pop(name) for name in RunKey._fields if name in values})
    return RunRecord(key=key, **values)


def _spell_curve(curve: Curve) -> dict[str, list[float | str]]:
    """Return a document of a curve, without what another task or a later version measures."""
    return {
        name: [_spell(getattr(result, name)) for result in curve]
        for name in measured_metrics(curve)
    }


def _spell(number: float) -> float | str:
    return number if math.isfinite(number) else str(float(number))


def _spell_all(numbers: Mapping[str, float]) -> dict[str, float | str]:
    return {name: _spell(number) for name, number in numbers.items()}


def _spell_result(result: ConfirmResult) -> dict[str, Any]:
    """Return a document of a confirmation's result; bits of images as base64."""
    return {
        name: base64.b64encode(value).decode() if isinstance(value, bytes) else _spell(value)
        for name, value in asdict(result).items()
        if not (name in _OF_ONE_TASK and math.isnan(value))
    }


def _spell_point(point: TuningPoint) -> dict[str, Any]:
    numbers = {name: v for name, v in asdict(point).items() if name != "settings"}
    return {"settings": {n: _spell_any(v) for n, v in point.settings.items()}} | _spell_all(numbers)


def _spell_any(value: ParameterValue) -> Any:  # noqa: ANN401 - whatever JSON has for it
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": _spell(value)}
    return value


def _read(
    document: object, owner: str, readers: Mapping[str, _Reader], optional: Collection[str] = ()
) -> dict[str, Any]:
    """Read the fields of a document, which must have exactly those of its owner.

    Args:
        document: Fields by name.
        owner: Name for messages.
        readers: Reader of each field.
        optional: Fields that it may lack.
    """
    if not isinstance(document, Mapping):
        raise _malformed(owner, document, "a document with fields")
    odd = sorted(str(name) for name in readers.keys() ^ document.keys() if name not in optional)
    if odd:
        what = "is missing" if odd[0] in readers else "is unknown"
        raise ValueError(f"{odd[0]!r} {what} in a document of a {owner}")
    return {name: readers[name](document, name) for name in document}


def _parameters(found: Mapping[str, Any], name: str) -> dict[str, ParameterValue]:
    parameters = found[name]
    if not isinstance(parameters, Mapping) or not all(isinstance(key, str) for key in parameters):
        raise _malformed("parameters", parameters, "settings by name")
    return {name: _parameter(name, value) for name, value in parameters.items()}


def _parameter(name: str, value: object) -> ParameterValue:
    if isinstance(value, Mapping) and value.keys() == {"float"}:
        return _number(value, "float")
    if not isinstance(value, int | float | str | bool) or _is_huge(value):
        raise _malformed(name, value, "a number, a text or a truth value")
    return value


def _replicates(found: Mapping[str, Any], name: str) -> tuple[Curve, ...]:
    return tuple(map(_curve, _list(found, name)))


def _points(found: Mapping[str, Any], name: str) -> tuple[TuningPoint, ...]:
    return tuple(TuningPoint(**_read(p, "TuningPoint", _POINT)) for p in _list(found, name))


def _read_numbers(document: object) -> dict[str, float]:
    if not isinstance(document, Mapping) or not all(isinstance(key, str) for key in document):
        raise _malformed("measured", document, "numbers by name")
    return {name: _number(document, name) for name in document}


def _curve(columns: object) -> Curve:
    values = _read(columns, "curve", dict.fromkeys(EPOCH_METRICS, _numbers), ADDED_METRICS)
    if lacking := lacking_metrics(values):
        raise ValueError(f"{lacking[0]!r} is missing in a document of a curve")
    lengths = {name: len(column) for name, column in values.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"replicates must have as many epochs of each metric, not {lengths}")
    epochs = zip(*values.values(), strict=True)
    return tuple(
        EpochResult(epoch=epoch, **dict(zip(values, numbers, strict=True)))
        for epoch, numbers in enumerate(epochs, start=1)
    )


def _dataclass(owner: type[Any], **readers: _Reader) -> _Reader:
    """Make a reader of a document with the fields of a dataclass.

    Args:
        owner: The dataclass; what a field's default stands for may be missing.
        readers: Reader of each field.
    """
    optional = {field.name for field in fields(owner) if field.default is not MISSING}

    def read(found: Mapping[str, Any], name: str) -> object:
        return owner(**_read(found[name], owner.__name__, readers, optional))

    return read


def _optional(read: _Reader) -> _Reader:
    return lambda found, name: None if found[name] is None else read(found, name)


def _numbers(found: Mapping[str, Any], name: str) -> list[float]:
    values = _list(found, name)
    if all(type(value) is float for value in values):  # a study has half a million of them
        return list(values)
    return [_number({name: value}, name) for value in values]


def _number(found: Mapping[str, Any], name: str) -> float:
    value = found[name]
    if isinstance(value, str) and value in ("inf", "-inf", "nan"):
        # The one `math.nan`, so that records without a number are equal.
        return math.nan if value == "nan" else float(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or _is_huge(value):
        raise _malformed(name, value, "a number")
    return value


def _bits(found: Mapping[str, Any], name: str) -> bytes:
    text = _text(found, name)
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:
        raise _malformed(name, found[name], "base64") from error


def _of_type(kinds: type | tuple[type, ...], accepted: str) -> _Reader:
    """Make a reader of a field as it is, of some types; JSON tells true from 1."""

    def read(found: Mapping[str, Any], name: str) -> Any:  # noqa: ANN401  # one of the types
        value = found[name]
        if isinstance(value, bool) or not isinstance(value, kinds) or _is_huge(value):
            raise _malformed(name, value, accepted)
        return value

    return read


_whole = _of_type(int, "a whole number")
_text = _of_type(str, "a text")
_list = _of_type((list, tuple), "a list")


def _flag(found: Mapping[str, Any], name: str) -> bool:
    value = found[name]
    if not isinstance(value, bool):
        raise _malformed(name, value, "true or false")
    return value


def _texts(found: Mapping[str, Any], name: str) -> tuple[str, ...]:
    return tuple(_text({name: value}, name) for value in _list(found, name))


def _is_huge(value: object) -> bool:
    """Return True for whole numbers that no float can hold."""
    return isinstance(value, int) and value.bit_length() > sys.float_info.max_exp - 1


def _malformed(name: str, value: object, accepted: str) -> ValueError:
    shown = repr(value)
    shown = shown if len(shown) <= 80 else f"{shown[:79]}…"
    return ValueError(f"{name} (={shown}) must be {accepted}")


_RESULT: dict[str, _Reader] = {
    **{field.name: _number for field in fields(ConfirmResult)},
    "test_images": _whole,
    "correct_images": _bits,
}
"""Reader of each field of a confirmation's result."""

_POINT: dict[str, _Reader] = {
    "settings": _parameters,
    "seeds": _whole,
    "val_accuracy": _number,
    "val_loss": _number,
}
"""Reader of each field of a point of a tuning grid."""

_RECORD: Mapping[str, _Reader] = {
    "trial": _whole,
    "layer": _text,
    "seed": _whole,
    "state": lambda found, name: RunState(found[name]),
    "parameters": _parameters,
    "size_difference": _number,
    "costs": _optional(_dataclass(Costs, **{field.name: _whole for field in fields(Costs)})),
    "replicates": _replicates,
    "result": _optional(_dataclass(ConfirmResult, **_RESULT)),
    "device": _text,
    "arithmetic": _text,
    "fallbacks": _texts,
    "enqueued": _flag,
    "worker": _text,
    "stop": _optional(
        _dataclass(
            EarlyStop,
            epoch=_whole,
            cause=lambda found, name: StopCause(found[name]),
            rank=_optional(_whole),
            of=_optional(_whole),
            admitted=_optional(_whole),
        )
    ),
    "reason": _text,
    "retried": _texts,
    "started_ms": _optional(_whole),
    "ended_ms": _optional(_whole),
    "grid_point": _whole,
    "tuning": _points,
    "measured": lambda found, name: _read_numbers(found[name]),
}
"""Reader of each field of a document."""
