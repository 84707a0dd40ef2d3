"""Ctrl-C and a cluster's preemption: the first asks, the second insists."""

import contextlib
import queue
import select
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from types import FrameType, TracebackType
from typing import Any, NoReturn, Self

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
    """Handles SIGINT and SIGTERM alike for as long as its context lasts.

    Within `graceful` the first signal is a request, to be looked for in `requested`. A second one,
    or the deadline after the first, raises KeyboardInterrupt in the main thread; so does every
    signal outside. Within `leaving` each signal ends the process, and within `postponing` the
    first one waits for the end of the block. In any other thread than the main one, which alone
    may handle signals, nothing is handled.

    Attributes:
        requested: Event that is set, a moment after the signal, once the end was asked for.
        failure: Error that is to be raised in the place of the KeyboardInterrupt that `fail` sends.
    """

    def __init__(self) -> None:
        self.requested = threading.Event()
        self._previous: dict[signal.Signals, Any] = {}
        self._asked = False
        self._deadline_seconds: float | None = None
        self._leave: Callable[[], NoReturn] | None = None
        self._postponed: bool | None = None
        self.failure: Exception | None = None
        # A handler may interrupt any line of the main thread, also one that holds the lock of an
        # event or is about to start a thread; of what wakes others, this alone is reentrant.
        self._wake: queue.SimpleQueue[float | None] = queue.SimpleQueue()
        self._leaving = threading.Lock()
        # Python's handlers wait while the main thread is in a library; what it writes here comes.
        self._bell: tuple[socket.socket, socket.socket] | None = None
        self._bell_before = -1

    @property
    def asked(self) -> bool:
        """True if there was a first signal; `requested` says so a moment later."""
        return self._asked

    @property
    def told(self) -> bool:
        """True if a signal came, also where its handler cannot run yet; for any thread."""
        bell = self._bell
        return self._asked or (bell is not None and bool(select.select(bell[:1], [], [], 0)[0]))

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._bell = socket.socketpair()
            for end in self._bell:
                end.setblocking(False)
            rung = self._bell[1].fileno()
            self._bell_before = signal.set_wakeup_fd(rung, warn_on_full_buffer=False)
            self._main = threading.get_ident()
            threading.Thread(target=self._watch, name="interrupts", daemon=True).start()
            self._previous = {number: signal.getsignal(number) for number in SIGNALS}
            self.reinstall()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if not self._previous:
            return
        for number, handler in self._previous.items():
            # None: it was not installed from Python, which cannot put it back.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        self._previous = {}
        signal.set_wakeup_fd(self._bell_before)
        bell, self._bell = self._bell, None
        for end in bell or ():
            end.close()
        self._wake.put(None)

    def reinstall(self) -> None:
        """Handle the signals again, after a library has put its own handlers in place."""
        if self._previous:
            for number in SIGNALS:
                signal.signal(number, self._handle)

    @contextlib.contextmanager
    def leaving(self, leave: Callable[[], NoReturn]) -> Iterator[None]:
        """Answer each signal within the block by a function that ends the process.

        For libraries that do not survive being broken into, such as Ray while it starts.

        Args:
            leave: Function to call from the handler; nothing needs to be saved.
        """
        self._leave = leave
        try:
            yield
        finally:
            self._leave = None

    @contextlib.contextmanager
    def postponing(self) -> Iterator[None]:
        """Raise KeyboardInterrupt for the first signal within the block at its end.

        For libraries that do not survive being broken into, where the process is to go on.
        """
        self._postponed = False
        try:
            yield
        finally:
            postponed, self._postponed = self._postponed, None
        if postponed:
            raise KeyboardInterrupt

    def request(self) -> None:
        """Ask for the end as a first signal does."""
        self._asked = True
        self.requested.set()

    def fail(self, error: Exception) -> None:
        """Break into the main thread from another one; whoever catches it raises the error."""
        if self._previous:
            self.failure = error
            signal.pthread_kill(self._main, signal.SIGINT)

    @contextlib.contextmanager
    def graceful(self, deadline_seconds: float) -> Iterator[None]:
        """Take the first signal within the block as a request.

        Args:
            deadline_seconds: Time that the block may go on after it, before KeyboardInterrupt.
        """
        self._deadline_seconds = deadline_seconds
        try:
            yield
        finally:
            self._deadline_seconds = None
            # The watcher holds it while it decides: none of its signals comes after the block.
            with self._leaving:
                pass

    def _handle(self, number: int, frame: FrameType | None) -> None:
        # Ray's own handler, where it stood for a moment before `reinstall`, calls this one and has
        # set an alarm that aborts the process three seconds later.
        signal.alarm(0)
        if self.failure is not None:
            raise KeyboardInterrupt
        if self._leave is not None:
            self._leave()
        if self._postponed is False:
            self._postponed = True
            return
        if self._asked or self._deadline_seconds is None:
            raise KeyboardInterrupt
        self._asked = True
        self._wake.put(self._deadline_seconds)

    def _watch(self) -> None:
        """Tell of the request, and see to its deadline, in a thread of its own."""
        if (seconds := self._wake.get()) is None:
            return
        self.requested.set()
        with contextlib.suppress(queue.Empty):
            self._wake.get(timeout=seconds)
            return
        with self._leaving:
            if self._deadline_seconds is not None:
                # Sent to that thread and no other, so that it wakes from whatever it waits for.
                signal.pthread_kill(self._main, signal.SIGINT)
