"""Progress says what is running, how much is done, the best so far and the time left."""

import io
import re
from dataclasses import replace

import pytest

from pnn_core.config import ConfirmResult, Costs, EpochResult
from study.config import StudyConfig
from study.execution.progress import ProgressReport
from study.results.early_stop import EarlyStop, StopCause
from study.results.objective import parse_objectives
from study.results.run_record import RunKey, RunRecord, RunState
from study.results.timestamps import now_ms
from study.stopping.rungs import Rungs


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def report_on(config: StudyConfig, stream: io.StringIO) -> ProgressReport:
    return ProgressReport(config, stream, attempts=3)


def result(epoch: int, accuracy: float = 0.5, train_seconds: float = 1.0) -> EpochResult:
    return EpochResult(
        epoch=epoch,
        train_loss=1.0,
        val_loss=2.0 - accuracy,
        val_accuracy=accuracy,
        train_seconds=train_seconds,
        val_seconds=0.1,
    )


def stopped_at(epoch: int) -> EarlyStop:
    return EarlyStop(epoch=epoch, cause=StopCause.RANK, rank=3, of=3, admitted=1)


def record(
    number: int,
    state: RunState,
    accuracy: float = 0.5,
    reason: str = "",
    retried: tuple[str, ...] = (),
    started_ms: int | None = None,
    stop: EarlyStop | None = None,
) -> RunRecord:
    return RunRecord(
        key=RunKey(number),
        state=state,
        parameters={"mask_count": 4, "noise_level": 0.123456},
        costs=Costs(learnable_params=12345, mask_values=1, macs=1),
        replicates=((result(1, accuracy), result(2, accuracy)),),
        stop=stop,
        reason=reason,
        retried=retried,
        started_ms=started_ms,
    )


def confirmed(seed: int, state: RunState, retried: tuple[str, ...] = ()) -> RunRecord:
    finished = ConfirmResult(
        train_loss=1.0,
        test_accuracy=0.5,
        published_test_accuracy=0.5,
        train_seconds=1.0,
    )
    return RunRecord(
        key=RunKey(0, "conv1x1", seed),
        state=state,
        parameters={},
        costs=Costs(learnable_params=12345, mask_values=1, macs=1),
        size_difference=0.0,
        result=finished if state is RunState.COMPLETE else None,
        retried=retried,
    )


