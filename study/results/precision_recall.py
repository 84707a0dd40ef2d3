"""Precision-recall curves of a detector on validation images, as a file beside its weights."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from study.results.bounded_json import parse_json

MOST_POINTS = 200
"""Points of a curve that are kept, evenly spread over it."""

MOST_BYTES = 4_000_000
"""Size of a file that is read: a hundred classes of as many points have half of it."""


@dataclass(frozen=True, kw_only=True)
class PrecisionRecall:
    """Curve of one class at an IoU of 0.5.

    Attributes:
        name: Name of the class.
        objects: Number of its objects that are not difficult.
        ap_50: Average precision by the 11-point rule of VOC 2007; None where there is no object.
        ap_50_area: Area under the curve; None likewise.
        recall: Share of the objects found, rising.
        precision: Share of the detections, down to the score of each point, that found one.
    """

    name: str
    objects: int
    ap_50: float | None
    ap_50_area: float | None
    recall: tuple[float, ...]
    precision: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.recall) != len(self.precision):
            raise ValueError(
                f"recall (of {len(self.recall)} points) and precision (of {len(self.precision)}) "
                "must be of as many"
            )


def encode_precision_recall(curves: Iterable[PrecisionRecall]) -> bytes:
    """Encode the curves of all classes as JSON."""
    return json.dumps([asdict(curve) for curve in curves], ensure_ascii=False).encode()


def decode_precision_recall(content: bytes) -> tuple[PrecisionRecall, ...]:
    """Decode what `encode_precision_recall` gave, which others may have changed.

    Raises:
        ValueError: It is too large, or is malformed.
    """
    if len(content) > MOST_BYTES:
        raise ValueError(f"it has {len(content):,} bytes: up to {MOST_BYTES:,} are read")
    try:
        return tuple(
            PrecisionRecall(
                name=str(each["name"]),
                objects=int(each["objects"]),
                ap_50=_number(each["ap_50"]),
                ap_50_area=_number(each["ap_50_area"]),
                recall=_points(each["recall"]),
                precision=_points(each["precision"]),
            )
            for each in parse_json(content.decode(), finite=True)
        )
    except (TypeError, KeyError, UnicodeDecodeError) as error:
        raise ValueError(f"it holds no precision-recall curves ({error!r})") from error


def _number(value: object) -> float | None:
    if value is None:
        return None
    if not isinstance(value, int | float):
        raise TypeError(f"{value!r:.40} is no number")
    return float(value)


def _points(values: Sequence[object]) -> tuple[float, ...]:
    if not isinstance(values, list) or len(values) > MOST_POINTS:
        raise TypeError(f"a curve is a list of up to {MOST_POINTS} numbers")
    numbers = tuple(_number(value) for value in values)
    if None in numbers:
        raise TypeError("a point of a curve is a number")
    return tuple(number for number in numbers if number is not None)
