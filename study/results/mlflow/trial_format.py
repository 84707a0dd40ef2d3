"""How a study and its trials are spelt in MLflow: parameters, tags and metrics of runs.

A study is an experiment of the same name, with one parent run and one child run per trial. A
trial's run holds

- parameters: every setting of the training run, under its plain name
- metrics with step = epoch, means over the seeds: `val_accuracy`, `val_loss`, `train_loss`,
  `epoch_train_seconds`, `epoch_val_seconds`
- final metrics: `learnable_params`, `mask_values`, `macs`, `train_seconds` (of all epochs), and
  `val_accuracy_std` over several seeds
- tags: `state`, `trial_number`, `device`, `worker` (`host:pid`), `reason`, `retried` (a JSON list
  of reasons), `epochs.*` (the curves), and the study's own, of which `study_id` tells our runs from
  others
- start and end: the trial's own, from its proposal to its final state

The seconds of one epoch have names of their own, because one MLflow key cannot be both a series
and a total: so every objective's column in MLflow shows the value that the objective has here.
"""

import re
from collections.abc import Mapping
from typing import Any

from pnn_core.config import Costs, DatasetShape, ParameterValue
from study.results.mlflow.curves import SERIES, curve_tags, curves_from_tags
from study.results.mlflow.encoding import (
    decode_retried,
    decode_value,
    decoding,
    encode_retried,
    encode_value,
    shortened,
)
from study.results.objective import Objective
from study.results.setting import Shown, kinds_of, options, spell
from study.results.settings import ShownSettings
from study.results.study_info import StudyInfo, StudySummary
from study.results.trial_record import Curve, TrialRecord, TrialState

STUDY_TAG = "pnn_study"
"""Tag of an experiment that is a study of this platform; its value is the study's name."""

STUDY_ID_TAG = "study_id"
"""Tag of the experiment and of every run of a study: other tools' runs do not have its value."""

TRIAL_NUMBER_TAG = "trial_number"
PARENT_TAG = "mlflow.parentRunId"

RUN_STATUS = {
    TrialState.RUNNING: "RUNNING",
    TrialState.PAUSED: "SCHEDULED",
    TrialState.COMPLETE: "FINISHED",
    TrialState.PRUNED: "KILLED",  # as Optuna's own MLflow callback has it
    TrialState.FAILED: "FAILED",
}

_COMMIT_TAG = "mlflow.source.git.commit"
_VERSION_TAG = "version."

COSTS = ("learnable_params", "mask_values", "macs")
_IMAGE_TAGS = {
    "image_channels": "channels",
    "image_height": "height",
    "image_width": "width",
    "classes": "classes",
}
"""Tags of the parent run, and the field of a `DatasetShape` that each carries."""
_RUNGS_TAG = "rungs"
"""Tag of the parent run of a study that stops trials early."""


def run_name(number: int) -> str:
    """Name of a trial's run; names sort as numbers do."""
    return f"trial-{number:04d}"


def study_params(info: StudyInfo) -> dict[str, str]:
    """Return the parameters of the parent run: what a study can never change."""
    return {"space": encode_value(info.space)} | {
        name: encode_value(_plain(getattr(info, name)))
        for name, declared in options(ShownSettings).items()
        if Shown.PARAMETER in declared.shown
    }


def study_tags(info: StudyInfo) -> dict[str, str]:
    """Return the tags of the parent run: what a resumed study may change or an older one lacks."""
    settings = {
        name: spell(getattr(info, name))
        for name, declared in options(ShownSettings).items()
        if Shown.TAG in declared.shown and getattr(info, name) is not None
    }
    rungs = {_RUNGS_TAG: ",".join(map(str, info.rungs))} if info.rungs else {}
    return {
        STUDY_TAG: info.name,
        STUDY_ID_TAG: info.study_id,
        "space": info.space,
        **settings,
        **_image_tags(info.images),
        **rungs,
        **_provenance_tags(info),
    }


def decode_study(name: str, params: Mapping[str, str], tags: Mapping[str, str]) -> StudyInfo:
    """Read what `study_params` and `study_tags` wrote.

    Raises:
        DecodeError: Something is missing or malformed.
    """
    with decoding():
        return StudyInfo(
            name=name,
            study_id=tags.get(STUDY_ID_TAG, ""),
            git_commit=tags.get(_COMMIT_TAG, ""),
            versions={
                tag.removeprefix(_VERSION_TAG): value
                for tag, value in tags.items()
                if tag.startswith(_VERSION_TAG)
            },
            space=str(decode_value(params["space"])),
            images=_decode_images(tags),
            rungs=_decode_rungs(tags),
            **_decode_settings(params, tags),
        )


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
        **study_wide_tags(info),
    }


