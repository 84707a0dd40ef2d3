"""How a confirmation run is spelt in MLflow: a child run of the trial that it confirms.

It holds the parameters of its training run, the metrics `test_accuracy`, `published_test_accuracy`,
`train_loss`, `train_seconds`, `size_difference` and costs, and tags that name the trial, the layer
and the seed.
"""

from collections.abc import Mapping

from pnn_core.config import ConfirmResult
from study.results.confirmed_run import ConfirmedRun
from study.results.mlflow_format import (
    PARENT_TAG,
    DecodeError,
    decode_costs,
    decode_value,
    encode_value,
    run_name,
    shortened,
    study_wide_tags,
)
from study.results.record import TrialState
from study.results.study_info import StudyInfo

CONFIRMS_TAG = "confirms_trial"
"""Tag of a confirmation run; its value is the trial's number."""


def confirmed_run_name(run: ConfirmedRun) -> str:
    """Name of a confirmation run; it begins with its trial's."""
    return f"{run_name(run.trial)}-confirm-{run.layer}-seed-{run.seed}"


def confirmed_params(run: ConfirmedRun) -> dict[str, str]:
    """Parameters of a confirmation run."""
    return {name: encode_value(value) for name, value in run.parameters.items()}


def confirmed_tags(info: StudyInfo, run: ConfirmedRun, trial_run_id: str) -> dict[str, str]:
    """Tags of a confirmation run; empty ones are left out."""
    tags = study_wide_tags(info) | {
        PARENT_TAG: trial_run_id,
        CONFIRMS_TAG: str(run.trial),
        "layer": run.layer,
        "seed": str(run.seed),
        "state": run.state.value,
        "device": run.device,
        "reason": shortened(run.reason),
    }
    return {name: value for name, value in tags.items() if value}


def decode_confirmed(
    params: Mapping[str, str], tags: Mapping[str, str], metrics: Mapping[str, float]
) -> ConfirmedRun:
    """Read what the functions above wrote.

    Raises:
        DecodeError: Something is missing or malformed.
    """
    try:
        state = TrialState(tags["state"])
        return ConfirmedRun(
            trial=int(tags[CONFIRMS_TAG]),
            layer=tags["layer"],
            seed=int(tags["seed"]),
            state=state,
            parameters={name: decode_value(text) for name, text in params.items()},
            size_difference=metrics["size_difference"],
            costs=decode_costs(metrics),
            result=_decode_result(metrics) if state is TrialState.COMPLETE else None,
            device=tags.get("device", ""),
            reason=tags.get("reason", ""),
        )
    except KeyError as error:
        raise DecodeError(f"{error.args[0]} is missing") from error
    except ValueError as error:
        raise DecodeError(str(error)) from error


def _decode_result(metrics: Mapping[str, float]) -> ConfirmResult:
    return ConfirmResult(
        train_loss=metrics["train_loss"],
        test_accuracy=metrics["test_accuracy"],
        published_test_accuracy=metrics["published_test_accuracy"],
        train_seconds=metrics["train_seconds"],
    )
