"""Choices of a reader in a view, spelt as in an address: `x=macs&colour=fan_out`."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal, NamedTuple

from dashboards.elements.quantity import Quantity, find_quantity
from pnn_core.config.checks import require_choice
from study.results.run_record import RunRecord, RunState
from study.results.trial_query import TrialQuery

CurveMetric = Literal["val_accuracy", "val_loss", "train_loss"]
Evaluator = Literal["ped_anova", "fanova"]
Over = Literal["trials", "seconds"]

_BETWEEN = ".."


@dataclass(frozen=True, kw_only=True)
class Span:
    """Trials whose value of one quantity lies within two bounds, as a brush leaves them.

    Attributes:
        name: Name of a metric or a numeric setting.
        low: Lower bound.
        high: Upper bound, not below the lower one.
    """

    name: str
    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.low <= self.high:
            raise ValueError(f"{self.name} must lie between a lower and an upper bound: {self}")

    def __str__(self) -> str:
        """Spell it, such as `val_accuracy:0.9..0.95`."""
        return f"{self.name}:{self.low:.6g}{_BETWEEN}{self.high:.6g}"

    @classmethod
    def parse(cls, text: str) -> "Span":
        """Read what `str` gives.

        Raises:
            ValueError: The text is no span.
        """
        name, _, bounds = text.rpartition(":")
        low, _, high = bounds.partition(_BETWEEN)
        try:
            return cls(name=name, low=float(low), high=float(high))
        except ValueError:
            raise ValueError(
                f"{text!r} is no span of values: accepted is such as val_accuracy:0.9..0.95"
            ) from None


class Option(NamedTuple):
    """A choice that readers are offered.

    Attributes:
        label: Name on the page.
        choices: Accepted texts and their labels; empty where the choices are quantities.
        quantities: Kinds of quantities among the choices: `settings`, `metrics`.
        usual: Label of the default; of a text that is typed, an example.
        default: Accepted text that is the default; empty for none of them.
    """

    label: str
    choices: Mapping[str, str]
    quantities: tuple[str, ...]
    usual: str
    default: str = ""

    @property
    def is_typed(self) -> bool:
        """True if it is a text of the reader's own."""
        return not self.choices and not self.quantities

    def form_choices(self) -> tuple[tuple[str, str], ...]:
        """Return value and label of each accepted text, the default first, as the empty value."""
        others = [choice for choice in self.choices.items() if choice[0] != self.default]
        return (("", self.choices.get(self.default, self.usual)), *others)


def _shown(
    label: str,
    *quantities: str,
    choices: Mapping[str, str] | None = None,
    usual: str = "usual",
) -> dict[str, Option]:
    """Return a field's metadata: what readers are offered."""
    return {"option": Option(label, choices or {}, quantities, usual)}


_QUERY = "such as val_accuracy > 0.95 and fan_out == 2"

_SCALES = {"yes": "logarithmic", "no": "linear"}


@dataclass(frozen=True, kw_only=True)
class ViewOptions:
    """Choices of a reader; empty texts and None stand for what a view has by default.

    Attributes:
        x: Quantity on the horizontal axis.
        y: Quantity on the vertical axis.
        z: Quantity on the third axis.
        colour: Quantity that points are coloured by.
        log_x: True for a logarithmic horizontal axis, False for a linear one.
        log_y: True for a logarithmic vertical axis, False for a linear one.
        parameter: Setting of slices, of the heat map and of contours.
        second: Second setting of these.
        metric: Metric of learning curves.
        evaluator: Measure of importance.
        over: Quantity that hypervolume is drawn against.
        within: Spans of a brush; a trial is left where all of them hold.
        where: Query that the trials left have to meet; see `TrialQuery`.
    """

    x: str = field(default="", metadata=_shown("Horizontal axis", "metrics"))
    y: str = field(default="", metadata=_shown("Vertical axis", "metrics"))
    z: str = field(default="", metadata=_shown("Third axis", "metrics", usual="none"))
    colour: str = field(default="", metadata=_shown("Colour", "settings", "metrics"))
    log_x: bool | None = field(default=None, metadata=_shown("Horizontal scale", choices=_SCALES))
    log_y: bool | None = field(default=None, metadata=_shown("Vertical scale", choices=_SCALES))
    parameter: str = field(default="", metadata=_shown("Setting", "settings"))
    second: str = field(default="", metadata=_shown("Second setting", "settings"))
    metric: CurveMetric = field(
        default="val_accuracy",
        metadata=_shown(
            "Metric",
            choices={
                "val_accuracy": "validation accuracy or mAP",
                "val_loss": "validation loss",
                "train_loss": "training loss",
            },
        ),
    )
    evaluator: Evaluator = field(
        default="ped_anova",
        metadata=_shown(
            "Importance by",
            choices={"ped_anova": "PED-ANOVA", "fanova": "fANOVA"},
        ),
    )
    over: Over = field(
        default="trials",
        metadata=_shown(
            "Hypervolume against",
            choices={"trials": "trials ended", "seconds": "wall time"},
        ),
    )
    within: tuple[Span, ...] = ()
    where: str = field(default="", metadata=_shown("Query", usual=_QUERY))

    def query(self) -> dict[str, str]:
        """Return the texts of what differs from the defaults."""
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
        given: dict[str, Any] = {
            name: _read(name, option, query[name])
            for name, option in OPTIONS.items()
            if name in query
        }
        return cls(**given, within=tuple(map(Span.parse, filter(None, spans))))

    def quantity(self, name: str, records: Sequence[RunRecord]) -> Quantity | None:
        """Return the quantity that one of the fields names; None where it names none.

        Raises:
            ValueError: It names nothing that these trials have.
        """
        text = getattr(self, name)
        return find_quantity(text, records) if text else None

    def selected(self, records: Iterable[RunRecord]) -> frozenset[int] | None:
        """Return the numbers of the trials that brush and query leave; None where all are left.

        A brush is drawn over complete trials, and leaves no others.

        Raises:
            ValueError: A span or the query names nothing that these trials have.
        """
        if not self.within and not self.where.strip():
            return None
        records = TrialQuery(self.where).select(records)
        if self.within:
            records = tuple(r for r in records if r.state is RunState.COMPLETE)
        spans = [(find_quantity(span.name, records), span) for span in self.within]
        return frozenset(
            record.number
            for record in records
            if all(_lies_within(quantity.of(record), span) for quantity, span in spans)
        )


OPTIONS: dict[str, Option] = {
    field.name: field.metadata["option"]._replace(default=str(field.default or ""))
    for field in fields(ViewOptions)
    if field.metadata
}
"""Options by name."""


def _read(name: str, option: Option, text: str) -> str | bool:
    if option.choices:
        require_choice(name, text, option.choices)
    return text == "yes" if option.choices is _SCALES else text


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
