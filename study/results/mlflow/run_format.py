"""Layout of a run in MLflow: what people see there, and the record that our readers take.

A study is an experiment of the same name, with one parent run and one child run per trial; a
confirmation is a child of the run of the trial that it confirms. A run holds

- parameters: every setting of the training run, under its plain name
- metrics with step = epoch, means over the seeds: `val_accuracy`, `val_loss`, `train_loss`,
  `epoch_train_seconds`, `epoch_val_seconds`
- final metrics: `learnable_params`, `mask_values`, `macs`, `train_seconds` (of all epochs), and
  `val_accuracy_std` over several seeds; of a confirmation `test_accuracy`,
  `published_test_accuracy`, `moved_test_accuracy`, `train_loss` and `size_difference`
- tags: `trial_number`, or `confirms_trial` and `layer`; `seed`, `state`, `device`, `reason`,
  `retried` (the reasons), `tuned` (the settings that were chosen for a confirmed network alone),
  `fallbacks` (what a GPU did without, and why), and the study's own, of which `study_id` tells our
  runs from others
- tags `pnn.*`, which the platform alone reads (`machine_tags`): `arithmetic` (`fused` or `torch`),
  `worker` (`host:pid`), the study's seed, versions of libraries, and `record.*`: the record as a
  document (`record_codec`), so many characters to a tag. It alone is read back; of a run that has
  not ended, its curve comes from the series.
- start and end: the run's own, from its proposal to its final state

The study's own run has the search's history as series, with the number of trials that have ended as
the step (`search_history`), the data set with its digest as its input, and a note (`study_note`).

The seconds of one epoch have names of their own, because one MLflow key cannot be both a series
and a total: so every objective's column in MLflow shows the value that the objective has here.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import replace

from pnn_core.config import (
    COST_METRICS,
    EPOCH_METRICS,
    EpochResult,
    lacking_metrics,
)
from study.results.earlier_documents import earlier_document
from study.results.layer_result import describe_tuned
from study.results.mlflow.encoding import (
    LONGEST_TAG,
    decoding,
    encode_value,
    from_mlflow,
    shortened,
)
from study.results.mlflow.machine_tags import machine_tags, without_prefix
from study.results.mlflow.study_format import PARENT_TAG, study_wide_tags
from study.results.mlflow.study_note import born_tags
from study.results.record_codec import record_from_json, record_to_json
from study.results.run_record import Curve, RunKey, RunRecord, RunState
from study.results.study_info import StudyInfo

TRIAL_NUMBER_TAG = "trial_number"
"""Tag of a trial's run; its value is the trial's number."""

CONFIRMS_TAG = "confirms_trial"
"""Tag of a confirmation; its value is the number of the trial."""

RUN_STATUS = {
    RunState.RUNNING: "RUNNING",
    RunState.PAUSED: "SCHEDULED",
    RunState.COMPLETE: "FINISHED",
    RunState.PRUNED: "KILLED",  # as Optuna's own MLflow callback has it
    RunState.FAILED: "FAILED",
}

ENDED = ("FINISHED", "FAILED", "KILLED")
"""MLflow's statuses of runs that have ended."""

SERIES = {
    name: name if metric.over_epochs == "last" else f"epoch_{name}"
    for name, metric in EPOCH_METRICS.items()
}
"""Metrics of an epoch, and the MLflow metric that carries each.

The first one is what MLflow's comparison page shows until another is chosen.
"""


def run_name(key: RunKey, first_seed: int | None = None) -> str:
    """Name a run; names sort as numbers do, and a confirmation's begins with its trial's.

    Args:
        key: Key of the run.
        first_seed: First fresh seed, from which seeds are counted; None where it is not known.
    """
    name = f"trial-{key.trial:04d}"
    if not key.is_confirmation:
        return name
    is_counted = first_seed is not None and key.seed >= first_seed
    number = f"{key.seed - first_seed + 1:02d}" if is_counted and first_seed else str(key.seed)
    return f"{name}-{key.layer}-seed-{number}"


def run_params(record: RunRecord) -> dict[str, str]:
    """Spell the parameters of a run."""
    return {name: encode_value(value) for name, value in record.parameters.items()}


def new_run_tags(info: StudyInfo, key: RunKey, parent_run_id: str) -> dict[str, str]:
    """Spell the tags that a run is born with and keeps."""
    own = {TRIAL_NUMBER_TAG: str(key.trial)}
    if key.is_confirmation:
        own = {CONFIRMS_TAG: str(key.trial), "layer": key.layer, "seed": str(key.seed)}
    return {PARENT_TAG: parent_run_id, **own, **study_wide_tags(info), **born_tags()}


