"""What a reader may choose in a view, spelt as in an address: `x=macs&colour=fan_out`."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Literal, cast, get_args

from dashboards.elements.quantity import Quantity, find_quantity
from study.results.run_record import RunRecord, RunState

CurveMetric = Literal["val_accuracy", "val_loss", "train_loss"]
Evaluator = Literal["ped_anova", "fanova"]
Over = Literal["trials", "seconds"]

_BETWEEN = ".."


@dataclass(frozen=True, kw_only=True)
class Span:
    """Trials whose value of one quantity lies within two bounds, as a brush leaves them.

    Attributes:
        name: Of a metric or a numeric setting.
        low: Lower bound.
        high: Upper bound, not below it.
    """

    name: str
    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.low <= self.high:
            raise ValueError(f"{self.name} must lie between a lower and an upper bound: {self}")

    def __str__(self) -> str:
        """Such as `val_accuracy:0.9..0.95`."""
        return f"{self.name}:{self.low:.6g}{_BETWEEN}{self.high:.6g}"

    @classmethod
    def parse(cls, text: str) -> "Span":
        """Read what `str` gives.

        Raises:
            ValueError: It is something else.
        """
        name, _, bounds = text.rpartition(":")
        low, _, high = bounds.partition(_BETWEEN)
        try:
            return cls(name=name, low=float(low), high=float(high))
        except ValueError:
            raise ValueError(
                f"{text!r} is no span of values: accepted is such as val_accuracy:0.9..0.95"
            ) from None


@dataclass(frozen=True, kw_only=True)
class ViewOptions:
    """What a reader has chosen; empty texts and None stand for what a view has by default.

    Attributes:
        x: Horizontal quantity.
        y: Vertical quantity.
        z: Third quantity; with it the front is drawn in space.
        colour: Quantity of the points' colour.
        log_x: Whether the horizontal axis is logarithmic.
        log_y: Whether the vertical axis is logarithmic.
        parameter: Setting of slices, of the heat map and of contours.
        second: The other setting of these.
        metric: Of learning curves.
        evaluator: Of importances.
        over: What hypervolume is drawn against.
        within: The trials that a brush left: all of these spans hold.
    """

    x: str = ""
    y: str = ""
    z: str = ""
    colour: str = ""
    log_x: bool | None = None
    log_y: bool | None = None
    parameter: str = ""
    second: str = ""
    metric: CurveMetric = "val_accuracy"
    evaluator: Evaluator = "ped_anova"
    over: Over = "trials"
    within: tuple[Span, ...] = ()

    def query(self) -> dict[str, str]:
        """What differs from the defaults, as texts."""
        default = ViewOptions()
        return {
            field.name: _spell(getattr(self, field.name))
            for field in fields(self)
            if getattr(self, field.name) != getattr(default, field.name)
        }

    @classmethod
    def parse(cls, query: Mapping[str, str]) -> "ViewOptions":
        """Read what `query` gives; names of other things are left alone.

        Raises:
            ValueError: A value is not one of those accepted.
        """
        spans = query.get("within", "").split(",")
        return cls(
            x=query.get("x", ""),
            y=query.get("y", ""),
            z=query.get("z", ""),
            colour=query.get("colour", ""),
            log_x=_yes_or_no("log_x", query),
            log_y=_yes_or_no("log_y", query),
            parameter=query.get("parameter", ""),
            second=query.get("second", ""),
            metric=cast("CurveMetric", _one_of(get_args(CurveMetric), "metric", query)),
            evaluator=cast("Evaluator", _one_of(get_args(Evaluator), "evaluator", query)),
            over=cast("Over", _one_of(get_args(Over), "over", query)),
            within=tuple(map(Span.parse, filter(None, spans))),
        )

    def quantity(self, name: str, records: Sequence[RunRecord]) -> Quantity | None:
        """The quantity that one of the fields names; None where it names none.

        Raises:
            ValueError: It names nothing that these trials have.
        """
        text = getattr(self, name)
        return find_quantity(text, records) if text else None

    def selected(self, records: Iterable[RunRecord]) -> frozenset[int] | None:
        """Numbers of the complete trials within all spans; None where there is no span.

        Raises:
            ValueError: A span names nothing that these trials have.
        """
        if not self.within:
            return None
        records = [record for record in records if record.state is RunState.COMPLETE]
        spans = [(find_quantity(span.name, records), span) for span in self.within]
        return frozenset(
            record.number
            for record in records
            if all(_lies_within(quantity.of(record), span) for quantity, span in spans)
        )


def _one_of(choices: Sequence[str], name: str, query: Mapping[str, str]) -> str:
    """What a query says, the first choice where it says nothing."""
    text = query.get(name, choices[0])
    if text not in choices:
        raise ValueError(f"{name} (={text!r}) must be one of {', '.join(choices)}")
    return text


def _yes_or_no(name: str, query: Mapping[str, str]) -> bool | None:
    return _one_of(("yes", "no"), name, query) == "yes" if name in query else None


def _spell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return str(value)


def _lies_within(value: object, span: Span) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return not math.isnan(value) and span.low <= value <= span.high
