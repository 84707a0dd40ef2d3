"""What is asked of a running study is done between two steps, once, and answered."""

import time
from collections.abc import Callable

import pytest

from study.engine.interrupts import Interrupts
from study.execution.request_watch import RequestWatch
from study.execution.requests import Requests
from study.results.early_stop import EarlyStop, StopCause
from study.results.mlflow.background_writer import MlflowWriter
from study.results.mlflow.store import MlflowStore
from study.results.run_record import RunState
from study.results.study_request import Action, StudyRequest


class Asked:
    """Requests that are at hand at once, and their answers."""

    def __init__(self) -> None:
        self.waiting: list[StudyRequest] = []
        self.answers: list[str] = []
        self.paused: list[bool] = []

    def take(self) -> list[StudyRequest]:
        taken, self.waiting = self.waiting, []
        return taken

    def answer(self, request, said, *, is_paused) -> None:
        self.answers.append(said)
        self.paused.append(is_paused)


@pytest.fixture
def asked() -> Asked:
    return Asked()


@pytest.fixture
def attend(asked: Asked, make_config, live):
    """Has one request carried out for a study of four trials, two of which train."""
    life = live(make_config(trials=4, epochs=4))
    first, second = life.propose(), life.propose()
    interrupts = Interrupts()
    requests = Requests(asked, interrupts, lambda manager, point: None, print)

    def do(action: Action, **fields: object) -> str:
        asked.waiting.append(StudyRequest(action=action, **fields))
        requests.attend(life.manager)
        return asked.answers[-1]

    do.life, do.interrupts, do.numbers = life, interrupts, (first, second)
    return do


def test_a_paused_study_proposes_nothing_and_ends_nothing_until_it_is_continued(attend) -> None:
    life = attend.life
    assert attend(Action.PAUSE).startswith("No run begins")
    assert life.ask() is None
    assert life.manager.may_propose  # Tune waits
    for number in attend.numbers:
        life.complete(number)
    assert life.ask() is None
    assert life.manager.may_propose  # also where nothing trains any more
    assert attend(Action.CONTINUE) == "Runs begin again."
    assert life.ask() is not None


def test_a_trial_is_stopped_by_hand_after_its_epoch_and_its_record_says_so(attend) -> None:
    number = attend.numbers[0]
    assert attend(Action.STOP_TRIAL, trial=number).startswith(f"Trial {number} ends")
    assert not attend.life.report(number, 2, 0.5)
    (record,) = [r for r in attend.life.records if r.number == number]
    assert record.state is RunState.PRUNED
    assert record.stop == EarlyStop(epoch=2, cause=StopCause.REQUEST)
    assert record.reason == "stopped by hand after epoch 2"
    assert attend.life.report(attend.numbers[1], 2, 0.5)  # the other one goes on


@pytest.mark.parametrize("number", [9, 2])
def test_a_trial_that_does_not_train_is_not_stopped(attend, number: int) -> None:
    said = attend(Action.STOP_TRIAL, trial=number)
    assert said == f"Refused: trial {number} does not train: there is none"


def test_a_request_to_stop_is_a_first_ctrl_c(attend) -> None:
    assert "--resume" in attend(Action.STOP)
    assert attend.interrupts.requested.is_set()


@pytest.fixture
def watched(sqlite_uri, info) -> Callable[[], tuple[RequestWatch, MlflowWriter]]:
    store = MlflowStore(sqlite_uri)

    def begin() -> tuple[RequestWatch, MlflowWriter]:
        writer = MlflowWriter(store.open_study(info), collect_seconds=0.01)
        return RequestWatch(store, writer, poll_seconds=0.05), writer

    return begin


def wait_for(true: Callable[[], object]) -> None:
    until = time.monotonic() + 60
    while not true():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_each_request_is_taken_once_and_one_of_an_earlier_life_is_not_done_to_this_one(
    sqlite_uri, watched
) -> None:
    store, stale = MlflowStore(sqlite_uri), StudyRequest(action=Action.STOP)
    watch, writer = watched()
    wait_for(lambda: writer.parent_run_id)
    box = store.request_box(writer.parent_run_id)
    box.ask(stale)
    box.tell_paused(is_paused=True)  # by a life that was killed
    point = StudyRequest(action=Action.ENQUEUE, point="fan_out=2")
    box.ask(point)
    with watch:
        wait_for(lambda: not box.read().is_paused)
        assert watch.take() == [point]
        wait_for(lambda: stale not in box.read().waiting)
        pause = StudyRequest(action=Action.PAUSE)
        box.ask(pause)
        taken: list[StudyRequest] = []
        wait_for(lambda: taken or taken.extend(watch.take()))
        assert taken == [pause]
        watch.answer(pause, "Done.", is_paused=True)
        watch.answer(point, "Tried.", is_paused=True)
        wait_for(lambda: box.read().is_paused)
        assert watch.take() == []
    control = box.read()
    assert (control.waiting, control.is_paused) == ((), False)  # what has ended is not paused
    assert {answer.said for answer in control.answers} >= {"Done.", "Tried."}
    writer.close(10)