def state_tags(record: RunRecord) -> dict[str, str]:
    """Spell the tags that follow a run's life: for people, and the whole record."""
    return {
        "state": record.state.value,
        "seed": str(record.seed if record.layer else record.parameters.get("seed", "")),
        "device": record.device,
        "reason": shortened(record.reason),
        "retried": shortened("\n".join(record.retried)),
        **({"fallbacks": shortened("\n".join(record.fallbacks))} if record.fallbacks else {}),
        **({"tuned": describe_tuned(record)} if record.tuning else {}),
        **machine_tags(
            {
                "arithmetic": record.arithmetic,
                "worker": record.worker,
                **_record_tags(record),
            }
        ),
    }


def final_metrics(record: RunRecord) -> dict[str, float]:
    """Return the metrics that are no series; before the end only those that stay as they are."""
    metrics = record.metrics()
    if not record.state.is_final:
        names = {"size_difference", *COST_METRICS}
    else:
        names = metrics.keys() - (set(SERIES.values()) if record.replicates else set())
    return {name: metrics[name] for name in metrics if name in names}


def epoch_metrics(result: EpochResult) -> dict[str, float]:
    """Return the metrics of one epoch, the mean over the seeds; their step is the epoch."""
    return {SERIES[name]: value for name, value in result.measured().items()}


def run_key(tags: Mapping[str, str]) -> RunKey | None:
    """Read the key of a run; None where a tag holds something else.

    Raises:
        KeyError: A tag is missing.
    """
    if CONFIRMS_TAG not in tags:
        return RunKey(int(tags[TRIAL_NUMBER_TAG])) if _is_number(tags[TRIAL_NUMBER_TAG]) else None
    trial, layer, seed = tags[CONFIRMS_TAG], tags["layer"], tags["seed"]
    if not _is_number(trial) or not _is_number(seed, digits=40):
        return None
    return RunKey(int(trial), layer, int(seed))


def decode_run(
    params: Mapping[str, str],
    tags: Mapping[str, str],
    metrics: Mapping[str, float],
    running_curves: tuple[Curve, ...],
    *,
    started_ms: int | None,
    ended_ms: int | None,
) -> RunRecord:
    """Read the record of a run.

    Args:
        params: Parameters, as logged; of runs of earlier versions alone.
        tags: Tags, as logged.
        metrics: Latest value of each metric; of runs of earlier versions alone.
        running_curves: Curves of a run that has not ended, from `curves_from_series`.
        started_ms: Start of the run, in milliseconds since 1970; of earlier versions alone.
        ended_ms: End of the run; of earlier versions alone.

    Raises:
        DecodeError: Something is missing or malformed, or of a newer version.
    """
    tags = without_prefix(tags)
    with decoding():
        key = run_key(tags)
        if key is None:
            named = {n: tags[n] for n in (TRIAL_NUMBER_TAG, CONFIRMS_TAG, "seed") if n in tags}
            raise ValueError(f"{named!r:.80} must be whole numbers")
        document = _record_document(tags)
        if document is None:
            times = {"started_ms": started_ms, "ended_ms": ended_ms}
            document = earlier_document(key, params, tags, metrics) | times
        record = replace(record_from_json(document), key=key)
        if record.state.is_final:
            return record
        return replace(record, replicates=running_curves, ended_ms=None)


def curves_from_series(series: Mapping[str, Mapping[int, float]]) -> tuple[Curve, ...]:
    """Put the curve of a run together that has not ended.

    Args:
        series: Metric name to value by step.

    Returns:
        One curve, the mean where the trial has several seeds: theirs are known when it has ended.
        Epochs from 1 up to the last one before which nothing is missing: a batch may be half
        written while it is read. Empty before the first one.
    """
    results: list[EpochResult] = []
    while True:
        epoch = len(results) + 1
        values = {
            name: from_mlflow(series[metric][epoch])
            for name, metric in SERIES.items()
            if epoch in series.get(metric, ())
        }
        if lacking_metrics(values):
            break
        results.append(EpochResult(epoch=epoch, **values))
    return (tuple(results),) if results else ()


def _record_tags(record: RunRecord) -> dict[str, str]:
    """Spell the record; without the curve before the end, which the series hold."""
    kept = record if record.state.is_final else replace(record, replicates=())
    text = json.dumps(record_to_json(kept), allow_nan=False, separators=(",", ":"))
    starts = range(0, len(text), LONGEST_TAG)
    return {_part(i): text[start : start + LONGEST_TAG] for i, start in enumerate(starts)}


def _record_document(tags: Mapping[str, str]) -> object:
    """Read the document of a record; None where there is none, as in earlier versions.

    What follows the document was left there by a longer one of an earlier life.
    """
    parts: list[str] = []
    while (part := _part(len(parts))) in tags:
        parts.append(tags[part])
    if not parts:
        return None
    try:
        document: object = json.JSONDecoder().raw_decode("".join(parts))[0]
    except ValueError as error:
        raise ValueError(f"the tags record.* hold no whole record: {error}") from error
    return document


def _part(number: int) -> str:
    return f"record.{number:04d}"


def _is_number(text: str, digits: int = 9) -> bool:
    return re.fullmatch(f"[0-9]{{1,{digits}}}", text) is not None
