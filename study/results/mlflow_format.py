"""How a study and its trials are spelt in MLflow: parameters, tags and metrics of runs.

A study is an experiment of the same name, with one parent run and one child run per trial. A
trial's run holds

- parameters: every setting of the training run, under its plain name
- metrics with step = epoch: `val_accuracy`, `val_loss`, `train_loss`, `epoch_train_seconds`,
  `epoch_val_seconds`
- final metrics: `learnable_params`, `mask_values`, `macs`, `train_seconds` (the trial's total)
- tags: `state`, `trial_number`, `device`, `reason`, `epochs.*` (the curve), and the study's own

The seconds of one epoch have names of their own, because one MLflow key cannot be both a series
and a total: so every objective's column in MLflow shows the value that the objective has here.
"""

import json
import math
import sys
from collections.abc import Iterable, Mapping

from pnn_core.config import Costs, EpochResult, ParameterValue
from study.results.objective import parse_objectives
from study.results.record import TrialRecord, TrialState
from study.results.study_info import StudyInfo, StudySummary

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

STUDY_TAG = "pnn_study"
"""Tag of an experiment that is a study of this platform; its value is the study's name."""

TRIAL_NUMBER_TAG = "trial_number"
PARENT_TAG = "mlflow.parentRunId"

RUN_STATUS = {
    TrialState.RUNNING: "RUNNING",
    TrialState.COMPLETE: "FINISHED",
    TrialState.PRUNED: "KILLED",  # as Optuna's own MLflow callback has it
    TrialState.FAILED: "FAILED",
}

_COMMIT_TAG = "mlflow.source.git.commit"
_VERSION_TAG = "version."
_EPOCHS_TAG = "epochs."
_EPOCHS_PER_TAG = 32
_LONGEST_TAG = 5000  # what MLflow 2 accepts; MLflow 3 cuts silently at 8000

_STUDY_TEXTS = ("space", "dataset", "sampler", "scheduler")
_STUDY_NUMBERS = ("seed", "epochs")


class DecodeError(ValueError):
    """A run does not hold what a study or a trial needs."""


def run_name(number: int) -> str:
    """Name of a trial's run; names sort as numbers do."""
    return f"trial-{number:04d}"


def encode_value(value: ParameterValue) -> str:
    """Spell a parameter so that `decode_value` gives it back with its type.

    Numbers stay plain, so that MLflow compares them as numbers. A text is quoted only where it
    could be read as something else.
    """
    if isinstance(value, str):
        return value if value and not _is_json(value) else json.dumps(value)
    return json.dumps(value)


def decode_value(text: str) -> ParameterValue:
    """Read a parameter: the inverse of `encode_value`."""
    if not _is_json(text):
        return text
    value: ParameterValue = json.loads(text)
    return value


def study_params(info: StudyInfo) -> dict[str, str]:
    """Parameters of the parent run: what a study can never change."""
    named = {name: getattr(info, name) for name in (*_STUDY_TEXTS, *_STUDY_NUMBERS)}
    return {name: encode_value(value) for name, value in named.items()} | {
        "objectives": ",".join(objective.name for objective in info.objectives)
    }


def study_tags(info: StudyInfo) -> dict[str, str]:
    """Tags of the parent run: what a resumed study may change."""
    return {
        STUDY_TAG: info.name,
        "trials": str(info.trials),
        "space": info.space,
        "dataset": info.dataset,
        "seed": str(info.seed),
        **_provenance_tags(info),
    }


def decode_study(name: str, params: Mapping[str, str], tags: Mapping[str, str]) -> StudyInfo:
    """Read what `study_params` and `study_tags` wrote.

    Raises:
        DecodeError: Something is missing or malformed.
    """
    try:
        return StudyInfo(
            name=name,
            trials=int(tags["trials"]),
            objectives=parse_objectives(params["objectives"]),
            git_commit=tags.get(_COMMIT_TAG, ""),
            versions={
                tag.removeprefix(_VERSION_TAG): value
                for tag, value in tags.items()
                if tag.startswith(_VERSION_TAG)
            },
            space=str(decode_value(params["space"])),
            dataset=str(decode_value(params["dataset"])),
            sampler=str(decode_value(params["sampler"])),
            scheduler=str(decode_value(params["scheduler"])),
            seed=int(params["seed"]),
            epochs=int(params["epochs"]),
        )
    except KeyError as error:
        raise DecodeError(f"{error.args[0]} is missing") from error
    except ValueError as error:
        raise DecodeError(str(error)) from error


def summary_metrics(summary: StudySummary) -> dict[str, float]:
    """Metrics of the parent run once the study has stopped."""
    metrics: dict[str, float] = {
        "trials_complete": summary.complete,
        "trials_pruned": summary.pruned,
        "trials_failed": summary.failed,
        "front_size": summary.front_size,
    }
    if summary.best_val_accuracy is not None:
        # Not `val_accuracy`: the parent would stand as one more trial in MLflow's charts.
        metrics["best_val_accuracy"] = summary.best_val_accuracy
    return metrics


def trial_params(record: TrialRecord) -> dict[str, str]:
    """Parameters of a trial's run."""
    return {name: encode_value(value) for name, value in record.parameters.items()}


