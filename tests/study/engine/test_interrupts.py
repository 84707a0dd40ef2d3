"""The first signal asks, the second insists; every handler is put back."""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import pytest

from study.engine.interrupts import Interrupts

SIGNALS = (signal.SIGINT, signal.SIGTERM)

STUBBORN = """
import signal, sys, time
from study.engine.interrupts import Interrupts
with Interrupts() as interrupts:
    try:
        with interrupts.graceful(float(sys.argv[1])):
            print("ready", flush=True)
            while True:  # sleeps on after a handler that raises nothing
                time.sleep(60)
    except KeyboardInterrupt:
        print("requested" if interrupts.requested.is_set() else "not requested", flush=True)
"""


def keep_in_a_library(seconds: float, then: Callable[[], None]) -> None:
    """Wait in C for a lock that nobody gives back."""
    pthreads = ctypes.CDLL(None)
    lock = ctypes.create_string_buffer(64)  # zeros: a lock that is free
    pthreads.pthread_mutex_lock(lock)
    until = time.time() + seconds
    whole = int(until)
    limit = (ctypes.c_long * 2)(whole, int((until - whole) * 1e9))
    then()
    pthreads.pthread_mutex_timedlock(lock, limit)


def send(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", SIGNALS)
def test_outside_a_graceful_block_a_signal_raises_at_once(number: signal.Signals) -> None:
    with Interrupts() as interrupts:
        with pytest.raises(KeyboardInterrupt):
            send(number)
        with interrupts.graceful(60):
            pass
        with pytest.raises(KeyboardInterrupt):
            send(number)
        assert not interrupts.requested.is_set()


def test_a_signal_is_known_while_a_library_keeps_the_main_thread() -> None:
    """A lock of C's is waited for in a way that no signal breaks into."""
    known: list[bool] = []
    entered = threading.Event()

    def ask(interrupts: Interrupts) -> None:
        entered.wait(30)
        known.append(interrupts.told)
        send(signal.SIGTERM)
        deadline = time.monotonic() + 1.0
        while not interrupts.told and time.monotonic() < deadline:
            time.sleep(0.01)
        known.append(interrupts.told and not interrupts.asked)

    with Interrupts() as interrupts, interrupts.graceful(60):
        thread = threading.Thread(target=ask, args=(interrupts,))
        thread.start()
        keep_in_a_library(2.0, entered.set)
        thread.join()
        assert known == [False, True]
        assert interrupts.requested.wait(5)


@pytest.mark.parametrize("first", SIGNALS)
@pytest.mark.parametrize("second", SIGNALS)
def test_the_first_asks_and_the_second_raises(
    first: signal.Signals, second: signal.Signals
) -> None:
    with Interrupts() as interrupts, interrupts.graceful(60):
        assert not interrupts.requested.is_set()
        send(first)
        assert interrupts.requested.wait(5)
        with pytest.raises(KeyboardInterrupt):
            send(second)


def test_a_request_lasts_beyond_its_block_and_the_next_signal_raises() -> None:
    with Interrupts() as interrupts:
        with interrupts.graceful(60):
            send(signal.SIGTERM)
        assert interrupts.requested.wait(5)
        with interrupts.graceful(60), pytest.raises(KeyboardInterrupt):
            send(signal.SIGTERM)


def test_the_deadline_counts_from_the_signal() -> None:
    with Interrupts() as interrupts:
        started = time.monotonic()
        with pytest.raises(KeyboardInterrupt), interrupts.graceful(0.2):
            time.sleep(0.3)
            send(signal.SIGINT)
            time.sleep(30)
        assert 0.5 <= time.monotonic() - started < 10


def test_a_block_that_ends_in_time_is_left_alone() -> None:
    with Interrupts() as interrupts:
        with interrupts.graceful(0.1):
            send(signal.SIGINT)
            assert interrupts.requested.wait(5)
        time.sleep(0.3)


def test_handlers_are_put_back_and_can_be_installed_again() -> None:
    before = [signal.getsignal(number) for number in SIGNALS]
    with Interrupts() as interrupts:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # as a library does
        interrupts.reinstall()
        with pytest.raises(KeyboardInterrupt):
            send(signal.SIGTERM)
    assert [signal.getsignal(number) for number in SIGNALS] == before
    interrupts.reinstall()
    assert [signal.getsignal(number) for number in SIGNALS] == before


def test_an_alarm_that_another_handler_has_set_is_called_off() -> None:
    rung = []
    before = signal.signal(signal.SIGALRM, lambda number, frame: rung.append(number))
    try:
        with Interrupts() as interrupts, interrupts.graceful(60):
            signal.setitimer(signal.ITIMER_REAL, 0.2)
            send(signal.SIGTERM)
            assert interrupts.requested.wait(5)
            time.sleep(0.4)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert rung == []


def test_another_thread_handles_nothing() -> None:
    seen: list[object] = []

    def enter() -> None:
        with Interrupts() as interrupts, interrupts.graceful(0.1):
            interrupts.reinstall()
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(signal.SIGINT)]


def test_no_thread_is_left() -> None:
    before = threading.active_count()
    with Interrupts():
        assert threading.active_count() == before + 1
    deadline = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() == before


@pytest.mark.parametrize(("deadline", "signals"), [("0.3", 1), ("60", 2)])
def test_a_process_that_is_stuck_ends_at_the_deadline_or_the_second_signal(
    deadline: str, signals: int
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", STUBBORN, deadline], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline() == "ready\n"
        for _ in range(signals):
            process.send_signal(signal.SIGTERM)
            time.sleep(0.1)  # signals of a kind that come together are one
        assert process.stdout.readline() == "requested\n"
    assert process.wait(10) == 0
