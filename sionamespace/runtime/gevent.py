"""The primitives of gevent. Nothing else in the package imports it but its edges."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from contextvars import Context
from typing import Any

import gevent
from gevent import socket
from gevent.event import Event
from gevent.threadpool import ThreadPool
from greenlet import getcurrent, greenlet

from sionamespace.ports import Timer, Waiter
from sionamespace.runtime import originals
from sionamespace.runtime.originals import get_ident
from sionamespace.runtime.waiting import ThreadWaiter

__all__ = ["GeventDriver"]

_log = logging.getLogger("sionamespace.runtime")

_MAX_IDLE = 128
"""How many workers are kept for later."""


class GeventDriver:
    """Greenlets on the hub of the thread that serves the requests.

    No monkey patching is needed. Other threads reach the hub through a mailbox with a bell, which
    is all of a hub that they may touch. What is started runs in workers that are used again:
    making a greenlet costs several times what switching to one does.
    """

    name = "gevent"
    engine: AbstractContextManager[object] = nullcontext()
    one_thread = True

    def __init__(self) -> None:
        self._ident: int | None = None
        self._mail: deque[tuple[Callable[..., object], tuple[Any, ...]]] = deque()
        self._bell: Any = None
        self._ready: deque[tuple[Callable[..., object], tuple[Any, ...]]] = deque()
        self._idle: list[Any] = []
        self._will_run = False
        self._real_threads: list[ThreadPool] = []

    def bind(self) -> None:
        if self._ident is not None:
            return
        self._ident = get_ident()
        bell = gevent.get_hub().loop.async_()
        bell.start(self._deliver)
        self._bell = bell
        bell.send()  # for the mail that came before there was a bell

    def here(self) -> bool:
        # Before the engine runs, whoever calls is about to become its thread.
        return self._ident is None or self._ident == get_ident()

    def post(self, function: Callable[..., object], *args: Any) -> None:
        # No lock, as this may run in a signal's handler; several rings before the hub answers are
        # one to it.
        self._mail.append((function, args))
        if self._bell is not None:
            self._bell.send()

    def _deliver(self) -> None:
        while self._mail:
            function, args = self._mail.popleft()
            try:
                function(*args)
            except Exception:  # one bad letter must not stop the mail
                _log.exception("a posted call failed, which is a fault of sionamespace")

    def start(self, function: Callable[..., object], *args: Any) -> None:
        self._ready.append((function, args))
        if not self._will_run:
            self._will_run = True
            gevent.get_hub().loop.run_callback(self._run_ready)

    def _run_ready(self) -> None:
        """Run what was started; on the hub, to which a worker returns when it has to wait."""
        self._will_run = False
        while self._ready:
            worker = self._idle.pop() if self._idle else greenlet(self._work, gevent.get_hub())
            worker.switch()

    def _work(self) -> None:
        """What a worker does: run what is ready, and rest until it is called again."""
        me = getcurrent()
        while len(self._idle) < _MAX_IDLE:
            while self._ready:
                function, args = self._ready.popleft()
                try:
                    Context().run(function, *args)  # variables must not pass from job to job
                except Exception:
                    _log.exception("a started call failed, which is a fault of sionamespace")
            self._idle.append(me)
            # Not the hub's own switch(), which is for those who wait for an event.
            greenlet.switch(me.parent)

    def watch(
        self, sock: Any, readable: Callable[[], bool], finished: Callable[[], object]
    ) -> None:
        # No greenlet waits for the socket: one watcher stays, for as long as it is watched.
        watcher = gevent.get_hub().loop.io(sock.fileno(), 1)

        def on_readable() -> None:
            self._will_run = True  # at the end of this, and not by a callback
            try:
                more = readable()
            except Exception:
                _log.exception("reading a socket failed, which is a fault of sionamespace")
                more = False
            if not more:
                watcher.stop()
                watcher.close()
                finished()
            self._run_ready()

        watcher.start(on_readable)

    def later(self, seconds: float, function: Callable[..., object], *args: Any) -> Timer:
        return _HubTimer(seconds, function, args)

    def waiter(self) -> Waiter:
        if self._ident is None:
            return _EarlyWaiter()
        return _GreenWaiter(self) if self.here() else ThreadWaiter()

    def sleep(self, seconds: float) -> None:
        if self.here():
            gevent.sleep(seconds)
        else:
            originals.sleep(seconds)

    def wait_writable(self, sock: Any) -> None:
        socket.wait_write(sock.fileno())

    def now(self) -> float:
        return time.monotonic()

    def start_real_thread(self, function: Callable[[], object]) -> object:
        # Not the original `start_new_thread`: an event loop on such a thread hangs.
        pool = ThreadPool(1)
        self._real_threads.append(pool)
        return pool.spawn(function)


class _HubTimer:
    """A timer of the hub, which is given back when it is over."""

    __slots__ = ("_args", "_function", "_timer")

    def __init__(
        self, seconds: float, function: Callable[..., object], args: tuple[Any, ...]
    ) -> None:
        self._function = function
        self._args = args
        loop = gevent.get_hub().loop
        loop.update_now()  # its idea of now may be as old as the last event
        self._timer = loop.timer(max(0, seconds))
        self._timer.start(self._fire)

    def cancel(self) -> None:
        self._timer.stop()
        self._timer.close()

    def _fire(self) -> None:
        self.cancel()
        try:
            self._function(*self._args)
        except Exception:
            _log.exception("a timer's call failed, which is a fault of sionamespace")


class _GreenWaiter:
    """Waits in a greenlet of the engine's hub."""

    __slots__ = ("_driver", "_event")

    def __init__(self, driver: GeventDriver) -> None:
        self._driver = driver
        self._event = Event()

    def wait(self, seconds: float | None) -> bool:
        return bool(self._event.wait(seconds))

    def set(self) -> None:
        if self._driver.here():
            self._event.set()
        else:
            self._driver.post(self._event.set)


class _EarlyWaiter(ThreadWaiter):
    """Waits before the engine runs, green or not: there is no mailbox yet that could wake it."""

    __slots__ = ()

    def wait(self, seconds: float | None) -> bool:
        end = None if seconds is None else time.monotonic() + seconds
        while not super().wait(0):
            if end is not None and time.monotonic() >= end:
                return False
            gevent.sleep(0.001)
        return True
