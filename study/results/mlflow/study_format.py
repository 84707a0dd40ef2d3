"""Layout of a study in MLflow: parameters, tags and metrics of its own run."""

from collections.abc import Mapping

from pnn_core.config import DatasetShape
from study.results.mlflow.encoding import decode_value, decoding, encode_value
from study.results.objective import parse_objectives
from study.results.study_info import StudyInfo, StudySummary

STUDY_TAG = "pnn_study"
"""Tag of an experiment that is a study of this platform; its value is the study's name."""

STUDY_ID_TAG = "study_id"
"""Tag of the experiment and of every run of a study: other tools' runs do not have its value."""

PARENT_TAG = "mlflow.parentRunId"

_COMMIT_TAG = "mlflow.source.git.commit"
_VERSION_TAG = "version."

_STUDY_TEXTS = ("space", "dataset", "sampler", "scheduler")
_STUDY_NUMBERS = ("seed", "epochs", "replicates", "confirm")
_IMAGE_TAGS = {
    "image_channels": "channels",
    "image_height": "height",
    "image_width": "width",
    "classes": "classes",
}
"""Tags of the parent run, and the field of a `DatasetShape` that each carries."""
_RUNGS_TAG, _FACTOR_TAG = "rungs", "reduction_factor"
"""Tags of the parent run of a study that stops trials early."""


def study_params(info: StudyInfo) -> dict[str, str]:
    """Parameters of the parent run: what a study can never change."""
    named = {name: getattr(info, name) for name in (*_STUDY_TEXTS, *_STUDY_NUMBERS)}
    return {name: encode_value(value) for name, value in named.items()} | {
        "objectives": ",".join(objective.name for objective in info.objectives)
    }


def study_tags(info: StudyInfo) -> dict[str, str]:
    """Tags of the parent run: what a resumed study may change, and what an older one lacks."""
    return {
        STUDY_TAG: info.name,
        STUDY_ID_TAG: info.study_id,
        "trials": str(info.trials),
        "space": info.space,
        "dataset": info.dataset,
        "seed": str(info.seed),
        **_image_tags(info.images),
        **_rung_tags(info),
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
            replicates=int(params["replicates"]),
            confirm=int(params["confirm"]),
            images=_decode_images(tags),
            rungs=_decode_rungs(tags),
            reduction_factor=int(tags[_FACTOR_TAG]) if _RUNGS_TAG in tags else None,
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


def study_wide_tags(info: StudyInfo) -> dict[str, str]:
    """Tags that all runs of a study share."""
    return {
        STUDY_ID_TAG: info.study_id,
        "space": info.space,
        "dataset": info.dataset,
        "study_seed": str(info.seed),  # a trial's own seed is its tag and parameter `seed`
        **_provenance_tags(info),
    }


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


def _rung_tags(info: StudyInfo) -> dict[str, str]:
    if not info.rungs:
        return {}
    return {
        _RUNGS_TAG: ",".join(map(str, info.rungs)),
        _FACTOR_TAG: str(info.reduction_factor),
    }


def _decode_rungs(tags: Mapping[str, str]) -> tuple[int, ...]:
    """Read where trials are compared; nowhere where there is no word of it."""
    return tuple(map(int, tags[_RUNGS_TAG].split(","))) if _RUNGS_TAG in tags else ()
