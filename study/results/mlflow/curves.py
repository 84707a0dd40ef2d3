"""How the curves of a trial's seeds are spelt in MLflow: series at first, tags once it has ended.

A trial that has ended carries its curves in tags, so that a study of a thousand trials is read with
one request instead of five thousand. Seeds are counted from 0, epochs from 1: `epochs.2.0033` holds
the third seed's epochs from 33 on. The last tag of a seed is the one that is not full.
"""

import json
import math
import sys
from collections.abc import Iterable, Mapping

from pnn_core.config import EpochResult
from study.results.run_record import Curve

SERIES = {
    "val_accuracy": "val_accuracy",
    "val_loss": "val_loss",
    "train_loss": "train_loss",
    "train_seconds": "epoch_train_seconds",
    "val_seconds": "epoch_val_seconds",
}
"""Fields of an epoch's result, and the metric that carries each.

The first one is what MLflow's comparison page shows until another is chosen.
"""

_TAG = "epochs."
_EPOCHS_PER_TAG = 32


def epoch_metrics(result: EpochResult) -> dict[str, float]:
    """Metrics of one epoch, the mean over the seeds; their step is the epoch."""
    return {metric: getattr(result, field) for field, metric in SERIES.items()}


def curves_from_series(series: Mapping[str, Mapping[int, float]]) -> tuple[Curve, ...]:
    """Put the curve of a trial together that has not ended.

    Args:
        series: Metric name to value by step.

    Returns:
        One curve, the mean where the trial has several seeds: theirs are known when it has ended.
        Epochs from 1 up to the last one before which nothing is missing: a batch may be half
        written while it is read. Empty before the first one.
    """
    results: list[EpochResult] = []
    while all(len(results) + 1 in series.get(metric, ()) for metric in SERIES.values()):
        epoch = len(results) + 1
        values = {field: from_mlflow(series[name][epoch]) for field, name in SERIES.items()}
        results.append(EpochResult(epoch=epoch, **values))
    return (tuple(results),) if results else ()


def from_mlflow(value: float) -> float:
    """Give back an infinity: MLflow's databases hold the largest finite number in its place."""
    return math.copysign(math.inf, value) if abs(value) == sys.float_info.max else value


def curve_tags(replicates: tuple[Curve, ...]) -> dict[str, str]:
    """The curves as rows of numbers, so many to a tag.

    Without curves the first tag is empty: it hides those of a life before a restart.
    """
    tags: dict[str, str] = {}
    for seed, curve in enumerate(replicates or ((),)):
        rows = [[getattr(result, field) for field in SERIES] for result in curve]
        for start in range(0, len(rows) + 1, _EPOCHS_PER_TAG):
            tags[_name(seed, start + 1)] = json.dumps(rows[start : start + _EPOCHS_PER_TAG])
    return tags


def curves_from_tags(tags: Mapping[str, str]) -> tuple[Curve, ...]:
    """Read what `curve_tags` wrote.

    Raises:
        KeyError: A tag is missing.
        RecursionError: A tag is malformed.
        TypeError: A row is malformed.
        ValueError: A row is malformed.
    """
    curves: list[Curve] = []
    while _name(len(curves), 1) in tags or not curves:
        curve = _curve_from_tags(tags, seed=len(curves))
        if not curve:
            break
        curves.append(curve)
    return tuple(curves)


def _curve_from_tags(tags: Mapping[str, str], seed: int) -> Curve:
    results: list[EpochResult] = []
    full = True
    while full:
        rows = json.loads(tags[_name(seed, len(results) + 1)])
        results += _epochs_from_rows(rows, first=len(results) + 1)
        full = len(rows) == _EPOCHS_PER_TAG
    return tuple(results)


def _epochs_from_rows(rows: Iterable[list[float]], first: int) -> list[EpochResult]:
    results: list[EpochResult] = []
    for epoch, row in enumerate(rows, start=first):
        # Not in a loop over SERIES: a study of ten thousand trials has half a million rows.
        try:
            val_accuracy, val_loss, train_loss, train_seconds, val_seconds = row
        except (TypeError, ValueError):
            text = f"{row!r:.80} does not hold the {len(SERIES)} numbers of epoch {epoch}"
            raise ValueError(text) from None
        for value in row:
            if type(value) is not float and type(value) is not int:
                raise TypeError(f"{value!r} in a row of epoch {epoch} is not a number")
        results.append(
            EpochResult(
                epoch=epoch,
                train_loss=train_loss,
                val_loss=val_loss,
                val_accuracy=val_accuracy,
                train_seconds=train_seconds,
                val_seconds=val_seconds,
            )
        )
    return results


def _name(seed: int, epoch: int) -> str:
    return f"{_TAG}{seed}.{epoch:04d}"