class Clock:
    """Time that passes when it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seconds = 1000.0
        monkeypatch.setattr("time.monotonic", lambda: self.seconds)
        monkeypatch.setattr("study.execution.tally.now_ms", lambda: int(self.seconds * 1000))


def run_two_of_three(report: ProgressReport) -> None:
    for number in range(2):
        report.run_started(record(number, RunState.RUNNING))
        report.epoch_finished(RunKey(number), result(1))
    report.run_ended(record(0, RunState.COMPLETE, 0.75))
    report.run_ended(record(1, RunState.FAILED, reason="NonFiniteLossError: loss is nan [1]"))


def test_a_pipe_gets_one_plain_line_for_each_finished_trial(make_config) -> None:
    stream = io.StringIO()
    with report_on(make_config(trials=3, epochs=2), stream) as report:
        run_two_of_three(report)
    first, second = stream.getvalue().splitlines()
    assert first.startswith(
        "trial 0 complete: val_accuracy 0.7500, 12,345 parameters (mask_count 4, noise_level 0.123)"
        "  [search 1/3, best val_accuracy 0.7500, about "
    )
    assert first.endswith(" left]")
    assert second.startswith("trial 1 failed: NonFiniteLossError: loss is nan [1] (mask_count 4")
    assert "[search 2/3, 1 failed, best val_accuracy 0.7500, about " in second
    assert "\x1b" not in stream.getvalue()


def test_a_terminal_sees_what_is_running(make_config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    stream = Terminal()
    with report_on(make_config(trials=3, epochs=2), stream) as report:
        report.run_started(record(0, RunState.RUNNING))
        report.run_started(record(1, RunState.RUNNING))
        report.epoch_finished(RunKey(1), result(1, accuracy=0.25))
        report._live.refresh()
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", stream.getvalue())
    assert "test: search 0/3" in shown
    assert "\n  trial 0: waiting for a worker" in shown.replace("\r", "")
    assert "trial 1: epoch 1/2, val_accuracy 0.2500" in shown


def test_a_stop_is_told_with_its_reason_and_counted_apart(make_config) -> None:
    stream = io.StringIO()
    with report_on(make_config(trials=3, epochs=9), stream) as report:
        report.run_started(record(0, RunState.RUNNING))
        report.run_ended(record(0, RunState.PRUNED, stop=stopped_at(1)))
    (line,) = stream.getvalue().splitlines()
    assert line.startswith(f"trial 0 pruned: {stopped_at(1)} (mask_count 4, noise_level 0.123)")
    assert "[search 1/3, 1 stopped early" in line


def test_a_terminal_sees_where_trials_were_stopped_and_which_rung_is_next(
    make_config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    stream = Terminal()
    rungs = Rungs(first=1, reduction_factor=3, epochs=9)
    with report_on(make_config(trials=9, epochs=9, rungs=rungs), stream) as report:
        for number, epoch in enumerate((1, 3, 1)):
            report.run_started(record(number, RunState.RUNNING))
            report.run_ended(record(number, RunState.PRUNED, stop=stopped_at(epoch)))
        for number, epoch in ((3, 1), (4, 3)):
            report.run_started(record(number, RunState.RUNNING))
            report.epoch_finished(RunKey(number), result(epoch))
        report._live.refresh()
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", stream.getvalue())
    assert "test: search 3/9, 3 stopped early" in shown
    assert "stopped early: 2 at epoch 1, 1 at epoch 3" in shown
    assert "trial 3: epoch 1/9 (next rung 3), val_accuracy 0.5000" in shown
    assert "trial 4: epoch 3/9, val_accuracy 0.5000" in shown


@pytest.mark.parametrize(
    ("objective", "best"), [("val_loss", "best val_loss 1.2500"), ("val_accuracy", "0.7500")]
)
def test_the_best_is_the_first_objectives(make_config, objective: str, best: str) -> None:
    stream = io.StringIO()
    config = make_config(trials=2, objectives=parse_objectives(f"{objective},macs"))
    with report_on(config, stream) as report:
        for number, accuracy in enumerate((0.75, 0.5)):
            report.run_started(record(number, RunState.RUNNING))
            report.run_ended(record(number, RunState.COMPLETE, accuracy))
    assert best in stream.getvalue().splitlines()[-1]


def test_what_a_failed_trial_left_out_counts_as_done(make_config) -> None:
    report = report_on(make_config(trials=4, epochs=2), io.StringIO())
    run_two_of_three(report)
    report.run_started(record(2, RunState.RUNNING))
    report.epoch_finished(RunKey(2), result(1))
    assert report._tally.share_done() == (2 * 2 + 1) / (4 * 2)


def test_restored_trials_count_as_done_in_one_line(make_config) -> None:
    stream = io.StringIO()
    with report_on(make_config(trials=4, epochs=2), stream) as report:
        report.run_restored(record(0, RunState.COMPLETE, 0.75))
        report.run_restored(record(1, RunState.FAILED))
        for number in (2, 3):
            report.run_started(record(number, RunState.RUNNING))
        report.run_ended(record(2, RunState.COMPLETE, 0.5))
    first, second = stream.getvalue().splitlines()
    assert first == "2 of 4 trials were done before"
    assert "[search 3/4, 1 failed, best val_accuracy 0.7500, " in second


def test_a_study_with_nothing_left_to_do_says_so(make_config) -> None:
    stream = io.StringIO()
    with report_on(make_config(trials=1), stream) as report:
        report.run_restored(record(0, RunState.COMPLETE))
    assert stream.getvalue() == "1 of 1 trials were done before\n"


def test_the_time_left_is_that_of_the_new_work_alone(make_config, monkeypatch) -> None:
    """Ten trials restored and one trained in 60 s: nine are left, 9 · 60 s."""
    clock = Clock(monkeypatch)
    stream = io.StringIO()
    report = report_on(make_config(trials=20, epochs=2), stream)
    for number in range(10):
        report.run_restored(record(number, RunState.COMPLETE))
    report.run_started(record(10, RunState.RUNNING))
    assert report._tally.progress().seconds_left is None
    clock.seconds += 60
    report.run_ended(record(10, RunState.COMPLETE))
    assert report._tally.progress().seconds_left == 9 * 60
    assert stream.getvalue().endswith(" about 9 min left]\n")


@pytest.mark.parametrize(
    ("started_ms", "seconds", "new_epochs"), [(999_999, 9.5, 1), (1_000_000, 10.0, 9)]
)
def test_epochs_that_an_earlier_life_finished_are_no_new_work(
    make_config, monkeypatch, started_ms: int, seconds: float, new_epochs: int
) -> None:
    """Eight of ten epochs are told at once, the ninth 9.5 s later; eleven more wait."""
    clock = Clock(monkeypatch)
    report = report_on(make_config(trials=2, epochs=10), io.StringIO())
    report.run_started(record(0, RunState.RUNNING, started_ms=started_ms))
    clock.seconds += 0.5
    for epoch in range(1, 9):
        report.epoch_finished(RunKey(0), result(epoch))
    clock.seconds += 9.5
    report.epoch_finished(RunKey(0), result(9, train_seconds=9.4))
    assert report._tally.progress().seconds_left == pytest.approx(seconds * 11 / new_epochs)


def test_epochs_that_a_tuned_run_finished_in_an_earlier_life_are_no_new_work(
    make_config, monkeypatch
) -> None:
    """Eight of ten epochs are told at once, the ninth takes 9.5 s; eleven more wait."""
    clock = Clock(monkeypatch)
    report = report_on(make_config(trials=1, epochs=10), io.StringIO())
    report.run_restored(record(0, RunState.COMPLETE))
    report.retraining_planned(2, "tuned")
    key = RunKey(0, "conv1x1", 0, grid_point=1)
    report.run_started(replace(record(0, RunState.RUNNING), key=key, started_ms=now_ms()))
    for epoch in range(1, 9):
        report.epoch_finished(key, result(epoch))
    clock.seconds += 10
    report.epoch_finished(key, result(9, train_seconds=9.4))
    assert report._tally.progress().seconds_left == pytest.approx(11 * 9.5)


def test_a_confirmed_run_that_goes_on_in_its_last_epoch_is_an_epoch_of_new_work(
    make_config, monkeypatch
) -> None:
    """Its end is all that is told of it: 1 epoch in 30 s, and another run of 10 waits."""
    clock = Clock(monkeypatch)
    config = make_config(trials=1, epochs=10, confirm=2)
    first = config.fresh_seeds.start
    report = report_on(config, io.StringIO())
    report.run_restored(record(0, RunState.COMPLETE))
    report.retraining_planned(2, "confirmed")
    report.run_started(confirmed(first, RunState.RUNNING))
    clock.seconds += 30
    report.run_ended(confirmed(first, RunState.COMPLETE))
    assert report._tally.progress().seconds_left == pytest.approx(10 * 30)


def test_retried_and_paused_trials_are_told(make_config) -> None:
    stream = io.StringIO()
    with report_on(make_config(trials=5, epochs=4), stream) as report:
        report.run_started(record(3, RunState.RUNNING))
        # The first reason is an earlier life's, whose attempts do not count.
        for reasons in (("old", "the worker [3] died"), ("old", "the worker [3] died", "again")):
            report.run_retried(record(3, RunState.RUNNING, retried=reasons))
            assert not report._tally.running
            report.run_started(record(3, RunState.RUNNING))
        report.run_moved(record(3, RunState.RUNNING, retried=("its node w1 is drained",)))
        report.run_started(record(3, RunState.RUNNING))
        report.run_paused(record(3, RunState.PAUSED))
        report.warned("the tracker [bold]is away[/bold]")
        assert not report._tally.running
    assert stream.getvalue().splitlines() == [
        "trial 3 tried again (attempt 2 of 3): the worker [3] died",
        "trial 3 tried again (attempt 3 of 3): again",
        "trial 3 goes on elsewhere: its node w1 is drained",
        "trial 3 paused: 2 of 4 epochs done",
        "warning: the tracker [bold]is away[/bold]",
    ]


def test_confirmation_runs_are_restored_retried_and_paused_alike(make_config, monkeypatch) -> None:
    """Three restored, one confirmed in 30 s, two are left; seeds are counted from 1."""
    clock = Clock(monkeypatch)
    stream = io.StringIO()
    config = make_config(trials=1, confirm=6)
    first = config.fresh_seeds.start
    with report_on(config, stream) as report:
        report.run_restored(record(0, RunState.COMPLETE))
        report.retraining_planned(6, "confirmed")
        for seed in range(3):
            report.run_restored(confirmed(first + seed, RunState.COMPLETE))
        for seed in (3, 4):
            report.run_started(confirmed(first + seed, RunState.RUNNING))
        report.run_retried(confirmed(first + 3, RunState.RUNNING, ("the worker died",)))
        clock.seconds += 15
        report.confirmation_advanced(confirmed(first + 4, RunState.RUNNING), 1, 1.5)
        clock.seconds += 15
        report.run_ended(confirmed(first + 4, RunState.COMPLETE))
        report.run_started(confirmed(first + 3, RunState.RUNNING))
        report.run_paused(confirmed(first + 3, RunState.PAUSED))
        assert not report._tally.running
    _, retried, ended, paused = stream.getvalue().splitlines()
    assert retried == (
        "confirm trial 0 conv1x1 seed 4 of 6 tried again (attempt 2 of 3): the worker died"
    )
    assert ended == (
        "confirm trial 0 conv1x1 seed 5 of 6 complete: 12,345 parameters, epoch 2/2, "
        "train_loss 1.0000, test_accuracy 0.5000  [search 1/1, confirm 4/6, about 60 s left]"
    )
    assert paused == "confirm trial 0 conv1x1 seed 4 of 6 paused"


def test_a_sealed_confirmation_shows_no_test_figure(make_config) -> None:
    stream = io.StringIO()
    config = make_config(trials=1, confirm=6)
    with ProgressReport(config, stream, attempts=3, sealed=True) as report:
        report.retraining_planned(6, "confirmed")
        report.run_ended(confirmed(config.fresh_seeds.start, RunState.COMPLETE))
    assert "epoch 2/2, train_loss 1.0000, sealed  [" in stream.getvalue()
    assert "test_accuracy" not in stream.getvalue()


@pytest.mark.parametrize("columns", [40, 120])
def test_a_terminal_sees_a_confirmation_advance(make_config, monkeypatch, columns: int) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", str(columns))
    stream = Terminal()
    config = make_config(trials=1, confirm=6)
    run = confirmed(config.fresh_seeds.start, RunState.RUNNING)
    with report_on(config, stream) as report:
        report.run_restored(record(0, RunState.COMPLETE))
        report.retraining_planned(6, "confirmed")
        report.run_started(run)
        report.confirmation_advanced(run, 1, 0.25)
        report._live.refresh()
    frames = re.sub(r"\x1b\[\d*A|\r", "\n", stream.getvalue())
    lines = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", frames).splitlines()
    assert max(map(len, lines)) <= columns
    shown = " ".join(" ".join(lines).split())
    assert "test: search 1/1, confirm 0/6, about 1 s left" in shown
    assert (
        "confirm trial 0 conv1x1 seed 1 of 6: epoch 1/2, train_loss 0.2500, 12,345 parameters"
    ) in shown


@pytest.mark.parametrize("variable", [("TERM", "dumb"), ("TTY_INTERACTIVE", "0")])
def test_a_screen_reader_gets_plain_lines(
    make_config, monkeypatch, variable: tuple[str, str]
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv(*variable)
    stream = Terminal()
    with report_on(make_config(trials=3, epochs=2), stream) as report:
        run_two_of_three(report)
    assert "\x1b" not in stream.getvalue()
    assert len(stream.getvalue().splitlines()) == 2


def test_a_terminal_sees_warnings_above_what_is_running(make_config, monkeypatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    with report_on(make_config(trials=3, epochs=2), stream) as report:
        report.run_restored(record(0, RunState.COMPLETE))
        report.run_started(record(1, RunState.RUNNING))
        report.warned("the disk is nearly full")
        report._live.refresh()
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", stream.getvalue())
    assert "warning: the disk is nearly full" in shown
    assert "test: search 1/3" in shown
    assert "were done before" not in shown
