"""The primitives of operating system threads."""

from __future__ import annotations

import errno
import os
import select
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from typing import Any

from sionamespace.ports import Timer, Waiter
from sionamespace.runtime import originals
from sionamespace.runtime.crew import Crew, start_thread
from sionamespace.runtime.faults import guarded
from sionamespace.runtime.sockets import WAITING, Readable, Sockets
from sionamespace.runtime.timers import Timers
from sionamespace.runtime.turns import Turns
from sionamespace.runtime.waiting import ThreadWaiter

__all__ = ["ThreadsDriver"]

_LONGEST_WAIT = 3600.0
"""How many seconds are waited for at once; epoll takes no more than 2**31 milliseconds."""


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
        self._sockets: Sockets | None = None
        self._asleep = False
        self._bell: int | None = None
        self._crew = Crew(self._look, self._wake)
        self.start = self._crew.start

    @property
    def has_threads(self) -> bool:
        return self._crew.has_threads

    def bind(self) -> None:
        """Nothing: every thread may become the engine's."""

    def catch_up(self) -> None:
        """Nothing: what the thread does next on the engine is posted too."""

    # Events.

    def _look(self, may_wait: bool) -> None:
        """Wait for the next event or timer, and take turns with what there is."""
        sockets = self._watched()
        ready = self._wait(sockets, may_wait)
        with self.engine:
            sockets.read(ready)
            now = time.monotonic()
            while (call := self._timers.due(now)) is not None:
                guarded("a timer's call", call)

    def _wait(self, sockets: Sockets, may_wait: bool) -> list[int]:
        # Who starts something after this was set rings the bell; what was started before is seen.
        self._asleep = may_wait
        try:
            may_wait = may_wait and not self._crew.ready
            return sockets.wait(self._until_next() if may_wait else 0)
        finally:
            self._asleep = False

    def _until_next(self) -> float | None:
        when = self._timers.next
        return None if when is None else min(max(0, when - time.monotonic()), _LONGEST_WAIT)

    def _watched(self) -> Sockets:
        """The sockets, and the bell among them; made when first needed, in this process."""
        # Also when they are there: a look beside the turn of one who sends to many takes the
        # interpreter from it time and again, for events that have to wait for its end.
        with self.engine:
            if self._sockets is None:
                sockets = Sockets()
                self._hang_bell(sockets)
                self._sockets = sockets
            return self._sockets

    def _hang_bell(self, sockets: Sockets) -> None:
        ear, self._bell = os.pipe()
        os.set_blocking(ear, False)
        os.set_blocking(self._bell, False)

        def hear() -> int:
            os.read(ear, 4096)
            return WAITING

        sockets.add(ear, hear, lambda: None)

    def _wake(self) -> None:
        if self._asleep and self._bell is not None:
            self._asleep = False
            with suppress(BlockingIOError):  # it has been rung often enough
                os.write(self._bell, b"\0")

    def watch(self, sock: Any, readable: Readable, finished: Callable[[], object]) -> None:
        self._watched().add(sock.fileno(), readable, finished)
        self._crew.rouse()

    def unwatch(self, sock: Any) -> None:
        self._watched().discard(sock.fileno())

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
        if seconds > 0:
            self._crew.about_to_wait()
        originals.sleep(seconds)

    def wait_readable(self, sock: Any) -> None:
        self._wait_for(sock, select.POLLIN)

    def wait_writable(self, sock: Any) -> None:
        self._wait_for(sock, select.POLLOUT)

    def _wait_for(self, sock: Any, event: int) -> None:
        poll, descriptor = select.poll(), sock.fileno()
        if descriptor < 0:
            raise OSError(errno.EBADF, "the socket is closed")
        poll.register(descriptor, event)
        self._crew.about_to_wait()
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
        if seconds is not None and seconds <= 0:
            return False
        self._crew.about_to_wait()
        return super().wait(seconds)
