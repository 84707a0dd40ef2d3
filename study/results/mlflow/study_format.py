"""Layout of a study in MLflow: parameters, tags and metrics of its own run."""

import json
from collections.abc import Mapping
from typing import Any

from pnn_core.config import CLASSIFICATION, DatasetShape, ParameterValue
from pnn_core.parts.own_code import OwnCode
from study.results.mlflow.encoding import decode_value, decoding, encode_value
from study.results.mlflow.machine_tags import PREFIX, machine_tags, without_prefix
from study.results.objective import Objective
from study.results.planned_experiment import PlannedExperiment
from study.results.setting import Shown, kinds_of, options, spell
from study.results.settings import ShownSettings
from study.results.study_info import StudyInfo, StudySummary

STUDY_TAG = "pnn_study"
"""Tag of an experiment that is a study of this platform; its value is the study's name."""

STUDY_ID_TAG = "study_id"
"""Tag of the experiment and of every run of a study: other tools' runs do not have its value."""

PARENT_TAG = "mlflow.parentRunId"

_COMMIT_TAG = "mlflow.source.git.commit"
_VERSIONS_TAG = "versions"
"""Tag of every run: versions of libraries as JSON."""

_EARLIER_VERSION_TAG = "version."
"""Beginning of the tags that earlier versions had instead, one for each library."""

_IMAGE_TAGS = {
    "image_channels": "channels",
    "image_height": "height",
    "image_width": "width",
    "classes": "classes",
}
"""Tags of the parent run, and the field of a `DatasetShape` that each carries."""
_TASK_TAG = "task"
"""Tag of the parent run of a study of another task than classification."""
_RUNGS_TAG = "rungs"
"""Tag of the parent run of a study that stops trials early."""

_EXPERIMENT_TAG = "experiment"
"""Tag of the parent run of a planned experiment: its plan as JSON."""

_OWN_TAG = "own_code"
"""Tag of the parent run of a study with code of one's own: names and digests as JSON."""

_SEALED_RUNS = "sealed_runs"

SEALED_RUNS_TAG = f"{PREFIX}{_SEALED_RUNS}"
"""Tag of the parent run of a sealed experiment, which follows its confirmed runs."""

_CONTROLS_TAG = "controls_beforehand"
"""Tag of the parent run of a study that was confirmed: controls that were fixed first."""

_NUMBER_TAGS = ("confirm_beforehand", "first_fresh_seed", _SEALED_RUNS, "validation_images")
"""Tags of the parent run that are numbers, and fields of its `StudyInfo`."""


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
    numbers = {name: str(v) for name in _NUMBER_TAGS if (v := getattr(info, name)) is not None}
    rungs = {_RUNGS_TAG: ",".join(map(str, info.rungs))} if info.rungs else {}
    return {
        STUDY_TAG: info.name,
        STUDY_ID_TAG: info.study_id,
        "space": info.space,
        **settings,
        **_image_tags(info.images),
        **_commit_tag(info),
        **machine_tags(
            {
                **numbers,
                **rungs,
                **_given(_CONTROLS_TAG, info.controls_beforehand),
                **_given(
                    _EXPERIMENT_TAG, None if info.experiment is None else str(info.experiment)
                ),
                **({_OWN_TAG: json.dumps([c.recorded for c in info.own])} if info.own else {}),
                _VERSIONS_TAG: json.dumps(dict(info.versions)),
            }
        ),
    }


def decode_study(name: str, params: Mapping[str, str], tags: Mapping[str, str]) -> StudyInfo:
    """Read what `study_params` and `study_tags` wrote.

    Raises:
        DecodeError: Something is missing or malformed.
    """
    tags = without_prefix(tags)
    with decoding():
        return StudyInfo(
            name=name,
            study_id=tags.get(STUDY_ID_TAG, ""),
            git_commit=tags.get(_COMMIT_TAG, ""),
            versions=_decode_versions(tags),
            space=str(decode_value(params["space"])),
            images=_decode_images(tags),
            rungs=_decode_rungs(tags),
            controls_beforehand=tags.get(_CONTROLS_TAG),
            experiment=PlannedExperiment.parse(tags[_EXPERIMENT_TAG])
            if _EXPERIMENT_TAG in tags
            else None,
            own=tuple(map(OwnCode.of_record, json.loads(tags.get(_OWN_TAG, "[]")))),
            **_decode_settings(params, tags),
            **_decode_numbers(tags),
        )


