"""What the green libraries have in common: a hub on the thread that serves the requests."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from contextvars import Context
from typing import Any, Protocol

from greenlet import GreenletExit, getcurrent, greenlet

from sionamespace.ports import Waiter
from sionamespace.runtime import originals
from sionamespace.runtime.faults import log_fault
from sionamespace.runtime.mail import Mail
from sionamespace.runtime.originals import get_ident
from sionamespace.runtime.sockets import Readable, Sockets
from sionamespace.runtime.waiting import ThreadWaiter

__all__ = ["GreenEvent", "HubDriver"]

_MAX_IDLE = 128
"""How many workers are kept for later."""


class GreenEvent(Protocol):
    """Something that a green thread waits for. Set on the hub's own thread only."""

    def wait(self, timeout: float | None) -> object: ...
    def set(self) -> object: ...
    def is_set(self) -> bool: ...


class HubDriver:
    """Green threads on the hub of the thread that serves the requests; for each library a subclass.

    No monkey patching is needed. Other threads reach the hub through its mail, since a hub may only
    be touched by its own thread. What is started runs in workers, green threads that are used
    again: making one costs many times what switching to one does.
    """

    engine: AbstractContextManager[object] = nullcontext()
    one_thread = True
    has_threads = False

    def __init__(self) -> None:
        self._ident: int | None = None
        self._mail = Mail()
        self._ring: Callable[[], object] = _nothing
        self._ready: deque[tuple[Callable[..., object], tuple[Any, ...]]] = deque()
        self._ends: list[Callable[[], object]] = []
        self._idle: list[Any] = []
        self._will_run = False
        self._sockets: Sockets | None = None
        self._looks_again = False

    # What a library has its own way of.

    def _hang_bell(self) -> Callable[[], object]:
        """What makes the hub deliver the mail soon; called from any thread, also by signals."""
        raise NotImplementedError

    def _soon(self, function: Callable[[], object]) -> None:
        """Call a function on the hub, when what runs now has ended or waits."""
        raise NotImplementedError

    def _watch(self, fd: int, readable: Callable[..., object]) -> None:
        """Call a function on the hub whenever a file can be read, for good."""
        raise NotImplementedError

    def _event(self) -> GreenEvent:
        raise NotImplementedError

    def _pause(self, seconds: float) -> None:
        """Let a green thread sleep."""
        raise NotImplementedError

    # What follows from that.

    def bind(self) -> None:
        if self._ident is None:
            self._ident = get_ident()
            self._ring = self._hang_bell()
            # What was started before may wait for the hub of another thread, which never runs.
            if self._ready or self._ends:
                self._run_soon()
            self._ring()  # for the mail that came before there was a bell

    def here(self) -> bool:
        # Before the engine runs, whoever calls is about to become its thread.
        return self._ident is None or self._ident == get_ident()

    def post(self, function: Callable[..., object], *args: Any) -> None:
        # No lock, as this may run in a signal's handler.
        self._mail.append((function, args))
        self._ring()

    def catch_up(self) -> None:
        if self._mail and self.here():
            self._mail.deliver()

    def start(self, function: Callable[..., object], *args: Any) -> None:
        self._ready.append((function, args))
        if not self._will_run:
            self._run_soon()

    def at_end(self, function: Callable[[], object]) -> None:
        self._ends.append(function)
        if not self._will_run:
            self._run_soon()

    def _run_soon(self) -> None:
        self._will_run = True
        self._soon(self._run_ready)

    def _run_ready(self) -> None:
        """Run what was started; on the hub, to which a worker returns when it has to wait."""
        try:
            while self._ready:
                worker = self._idle.pop() if self._idle else greenlet(self._work)
                worker.switch()
        finally:  # a handler may end the process, which other handlers may notice
            self._will_run = False
            ends, self._ends = self._ends, []
            for end in ends:
                end()

    def _work(self) -> None:
        """What a worker does: run what is ready, and rest until it is called again."""
        me = getcurrent()
        while len(self._idle) < _MAX_IDLE:
            while self._ready:
                function, args = self._ready.popleft()
                try:
                    Context().run(function, *args)  # variables must not pass from job to job
                except (SystemExit, KeyboardInterrupt, GreenletExit):
                    raise
                except BaseException:  # it must not end what reads the sockets
                    log_fault("a started call")
                del function, args  # or what they refer to lives until its next call
            self._idle.append(me)
            # Not a hub's own switch(), which is for those who wait for an event.
            greenlet.switch(me.parent)

    def watch(self, sock: Any, readable: Readable, finished: Callable[[], object]) -> None:
        if self._sockets is None:
            self._sockets = Sockets()
            self._watch(self._sockets.fileno(), self._look)
        self._sockets.add(sock.fileno(), readable, finished)

    def unwatch(self, sock: Any) -> None:
        if self._sockets is not None:
            self._sockets.discard(sock.fileno())

    def _look(self, *_: object) -> None:
        """Have sockets read that can be, and run what that starts."""
        sockets = self._sockets
        assert sockets is not None
        self._will_run = True  # at the end of this, and not by a timer
        sockets.read(sockets.wait(0))
        self._run_ready()
        if sockets.has_more and not self._looks_again:
            self._looks_again = True
            self._soon(self._look_again)

    def _look_again(self) -> None:
        self._looks_again = False
        self._look()

    def waiter(self) -> Waiter:
        if self._ident is None:
            return _EarlyWaiter(self._pause)
        return _GreenWaiter(self, self._event()) if self.here() else ThreadWaiter()

    def sleep(self, seconds: float) -> None:
        if self.here():
            self._pause(seconds)
        else:
            originals.sleep(seconds)

    def now(self) -> float:
        return time.monotonic()


class _GreenWaiter:
    """Waits in a green thread of the engine's hub."""

    __slots__ = ("_driver", "_event")

    def __init__(self, driver: HubDriver, event: GreenEvent) -> None:
        self._driver = driver
        self._event = event

    def wait(self, seconds: float | None) -> bool:
        self._event.wait(seconds)
        return self._event.is_set()

    def set(self) -> None:
        if self._driver.here():
            self._event.set()
        else:
            self._driver.post(self._event.set)


class _EarlyWaiter(ThreadWaiter):
    """Waits before the engine runs, green or not: there is no mail yet that could wake it."""

    __slots__ = ("_pause",)

    def __init__(self, pause: Callable[[float], object]) -> None:
        super().__init__()
        self._pause = pause

    def wait(self, seconds: float | None) -> bool:
        end = None if seconds is None else time.monotonic() + seconds
        while not super().wait(0):
            if end is not None and time.monotonic() >= end:
                return False
            self._pause(0.001)
        return True


def _nothing(*args: object) -> None:
    """There is no bell yet."""
