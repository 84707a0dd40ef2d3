"""How a confirmation run is spelt in MLflow: a child run of the trial that it confirms.

It holds the parameters of its training run, the metrics `test_accuracy`, `published_test_accuracy`,
`train_loss`, `train_seconds`, `size_difference` and costs, and tags that name the trial, the layer
and the seed, with the state as a trial's run has it.
"""

import re
from collections.abc import Mapping

from pnn_core.config import ConfirmResult
from study.results.mlflow.curves import from_mlflow
from study.results.mlflow.encoding import (
    decode_retried,
    decode_value,
    decoding,
    encode_retried,
    encode_value,
    shortened,
)
from study.results.mlflow.trial_format import PARENT_TAG, decode_costs, run_name, study_wide_tags
from study.results.run_record import RunKey, RunRecord, RunState
from study.results.study_info import StudyInfo

CONFIRMS_TAG = "confirms_trial"
"""Tag of a confirmation run; its value is the trial's number."""


def confirmed_run_name(run: RunRecord) -> str:
    """Name of a confirmation run; it begins with its trial's."""
    return f"{run_name(run.trial)}-confirm-{run.layer}-seed-{run.seed}"


def confirmed_params(run: RunRecord) -> dict[str, str]:
    """Parameters of a confirmation run."""
    return {name: encode_value(value) for name, value in run.parameters.items()}


def new_confirmed_tags(info: StudyInfo, run: RunRecord, trial_run_id: str) -> dict[str, str]:
    """Tags that a confirmation run is born with and keeps."""
    return study_wide_tags(info) | {
        PARENT_TAG: trial_run_id,
        CONFIRMS_TAG: str(run.trial),
        "layer": run.layer,
        "seed": str(run.seed),
    }


def confirmed_state_tags(run: RunRecord) -> dict[str, str]:
    """Tags that follow its life."""
    return {
        "state": run.state.value,
        "device": run.device,
        "worker": run.worker,
        "reason": shortened(run.reason),
        "retried": encode_retried(run.retried),
    }


def confirmed_key(tags: Mapping[str, str]) -> RunKey | None:
    """Which confirmation run a run is; None where a tag holds something else.

    Raises:
        KeyError: A tag is missing.
    """
    trial, layer, seed = tags[CONFIRMS_TAG], tags["layer"], tags["seed"]
    if not re.fullmatch("[0-9]{1,9}", trial) or not re.fullmatch("[0-9]{1,40}", seed):
        return None
    return RunKey(int(trial), layer, int(seed))


def decode_confirmed(
    params: Mapping[str, str],
    tags: Mapping[str, str],
    metrics: Mapping[str, float],
    *,
    started_ms: int | None,
    ended_ms: int | None,
) -> RunRecord:
    """Read what the functions above wrote.

    Args:
        params: As logged.
        tags: As logged.
        metrics: Latest value of each.
        started_ms: The run's start, in milliseconds since 1970.
        ended_ms: Its end; it counts for one that has ended alone.

    Raises:
        DecodeError: Something is missing or malformed.
    """
    with decoding():
        key = confirmed_key(tags)
        if key is None:
            named = tags[CONFIRMS_TAG], tags["seed"]
            raise ValueError(f"the trial and the seed (={named!r:.80}) are not numbers")
        state = RunState(tags["state"])
        return RunRecord(
            key=key,
            state=state,
            parameters={name: decode_value(text) for name, text in params.items()},
            size_difference=metrics["size_difference"],
            costs=decode_costs(metrics),
            result=_decode_result(metrics) if state is RunState.COMPLETE else None,
            device=tags.get("device", ""),
            worker=tags.get("worker", ""),
            reason=tags.get("reason", ""),
            retried=decode_retried(tags.get("retried", "")),
            started_ms=started_ms,
            ended_ms=ended_ms if state.is_final else None,
        )


def _decode_result(metrics: Mapping[str, float]) -> ConfirmResult:
    return ConfirmResult(
        train_loss=from_mlflow(metrics["train_loss"]),
        test_accuracy=metrics["test_accuracy"],
        published_test_accuracy=metrics["published_test_accuracy"],
        train_seconds=metrics["train_seconds"],
    )