def summary_metrics(summary: StudySummary) -> dict[str, float]:
    """Metrics of the parent run once the study has stopped."""
    metrics: dict[str, float] = {
        "trials_complete": summary.complete,
        "trials_pruned": summary.pruned,
        "trials_failed": summary.failed,
        "front_size": summary.front_size,
    }
    if summary.best is not None:
        # Not the metric itself: the parent would stand as one more trial in MLflow's charts.
        metrics[f"best_{summary.task.validated}"] = summary.best
    return metrics


def study_wide_tags(info: StudyInfo) -> dict[str, str]:
    """Tags that all runs of a study share."""
    return {
        STUDY_ID_TAG: info.study_id,
        "space": info.space,
        "dataset": info.dataset,
        **_commit_tag(info),
        **machine_tags(
            {
                "study_seed": str(info.seed),  # a trial's own seed is its tag and parameter `seed`
                _VERSIONS_TAG: json.dumps(dict(info.versions)),
            }
        ),
    }


def _commit_tag(info: StudyInfo) -> dict[str, str]:
    return {_COMMIT_TAG: info.git_commit} if info.git_commit else {}


def _given(name: str, text: str | None) -> dict[str, str]:
    return {} if text is None else {name: text}


def _decode_versions(tags: Mapping[str, str]) -> dict[str, str]:
    """Read the versions of libraries."""
    if _VERSIONS_TAG in tags:
        return {str(name): str(text) for name, text in json.loads(tags[_VERSIONS_TAG]).items()}
    begins = _EARLIER_VERSION_TAG
    return {n.removeprefix(begins): text for n, text in tags.items() if n.startswith(begins)}


def _image_tags(images: DatasetShape | None) -> dict[str, str]:
    if images is None:
        return {}
    task = {} if images.task == CLASSIFICATION else {_TASK_TAG: images.task}
    return {tag: str(getattr(images, field)) for tag, field in _IMAGE_TAGS.items()} | task


def _decode_images(tags: Mapping[str, str]) -> DatasetShape | None:
    """Read the images' shape; None where there is no word of it."""
    if not tags.keys() & _IMAGE_TAGS.keys():
        return None
    counts = {field: int(tags[tag]) for tag, field in _IMAGE_TAGS.items()}
    return DatasetShape(
        channels=counts["channels"],
        height=counts["height"],
        width=counts["width"],
        classes=counts["classes"],
        task=tags.get(_TASK_TAG, CLASSIFICATION),
    )


def _plain(value: ParameterValue | tuple[Objective, ...]) -> ParameterValue:
    return spell(value) if isinstance(value, tuple) else value


def _decode_settings(params: Mapping[str, str], tags: Mapping[str, str]) -> dict[str, Any]:
    """Read the settings; those that an older study may lack keep their defaults.

    A setting that grows today was a parameter before it could.
    """
    kinds, settings = kinds_of(ShownSettings), {}
    for name, declared in options(ShownSettings).items():
        was_param = name in params and name not in tags
        texts = params if Shown.PARAMETER in declared.shown or was_param else tags
        if declared.may_lack and name not in texts:
            continue
        if declared.read is not None:
            settings[name] = declared.read(texts[name])
        elif bool in kinds[name]:
            settings[name] = texts[name] == str(True)
        elif int in kinds[name]:
            settings[name] = int(texts[name])
        else:
            value = decode_value(texts[name])
            settings[name] = str(value) if str in kinds[name] else value
    return settings


def _decode_numbers(tags: Mapping[str, str]) -> dict[str, Any]:
    """Read the facts that are numbers; nothing where there is no word of them."""
    return {name: int(tags[name]) for name in _NUMBER_TAGS if name in tags}


def _decode_rungs(tags: Mapping[str, str]) -> tuple[int, ...]:
    """Read where trials are compared; nowhere where there is no word of it."""
    return tuple(map(int, tags[_RUNGS_TAG].split(","))) if _RUNGS_TAG in tags else ()