def study_wide_tags(info: StudyInfo) -> dict[str, str]:
    """Tags that all runs of a study share."""
    return {
        STUDY_ID_TAG: info.study_id,
        "space": info.space,
        "dataset": info.dataset,
        "study_seed": str(info.seed),  # a trial's own seed is its tag and parameter `seed`
        **_provenance_tags(info),
    }


def state_tags(record: TrialRecord) -> dict[str, str]:
    """Tags that follow a trial's life; one that has ended carries its curves as well."""
    tags = {
        "state": record.state.value,
        "seed": str(record.parameters.get("seed", "")),
        "device": record.device,
        "worker": record.worker,
        "reason": shortened(record.reason),
        "retried": encode_retried(record.retried),
    }
    return tags | curve_tags(record.replicates) if record.state.is_final else tags


def final_metrics(record: TrialRecord) -> dict[str, float]:
    """Metrics that are no series; before a trial has ended only those that stay as they are."""
    metrics = record.metrics()
    names = metrics.keys() - set(SERIES.values()) if record.state.is_final else COSTS
    return {name: metrics[name] for name in metrics if name in names}


def decode_trial(
    params: Mapping[str, str],
    tags: Mapping[str, str],
    metrics: Mapping[str, float],
    running_curves: tuple[Curve, ...],
    *,
    started_ms: int | None,
    ended_ms: int | None,
) -> TrialRecord:
    """Read a trial from its run.

    Args:
        params: As logged.
        tags: As logged.
        metrics: Latest value of each.
        running_curves: Of a running or paused trial, from `curves_from_series`; one that has ended
            carries its own.
        started_ms: The run's start, in milliseconds since 1970.
        ended_ms: Its end; it counts for a trial that has ended alone.

    Raises:
        DecodeError: Something is missing or malformed.
    """
    with decoding():
        state = TrialState(tags["state"])
        number = trial_number(tags)
        if number is None:
            raise ValueError(f"trial_number (={tags[TRIAL_NUMBER_TAG]!r:.80}) is not a number")
        return TrialRecord(
            number=number,
            state=state,
            parameters={name: decode_value(text) for name, text in params.items()},
            costs=decode_costs(metrics),
            replicates=curves_from_tags(tags) if state.is_final else running_curves,
            device=tags.get("device", ""),
            worker=tags.get("worker", ""),
            reason=tags.get("reason", ""),
            retried=decode_retried(tags.get("retried", "")),
            started_ms=started_ms,
            ended_ms=ended_ms if state.is_final else None,
        )


def trial_number(tags: Mapping[str, str]) -> int | None:
    """The number of a trial's run; None where the tag holds something else.

    Raises:
        KeyError: There is no such tag.
    """
    text = tags[TRIAL_NUMBER_TAG]
    return int(text) if re.fullmatch("[0-9]{1,9}", text) else None


def _provenance_tags(info: StudyInfo) -> dict[str, str]:
    tags = {_VERSION_TAG + library: version for library, version in info.versions.items()}
    return tags | ({_COMMIT_TAG: info.git_commit} if info.git_commit else {})


def _image_tags(images: DatasetShape | None) -> dict[str, str]:
    if images is None:
        return {}
    return {tag: str(getattr(images, field)) for tag, field in _IMAGE_TAGS.items()}


def _decode_images(tags: Mapping[str, str]) -> DatasetShape | None:
    """Read the images' shape; None where there is no word of it."""
    if not tags.keys() & _IMAGE_TAGS.keys():
        return None
    return DatasetShape(**{field: int(tags[tag]) for tag, field in _IMAGE_TAGS.items()})


def _plain(value: ParameterValue | tuple[Objective, ...]) -> ParameterValue:
    return spell(value) if isinstance(value, tuple) else value


def _decode_settings(params: Mapping[str, str], tags: Mapping[str, str]) -> dict[str, Any]:
    """Read the settings; those that an older study may lack keep their defaults."""
    kinds, settings = kinds_of(ShownSettings), {}
    for name, declared in options(ShownSettings).items():
        texts = params if Shown.PARAMETER in declared.shown else tags
        if declared.may_lack and name not in texts:
            continue
        if declared.read is not None:
            settings[name] = declared.read(texts[name])
        elif int in kinds[name]:
            settings[name] = int(texts[name])
        else:
            value = decode_value(texts[name])
            settings[name] = str(value) if str in kinds[name] else value
    return settings


def _decode_rungs(tags: Mapping[str, str]) -> tuple[int, ...]:
    """Read where trials are compared; nowhere where there is no word of it."""
    return tuple(map(int, tags[_RUNGS_TAG].split(","))) if _RUNGS_TAG in tags else ()


def decode_costs(metrics: Mapping[str, float]) -> Costs | None:
    """Read costs; None where they were not known."""
    if not any(name in metrics for name in COSTS):
        return None
    learnable_params, mask_values, macs = (int(metrics[name]) for name in COSTS)
    return Costs(learnable_params=learnable_params, mask_values=mask_values, macs=macs)
