"""Equality of records of which a number may be missing."""

from dataclasses import fields
from typing import Any


def has_equal_fields(one: Any, other: Any) -> bool:  # noqa: ANN401  # any dataclass
    """Compare two objects of one dataclass as tuples are: NaN equals itself.

    Dataclasses do so by themselves up to Python 3.12, and compare field by field since.
    """
    pairs = ((getattr(one, field.name), getattr(other, field.name)) for field in fields(one))
    # By identity alone one NaN would differ from another, as from one that came through a pickle.
    return all(
        mine is others or mine == others or (mine != mine and others != others)
        for mine, others in pairs
    )
