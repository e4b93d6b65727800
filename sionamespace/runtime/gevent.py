"""The primitives of gevent. Nothing else in the package imports it but its edges."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gevent
from gevent import socket
from gevent.event import Event
from gevent.threadpool import ThreadPool

from sionamespace.ports import Timer
from sionamespace.runtime.faults import guarded
from sionamespace.runtime.hub import GreenEvent, HubDriver

__all__ = ["GeventDriver"]


class GeventDriver(HubDriver):
    """Greenlets on gevent's hub."""

    name = "gevent"

    def __init__(self) -> None:
        super().__init__()
        self._real_threads: list[ThreadPool] = []

    def _hang_bell(self) -> Callable[[], object]:
        # Several rings before the hub answers are one to it.
        bell = gevent.get_hub().loop.async_()
        bell.start(self._mail.deliver)
        return bell.send  # type: ignore[no-any-return]

    def _soon(self, function: Callable[[], object]) -> None:
        gevent.get_hub().loop.run_callback(function)

    def _event(self) -> GreenEvent:
        return Event()  # type: ignore[no-any-return]

    def _pause(self, seconds: float) -> None:
        gevent.sleep(seconds)

    def _watch(self, fd: int, readable: Callable[..., object]) -> None:
        self._watcher = gevent.get_hub().loop.io(fd, 1)
        self._watcher.start(readable)

    def later(self, seconds: float, function: Callable[..., object], *args: Any) -> Timer:
        return _HubTimer(seconds, function, args)

    def wait_readable(self, sock: Any) -> None:
        socket.wait_read(sock.fileno())

    def wait_writable(self, sock: Any) -> None:
        socket.wait_write(sock.fileno())

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
        guarded("a timer's call", self._function, *self._args)
