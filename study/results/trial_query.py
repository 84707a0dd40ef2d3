"""Queries of trials, such as `val_accuracy > 0.95 and fan_out == 2`.

A small grammar, spelt as Python spells it: names of settings and metrics, numbers, texts in quotes,
True and False, the comparisons == != < <= > >= (chained, too), and, or, not and brackets. Python's
parser reads it and nothing of it is run, so that a text may come from anyone.
"""

import ast
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pnn_core.config import PARAMETER_NAMES, ParameterValue, added_settings
from pnn_core.config.checks import require_known
from study.results.objective import OBJECTIVES
from study.results.run_record import RunRecord

LONGEST = 1000
"""Number of characters that a query may have."""

_DEEPEST = 50
"""Number of brackets and `not`s that may stand in each other."""

_ACCEPTED = "accepted is such as `val_accuracy > 0.95 and fan_out == 2`"

_SPELT = {ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}

_COMPARISONS: Mapping[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}

Values = Mapping[str, ParameterValue]


@dataclass(frozen=True)
class TrialQuery:
    """Condition on the settings and metrics of a trial.

    Attributes:
        text: The condition; empty for one that every trial meets.
    """

    text: str

    def __post_init__(self) -> None:
        if len(self.text) > LONGEST:
            raise ValueError(f"a query has at most {LONGEST} characters, not {len(self.text)}")
        if self.text.strip():
            _check(self._tree(), 0)

    def select(self, records: Iterable[RunRecord]) -> tuple[RunRecord, ...]:
        """Return the trials that meet it, in their order.

        A trial that lacks what a comparison asks for, such as a metric before its first epoch,
        does not meet the comparison.

        Raises:
            ValueError: A name is neither a setting nor a metric, or a number is compared with a
                text.
        """
        records = tuple(records)
        if not self.text.strip():
            return records
        tree = self._tree()
        values = [values_of(record) for record in records]
        known = [*PARAMETER_NAMES, *OBJECTIVES, *(name for each in values for name in each)]
        for node in ast.walk(tree):
            if isinstance(node, ast.Name):
                require_known("a setting or metric of a trial", node.id, dict.fromkeys(known))
        pairs = zip(records, values, strict=True)
        return tuple(record for record, each in pairs if _holds(tree, each))

    def _tree(self) -> ast.expr:
        tree = _parse(self.text)
        if tree is None:
            raise ValueError(f"{self.text!r} is no query: {_ACCEPTED}")
        return tree


def read_comparison(text: str) -> tuple[str, str, float]:
    """Read one comparison of a name with a number, such as `learnable_params <= 50000`.

    Returns:
        The name, the relation as it is typed, and the number.

    Raises:
        ValueError: It is something else.
    """
    tree = _parse(text) if len(text) <= LONGEST else None
    match tree:
        case ast.Compare(left=ast.Name(id=name), ops=[op], comparators=[side]) if type(
            op
        ) in _SPELT and _is_number(side):
            bound = _value(side, {})
            if isinstance(bound, int | float):
                return name, _SPELT[type(op)], bound
    raise ValueError(
        f"{text!r} must compare one name with one number, such as learnable_params<=50000"
    )


def values_of(record: RunRecord) -> dict[str, ParameterValue]:
    """Return a trial's number, state, settings and metrics by their names; True if enqueued."""
    return {
        "trial": record.number,
        "state": record.state.value,
        "enqueued": record.enqueued,
        **added_settings(record.parameters),
        **record.parameters,
        **record.metrics(),
    }


def _parse(text: str) -> ast.expr | None:
    """Parse a text without running it; None where Python has no such expression."""
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _is_number(node: ast.expr) -> bool:
    """Return True for a number as it is typed, with a sign or without."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        node = node.operand
    return isinstance(node, ast.Constant) and type(node.value) in (int, float)


def _check(node: ast.expr, depth: int) -> None:
    """Refuse all that is not of the grammar.

    Raises:
        ValueError: Shows the part that is not.
    """
    if depth > _DEEPEST:
        raise ValueError(f"a query has at most {_DEEPEST} brackets in each other")
    parts: Sequence[ast.expr]
    match node:
        case ast.BoolOp():
            parts = node.values
        case ast.UnaryOp(op=ast.Not()):
            parts = [node.operand]
        case ast.Compare() if all(type(op) in _COMPARISONS for op in node.ops):
            for side in (node.left, *node.comparators):
                _check_side(side)
            return
        case _:
            raise ValueError(f"{ast.unparse(node)!r} is no comparison: {_ACCEPTED}")
    for part in parts:
        _check(part, depth + 1)


def _check_side(node: ast.expr) -> None:
    match node:
        case ast.Name():
            return
        case ast.Constant(value=bool() | int() | float() | str()):
            return
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float())):
            return
    raise ValueError(f"{ast.unparse(node)!r} is no name, number or text in quotes: {_ACCEPTED}")


def _holds(node: ast.expr, values: Values) -> bool:
    match node:
        case ast.BoolOp(op=ast.And()):
            return all(_holds(part, values) for part in node.values)
        case ast.BoolOp():
            return any(_holds(part, values) for part in node.values)
        case ast.UnaryOp():
            return not _holds(node.operand, values)
        case ast.Compare():
            sides = [_value(side, values) for side in (node.left, *node.comparators)]
            return all(map(_compare, node.ops, sides[:-1], sides[1:]))
    raise AssertionError(node)  # checked before


def _value(node: ast.expr, values: Values) -> ParameterValue | None:
    match node:
        case ast.Name():
            return values.get(node.id)
        case ast.Constant(value=bool() | int() | float() | str() as value):
            return value
        case ast.UnaryOp(operand=ast.Constant(value=int() | float() as value)):
            return -value
    raise AssertionError(node)  # checked before


def _compare(op: ast.cmpop, left: ParameterValue | None, right: ParameterValue | None) -> bool:
    if left is None or right is None:
        return False
    if isinstance(left, str) != isinstance(right, str):
        raise ValueError(f"{left!r} and {right!r} cannot be compared: one is a text")
    return _COMPARISONS[type(op)](left, right)
