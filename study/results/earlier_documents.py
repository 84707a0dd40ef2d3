"""Documents of records as earlier versions wrote them, brought into today's form.

Format 1 had a document for trials and one for confirmations, an epoch in each row of a curve, and
an early stop only as the sentence that people read.

The first runs in MLflow had no document at all. A trial that had ended carried its curves in tags
of 32 epochs each: `epochs.2.0033` held the third seed's epochs from 33 on, and the last tag of a
seed was the one that was not full.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from pnn_core.config import COST_METRICS
from study.results.mlflow.encoding import decode_value, from_mlflow
from study.results.run_record import RunKey, RunState

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

_TAG_ROW = ("val_accuracy", "val_loss", "train_loss", "train_seconds", "val_seconds")
"""Metrics of an epoch in such a tag, in its order."""

_TAG_RESULT = ("train_loss", "test_accuracy", "published_test_accuracy", "train_seconds")
_EPOCHS_PER_TAG = 32


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


def earlier_document(
    key: RunKey, params: Mapping[str, str], tags: Mapping[str, str], metrics: Mapping[str, float]
) -> dict[str, Any]:
    """Return the record of a run as a document of today's form, but for its times.

    Raises:
        KeyError: A tag or a metric is missing.
        ValueError: A tag is malformed.
        RecursionError: A tag is malformed.
    """
    state = RunState(tags["state"])
    document = {
        "state": state.value,
        "parameters": {name: decode_value(text) for name, text in params.items()},
        "costs": _costs(metrics),
        **{name: tags.get(name, "") for name in ("device", "worker", "reason")},
        "retried": json.loads(tags["retried"]) if tags.get("retried") else [],
        "started_ms": None,
        "ended_ms": None,
    }
    if key.is_confirmation:
        result = None
        if state is RunState.COMPLETE:
            result = {name: from_mlflow(metrics[name]) for name in _TAG_RESULT}
        named = {"trial": key.trial, "layer": key.layer, "seed": key.seed}
        own = {"size_difference": metrics["size_difference"], "result": result}
        return upgrade_document(document | named | own)
    upgraded = upgrade_document(document | {"number": key.trial, "replicates": []})
    return upgraded | {"replicates": _curves(tags) if state.is_final else []}


def _costs(metrics: Mapping[str, float]) -> dict[str, int] | None:
    """Read costs; None where they were not known."""
    costs = [name for name, metric in COST_METRICS.items() if metric.task is None]
    if not any(name in metrics for name in costs):
        return None
    return {name: int(metrics[name]) for name in costs}


def _curves(tags: Mapping[str, str]) -> list[dict[str, list[Any]]]:
    curves: list[dict[str, list[Any]]] = []
    while _tag(len(curves), 1) in tags or not curves:
        rows = _rows(tags, seed=len(curves))
        if not rows:
            break
        curves.append(columns_of(rows, _TAG_ROW))
    return curves


def _rows(tags: Mapping[str, str], seed: int) -> list[Any]:
    rows: list[Any] = []
    full = True
    while full:
        found = json.loads(tags[_tag(seed, len(rows) + 1)])
        rows += found
        full = len(found) == _EPOCHS_PER_TAG
    return rows


def _tag(seed: int, epoch: int) -> str:
    return f"epochs.{seed}.{epoch:04d}"
