"""Documents of records as earlier versions wrote them, brought into today's form.

Format 1 had a document for trials and one for confirmations, an epoch in each row of a curve, and
an early stop only as the sentence that people read.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

ROW = ("train_loss", "val_loss", "val_accuracy", "train_seconds", "val_seconds")
"""Metrics of a row, in the order of format 1."""

_COMMON = ("state", "parameters", "costs", "device", "reason", "retried", "started_ms", "ended_ms")
_TRIAL = ("number", "replicates")
_CONFIRMATION = ("trial", "layer", "seed", "size_difference", "result")
_WORKER = "worker"
"""Field that the first documents lack."""

_STOPPED = re.compile(
    r"stopped at epoch (?P<epoch>[0-9]{1,9}): "
    r"(?:rank (?P<rank>[0-9]{1,9}) of (?P<of>[0-9]{1,9}), (?P<admitted>[0-9]{1,9}) may go on"
    r"|an objective is not finite)"
)


def upgrade_document(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document of a record of format 1 in format 2.

    Raises:
        ValueError: A field is missing or unknown, or a row of a curve has another length.
    """
    own = _CONFIRMATION if "layer" in document else _TRIAL
    required = {*_COMMON, *own}
    if odd := sorted(str(name) for name in required ^ (document.keys() - {_WORKER})):
        what = "is missing" if odd[0] in required else "is unknown"
        raise ValueError(f"{odd[0]!r} {what} in a document of a RunRecord")
    trial = {"layer": "", "seed": 0, "size_difference": 0.0, "result": None}
    upgraded = {"format": 2, **trial, "replicates": [], _WORKER: "", **document}
    if own is _TRIAL:
        upgraded["trial"] = upgraded.pop("number")
        upgraded["replicates"] = [columns_of(rows, ROW) for rows in _list(document["replicates"])]
    upgraded["stop"] = _stop(str(document["reason"])) if document["state"] == "pruned" else None
    return upgraded


def columns_of(rows: object, names: Sequence[str]) -> dict[str, list[Any]]:
    """Turn a curve of rows, one for each epoch, into a list of values for each metric.

    Raises:
        ValueError: There are no rows, or one has not a number for each name.
    """
    rows = _list(rows)
    for epoch, row in enumerate(rows, start=1):
        if not isinstance(row, Sequence) or len(row) != len(names):
            raise ValueError(f"{row!r:.80} does not hold the {len(names)} numbers of epoch {epoch}")
    columns = zip(*rows, strict=True) if rows else [()] * len(names)
    return dict(zip(names, map(list, columns), strict=True))


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError(f"replicates (={value!r:.80}) must be a list")
    return value


def _stop(reason: str) -> dict[str, Any] | None:
    """Read an early stop from the sentence that told of it; None where it is another one."""
    found = _STOPPED.fullmatch(reason)
    if found is None:
        return None
    numbers = {name: int(text) for name, text in found.groupdict().items() if text is not None}
    return {"cause": "rank" if "rank" in numbers else "not_finite", **numbers}
