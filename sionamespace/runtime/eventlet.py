"""The primitives of eventlet. Nothing else in the package imports it but `sionamespace.run`."""

from __future__ import annotations

import logging
import time
import warnings
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from contextvars import Context
from typing import Any

from sionamespace.ports import Timer, Waiter
from sionamespace.runtime.originals import get_ident

with warnings.catch_warnings():
    # Eventlet warns of its own retirement at every import. README and `run` say it once, with
    # the way out; an application that imports eventlet itself sees eventlet's words.
    warnings.simplefilter("ignore")
    import eventlet
    from eventlet import hubs, patcher

from greenlet import getcurrent, greenlet

__all__ = ["EventletDriver"]

_log = logging.getLogger("sionamespace.runtime")

_MAX_IDLE = 128
"""How many workers are kept for later."""
_threading = patcher.original("threading")
_os: Any = patcher.original("os")
"""What monkey patching makes of it waits in a green way, which the hub and signals cannot."""


class EventletDriver:
    """Green threads on the hub of the thread that serves the requests.

    No monkey patching is needed. Other threads reach the hub through a mailbox, since a hub may
    only be touched by its own thread. What is started runs in workers, green threads that are
    used again: making one costs 9 us, switching to one 0.4 us.
    """

    name = "eventlet"
    engine: AbstractContextManager[object] = nullcontext()
    one_thread = True

    def __init__(self) -> None:
        self._ident: int | None = None
        self._mail: deque[tuple[Callable[..., object], tuple[Any, ...]]] = deque()
        self._bell: int | None = None
        self._rung = False
        self._ready: deque[tuple[Callable[..., object], tuple[Any, ...]]] = deque()
        self._idle: list[Any] = []
        self._will_run = False

    def bind(self) -> None:
        if self._ident is not None:
            return
        self._ident = get_ident()
        ear, bell = _os.pipe()
        _os.set_blocking(ear, False)
        _os.set_blocking(bell, False)
        self._bell = bell
        eventlet.spawn(self._deliver, ear)
        _os.write(bell, b"\0")  # for the mail that came before there was a bell

    def here(self) -> bool:
        # Before the engine runs, whoever calls is about to become its thread.
        return self._ident is None or self._ident == get_ident()

    def post(self, function: Callable[..., object], *args: Any) -> None:
        # No lock, as this may run in a signal's handler: what is appended before the flag is read
        # is found by whoever lowers the flag before emptying the box.
        self._mail.append((function, args))
        if not self._rung:
            self._rung = True
            if self._bell is not None:
                _os.write(self._bell, b"\0")

    def _deliver(self, ear: int) -> None:
        while True:
            hubs.trampoline(ear, read=True)
            _os.read(ear, 4096)
            self._rung = False
            while self._mail:
                function, args = self._mail.popleft()
                self._run(function, args)

    def _run(self, function: Callable[..., object], args: tuple[Any, ...]) -> None:
        try:
            function(*args)
        except Exception:  # one bad letter must not stop the mail
            _log.exception("a posted call failed, which is a fault of sionamespace")

    def start(self, function: Callable[..., object], *args: Any) -> None:
        self._ready.append((function, args))
        if not self._will_run:
            self._will_run = True
            hubs.get_hub().schedule_call_global(0, self._run_ready)

    def _run_ready(self) -> None:
        """Run what was started; on the hub, to which a worker returns when it has to wait."""
        self._will_run = False
        while self._ready:
            worker = self._idle.pop() if self._idle else greenlet(self._work)
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
            me.parent.switch()

    def watch(
        self, sock: Any, readable: Callable[[], bool], finished: Callable[[], object]
    ) -> None:
        # No green thread waits for the socket: one listener stays, for as long as it is watched.
        hub = hubs.get_hub()

        def on_readable(fileno: int) -> None:
            self._will_run = True  # at the end of this, and not by a timer
            try:
                more = readable()
            except Exception:
                _log.exception("reading a socket failed, which is a fault of sionamespace")
                more = False
            if not more:
                hub.remove(listener)
                finished()
            self._run_ready()

        listener = hub.add(hub.READ, sock.fileno(), on_readable, _nothing, _nothing)
        listener.greenlet = None  # else it keeps the request's green thread in memory

    def later(self, seconds: float, function: Callable[..., object], *args: Any) -> Timer:
        timer: Timer = hubs.get_hub().schedule_call_global(seconds, function, *args)
        return timer

    def waiter(self) -> Waiter:
        if self._ident is None:
            return _EarlyWaiter()
        return _GreenWaiter(self) if self.here() else _ThreadWaiter()

    def sleep(self, seconds: float) -> None:
        if self.here():
            eventlet.sleep(seconds)
        else:
            patcher.original("time").sleep(seconds)

    def wait_writable(self, sock: Any) -> None:
        hubs.trampoline(sock, write=True)

    def now(self) -> float:
        return time.monotonic()

    def start_real_thread(self, function: Callable[[], object]) -> object:
        thread = _threading.Thread(target=function, daemon=True, name="sionamespace-portal")
        thread.start()
        return thread


class _GreenWaiter:
    """Waits in a green thread of the engine's hub."""

    def __init__(self, driver: EventletDriver) -> None:
        self._driver = driver
        self._event = eventlet.event.Event()

    def wait(self, seconds: float | None) -> bool:
        self._event.wait(seconds)
        return bool(self._event.ready())

    def set(self) -> None:
        if self._driver.here():
            self._send()
        else:
            self._driver.post(self._send)

    def _send(self) -> None:
        if not self._event.ready():
            self._event.send()


class _ThreadWaiter:
    """Waits on a real thread that is not the engine's."""

    def __init__(self) -> None:
        self._event = _threading.Event()

    def wait(self, seconds: float | None) -> bool:
        return bool(self._event.wait(seconds))

    def set(self) -> None:
        self._event.set()


class _EarlyWaiter(_ThreadWaiter):
    """Waits before the engine runs, green or not: there is no mailbox yet that could wake it."""

    def wait(self, seconds: float | None) -> bool:
        end = None if seconds is None else time.monotonic() + seconds
        while not self._event.is_set():
            if end is not None and time.monotonic() >= end:
                return False
            eventlet.sleep(0.001)
        return True


def _nothing(*args: object) -> None:
    """The hub wants to be able to interrupt a listener; nothing waits in ours."""
