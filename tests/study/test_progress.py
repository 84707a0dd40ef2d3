"""Progress says what is running, how much is done, the best so far and the time left."""

import io
import re

import pytest

from pnn_core.config import Costs, EpochResult
from study.progress import ProgressReport
from study.results.objective import parse_objectives
from study.results.record import TrialRecord, TrialState


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def result(epoch: int, accuracy: float = 0.5) -> EpochResult:
    return EpochResult(
        epoch=epoch,
        train_loss=1.0,
        val_loss=2.0 - accuracy,
        val_accuracy=accuracy,
        train_seconds=1.0,
        val_seconds=0.1,
    )


def record(number: int, state: TrialState, accuracy: float = 0.5, reason: str = "") -> TrialRecord:
    return TrialRecord(
        number=number,
        state=state,
        parameters={"mask_count": 4, "noise_level": 0.123456},
        costs=Costs(learnable_params=12345, mask_values=1, macs=1),
        replicates=((result(1, accuracy), result(2, accuracy)),),
        reason=reason,
    )


def run_two_of_three(report: ProgressReport) -> None:
    for number in range(2):
        report.trial_started(record(number, TrialState.RUNNING))
        report.epoch_finished(number, result(1))
    report.trial_ended(record(0, TrialState.COMPLETE, 0.75))
    report.trial_ended(record(1, TrialState.FAILED, reason="NonFiniteLossError: loss is nan [1]"))


def test_a_pipe_gets_one_plain_line_for_each_finished_trial(make_config) -> None:
    stream = io.StringIO()
    with ProgressReport(make_config(trials=3, epochs=2), stream) as report:
        run_two_of_three(report)
    first, second = stream.getvalue().splitlines()
    assert first.startswith(
        "trial 0 complete: val_accuracy 0.7500, 12,345 parameters (mask_count 4, noise_level 0.123)"
        "  [1/3 done, best val_accuracy 0.7500, "
    )
    assert first.endswith(" left]")
    assert second.startswith("trial 1 failed: NonFiniteLossError: loss is nan [1] (mask_count 4")
    assert "[2/3 done, 1 failed, best val_accuracy 0.7500, " in second
    assert "\x1b" not in stream.getvalue()


def test_a_terminal_sees_what_is_running(make_config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    stream = Terminal()
    with ProgressReport(make_config(trials=3, epochs=2), stream) as report:
        report.trial_started(record(0, TrialState.RUNNING))
        report.trial_started(record(1, TrialState.RUNNING))
        report.epoch_finished(1, result(1, accuracy=0.25))
        report._live.refresh()
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", stream.getvalue())
    assert "test: 0/3 done" in shown
    assert "trial 0: waiting for a worker" in shown
    assert "trial 1: epoch 1/2, val_accuracy 0.2500" in shown


@pytest.mark.parametrize(
    ("objective", "best"), [("val_loss", "best val_loss 1.2500"), ("val_accuracy", "0.7500")]
)
def test_the_best_is_the_first_objectives(make_config, objective: str, best: str) -> None:
    stream = io.StringIO()
    config = make_config(trials=2, objectives=parse_objectives(f"{objective},macs"))
    with ProgressReport(config, stream) as report:
        for number, accuracy in enumerate((0.75, 0.5)):
            report.trial_started(record(number, TrialState.RUNNING))
            report.trial_ended(record(number, TrialState.COMPLETE, accuracy))
    assert best in stream.getvalue().splitlines()[-1]


def test_what_a_failed_trial_left_out_counts_as_done(make_config) -> None:
    report = ProgressReport(make_config(trials=4, epochs=2), io.StringIO())
    run_two_of_three(report)
    report.trial_started(record(2, TrialState.RUNNING))
    report.epoch_finished(2, result(1))
    assert report._share_done() == (2 * 2 + 1) / (4 * 2)