def new_trial_tags(info: StudyInfo, number: int, parent_run_id: str) -> dict[str, str]:
    """Tags that a trial's run is born with and keeps."""
    return {
        PARENT_TAG: parent_run_id,
        TRIAL_NUMBER_TAG: str(number),
        "space": info.space,
        "dataset": info.dataset,
        "study_seed": str(info.seed),  # a trial's own seed is its tag and parameter `seed`
        **_provenance_tags(info),
    }


def state_tags(record: TrialRecord) -> dict[str, str]:
    """Tags that follow a trial's life.

    A trial that has ended carries its whole curve as well, so that a study of a thousand trials
    is read with one request instead of five thousand.
    """
    reason = record.reason
    if len(reason) > _LONGEST_TAG:
        note = f" … [cut: {len(reason)} characters]"
        reason = reason[: _LONGEST_TAG - len(note)] + note
    tags = {
        "state": record.state.value,
        "seed": str(record.parameters.get("seed", "")),
        "device": record.device,
        "reason": reason,
    }
    return tags if record.state is TrialState.RUNNING else tags | _epoch_tags(record.epochs)


def epoch_metrics(result: EpochResult) -> dict[str, float]:
    """Metrics of one epoch; their step is the epoch."""
    return {metric: getattr(result, field) for field, metric in SERIES.items()}


def final_metrics(record: TrialRecord) -> dict[str, float]:
    """Metrics that are no series."""
    return {name: value for name, value in record.metrics().items() if name not in SERIES.values()}


def decode_trial(
    params: Mapping[str, str],
    tags: Mapping[str, str],
    metrics: Mapping[str, float],
    running_epochs: tuple[EpochResult, ...],
) -> TrialRecord:
    """Read a trial from its run.

    Args:
        params: As logged.
        tags: As logged.
        metrics: Latest value of each.
        running_epochs: The curve of a running trial, from `epochs_from_series`; a trial that has
            ended carries its own.

    Raises:
        DecodeError: Something is missing or malformed.
    """
    try:
        state = TrialState(tags["state"])
        running = state is TrialState.RUNNING
        return TrialRecord(
            number=int(tags[TRIAL_NUMBER_TAG]),
            state=state,
            parameters={name: decode_value(text) for name, text in params.items()},
            costs=_decode_costs(metrics),
            epochs=running_epochs if running else _decode_epoch_tags(tags),
            device=tags.get("device", ""),
            reason=tags.get("reason", ""),
        )
    except KeyError as error:
        raise DecodeError(f"{error.args[0]} is missing") from error
    except (TypeError, ValueError) as error:
        raise DecodeError(str(error)) from error


def epochs_from_series(series: Mapping[str, Mapping[int, float]]) -> tuple[EpochResult, ...]:
    """Put a running trial's curve together.

    Args:
        series: Metric name to value by step.

    Returns:
        Epochs from 1 up to the last one before which nothing is missing: a batch may be half
        written while it is read.
    """
    results: list[EpochResult] = []
    while all(len(results) + 1 in series.get(metric, ()) for metric in SERIES.values()):
        epoch = len(results) + 1
        values = {field: from_mlflow(series[name][epoch]) for field, name in SERIES.items()}
        results.append(EpochResult(epoch=epoch, **values))
    return tuple(results)


def from_mlflow(value: float) -> float:
    """Give back an infinity: MLflow's databases hold the largest finite number in its place."""
    return math.copysign(math.inf, value) if abs(value) == sys.float_info.max else value


def _provenance_tags(info: StudyInfo) -> dict[str, str]:
    tags = {_VERSION_TAG + library: version for library, version in info.versions.items()}
    return tags | ({_COMMIT_TAG: info.git_commit} if info.git_commit else {})


def _epoch_tags(epochs: tuple[EpochResult, ...]) -> dict[str, str]:
    """The curve as rows of numbers, so many to a tag; the last tag is the one that is not full."""
    rows = [[getattr(result, field) for field in SERIES] for result in epochs]
    return {
        f"{_EPOCHS_TAG}{start + 1:04d}": json.dumps(rows[start : start + _EPOCHS_PER_TAG])
        for start in range(0, len(rows) + 1, _EPOCHS_PER_TAG)
    }


def _decode_epoch_tags(tags: Mapping[str, str]) -> tuple[EpochResult, ...]:
    results: list[EpochResult] = []
    full = True
    while full:
        rows = json.loads(tags[f"{_EPOCHS_TAG}{len(results) + 1:04d}"])
        results += _epochs_from_rows(rows, first=len(results) + 1)
        full = len(rows) == _EPOCHS_PER_TAG
    return tuple(results)


def _epochs_from_rows(rows: Iterable[list[float]], first: int) -> list[EpochResult]:
    return [
        EpochResult(epoch=epoch, **dict(zip(SERIES, row, strict=True)))
        for epoch, row in enumerate(rows, start=first)
    ]


def _decode_costs(metrics: Mapping[str, float]) -> Costs | None:
    names = ("learnable_params", "mask_values", "macs")
    if not any(name in metrics for name in names):
        return None
    learnable_params, mask_values, macs = (int(metrics[name]) for name in names)
    return Costs(learnable_params=learnable_params, mask_values=mask_values, macs=macs)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
