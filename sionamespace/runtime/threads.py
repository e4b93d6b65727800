"""The primitives of operating system threads."""

from __future__ import annotations

import os
import select
import selectors
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from typing import Any

from sionamespace.ports import Timer, Waiter
from sionamespace.runtime import originals
from sionamespace.runtime.crew import Crew, start_thread
from sionamespace.runtime.faults import guarded
from sionamespace.runtime.timers import Timers
from sionamespace.runtime.turns import Turns
from sionamespace.runtime.waiting import ThreadWaiter
from sionamespace.runtime.watched import Readable, Watched

__all__ = ["ThreadsDriver"]


class ThreadsDriver:
    """Threads, as many as handlers that wait.

    "The engine's thread" is the one whose turn it is (see `Turns`): those of the web server take
    turns with our own, one of which looks after all WebSockets and timers (see `Crew`).
    """

    name = "threads"
    one_thread = False

    def __init__(self) -> None:
        turns = Turns()
        self.engine: AbstractContextManager[object] = turns
        self.here = turns.here
        self.post = turns.post
        self.at_end = turns.at_end
        self._timers = Timers()
        self._selector = selectors.DefaultSelector()
        self._again: list[Callable[[], object]] = []
        self._asleep = False
        self._bell: int | None = None
        self._crew = Crew(self._look, self._wake)
        self.start = self._crew.start

    def forked(self) -> None:
        self._selector = selectors.DefaultSelector()  # the other process has the same one

    def bind(self) -> None:
        """Nothing: every thread may become the engine's."""

    def catch_up(self) -> None:
        """Nothing: what the thread does next on the engine is posted too."""

    # Events.

    def _look(self, may_wait: bool) -> None:
        """Wait for the next event or timer, and take turns with what there is."""
        events = self._select(may_wait and not self._again)
        with self.engine:
            again, self._again[:] = self._again[:], []
            for key, _ in events:
                key.data()
            for go_on in again:
                go_on()
            now = time.monotonic()
            while (call := self._timers.due(now)) is not None:
                guarded("a timer's call", call)

    def _select(self, may_wait: bool) -> list[tuple[selectors.SelectorKey, int]]:
        if self._bell is None:
            self._hang_bell()
        # Who starts something after this was set rings the bell; what was started before is seen.
        self._asleep = may_wait
        try:
            may_wait = may_wait and not self._crew.ready
            return self._selector.select(self._until_next() if may_wait else 0)
        finally:
            self._asleep = False

    def _until_next(self) -> float | None:
        when = self._timers.next
        return None if when is None else max(0, when - time.monotonic())

    def _hang_bell(self) -> None:
        ear, self._bell = os.pipe()
        os.set_blocking(ear, False)
        os.set_blocking(self._bell, False)
        self._selector.register(ear, selectors.EVENT_READ, lambda: os.read(ear, 4096))

    def _wake(self) -> None:
        if self._asleep and self._bell is not None:
            self._asleep = False
            with suppress(BlockingIOError):  # it has been rung often enough
                os.write(self._bell, b"\0")

    def watch(self, sock: Any, readable: Readable, finished: Callable[[], object]) -> None:
        def end() -> None:
            self._selector.unregister(sock)
            finished()

        watched = Watched(readable, end, self._again.append)
        self._selector.register(sock, selectors.EVENT_READ, watched.on_readable)
        self._crew.rouse()

    def later(self, seconds: float, function: Callable[..., object], *args: Any) -> Timer:
        before, when = self._timers.next, time.monotonic() + seconds
        timer = self._timers.add(when, function, args)
        if before is None or when < before:
            self._crew.rouse()
        return timer

    # Waiting.

    def waiter(self) -> Waiter:
        return _Waiter(self._crew)

    def sleep(self, seconds: float) -> None:
        self._crew.about_to_wait()
        originals.sleep(seconds)

    def wait_writable(self, sock: Any) -> None:
        self._crew.about_to_wait()
        poll = select.poll()
        poll.register(sock.fileno(), select.POLLOUT)
        poll.poll()

    def now(self) -> float:
        return time.monotonic()

    def start_real_thread(self, function: Callable[[], object]) -> object:
        return start_thread(function)


class _Waiter(ThreadWaiter):
    """Lets another thread lead while this one waits."""

    __slots__ = ("_crew",)

    def __init__(self, crew: Crew) -> None:
        super().__init__()
        self._crew = crew

    def wait(self, seconds: float | None) -> bool:
        if super().wait(0):
            return True
        self._crew.about_to_wait()
        return super().wait(seconds)
