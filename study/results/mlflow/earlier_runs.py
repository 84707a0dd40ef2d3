"""Records in MLflow's runs as earlier versions wrote them, without a document of the record.

A trial that had ended carried its curves in tags of 32 epochs each: `epochs.2.0033` held the third
seed's epochs from 33 on, and the last tag of a seed was the one that was not full.
"""

import json
from collections.abc import Mapping
from typing import Any

from pnn_core.config import COST_METRICS
from study.results.earlier_documents import columns_of, upgrade_document
from study.results.mlflow.encoding import decode_value, from_mlflow
from study.results.run_record import RunKey, RunState

_ROW = ("val_accuracy", "val_loss", "train_loss", "train_seconds", "val_seconds")
_RESULT = ("train_loss", "test_accuracy", "published_test_accuracy", "train_seconds")
_EPOCHS_PER_TAG = 32


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
            result = {name: from_mlflow(metrics[name]) for name in _RESULT}
        own = {**key._asdict(), "size_difference": metrics["size_difference"], "result": result}
        return upgrade_document(document | own)
    upgraded = upgrade_document(document | {"number": key.trial, "replicates": []})
    return upgraded | {"replicates": _curves(tags) if state.is_final else []}


def _costs(metrics: Mapping[str, float]) -> dict[str, int] | None:
    """Read costs; None where they were not known."""
    if not any(name in metrics for name in COST_METRICS):
        return None
    return {name: int(metrics[name]) for name in COST_METRICS}


def _curves(tags: Mapping[str, str]) -> list[dict[str, list[Any]]]:
    curves: list[dict[str, list[Any]]] = []
    while _name(len(curves), 1) in tags or not curves:
        rows = _rows(tags, seed=len(curves))
        if not rows:
            break
        curves.append(columns_of(rows, _ROW))
    return curves


def _rows(tags: Mapping[str, str], seed: int) -> list[Any]:
    rows: list[Any] = []
    full = True
    while full:
        found = json.loads(tags[_name(seed, len(rows) + 1)])
        rows += found
        full = len(found) == _EPOCHS_PER_TAG
    return rows


def _name(seed: int, epoch: int) -> str:
    return f"epochs.{seed}.{epoch:04d}"
