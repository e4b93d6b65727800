"""The primitives of eventlet. Nothing else in the package imports it but its edges."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

from sionamespace.ports import Timer
from sionamespace.runtime.hub import HubDriver

with warnings.catch_warnings():
    # Eventlet warns of its own retirement at every import. README and `run` say it once, with
    # the way out; an application that imports eventlet itself sees eventlet's words.
    warnings.simplefilter("ignore")
    import eventlet
    from eventlet import hubs, patcher
    from eventlet.event import Event

__all__ = ["EventletDriver"]

_LONGEST_WAIT = 2_000_000.0
"""The longest a timer may run, 23 days; eventlet's hub fails at 2**31 milliseconds."""

_threading = patcher.original("threading")
_os: Any = patcher.original("os")
"""What monkey patching makes of it waits in a green way, which the hub and signals cannot."""


class EventletDriver(HubDriver):
    """Green threads on eventlet's hub."""

    name = "eventlet"

    def _hang_bell(self) -> Callable[[], object]:
        ear, bell = _os.pipe()
        _os.set_blocking(ear, False)
        _os.set_blocking(bell, False)
        self._rung = False
        eventlet.spawn(self._listen, ear)
        return partial(self._ring_once, bell)

    def _ring_once(self, bell: int) -> None:
        # What is in the box before the flag is read is found by whoever lowers the flag before
        # emptying the box.
        if not self._rung:
            self._rung = True
            _os.write(bell, b"\0")

    def _listen(self, ear: int) -> None:
        while True:
            hubs.trampoline(ear, read=True)
            _os.read(ear, 4096)
            self._rung = False
            self._mail.deliver()

    def _soon(self, function: Callable[[], object]) -> None:
        hubs.get_hub().schedule_call_global(0, function)

    def _event(self) -> _Event:
        return _Event()

    def _pause(self, seconds: float) -> None:
        eventlet.sleep(min(seconds, _LONGEST_WAIT))

    def _watch(self, fd: int, readable: Callable[..., object]) -> None:
        hub = hubs.get_hub()
        listener = hub.add(hub.READ, fd, readable, _nothing, _nothing)
        listener.greenlet = None  # else it keeps the request's green thread in memory

    def later(self, seconds: float, function: Callable[..., object], *args: Any) -> Timer:
        soon_enough = min(seconds, _LONGEST_WAIT)
        timer: Timer = hubs.get_hub().schedule_call_global(soon_enough, function, *args)
        return timer

    def wait_readable(self, sock: Any) -> None:
        hubs.trampoline(sock.fileno(), read=True)

    def wait_writable(self, sock: Any) -> None:
        hubs.trampoline(sock, write=True)

    def start_real_thread(self, function: Callable[[], object]) -> object:
        thread = _threading.Thread(target=function, daemon=True, name="sionamespace-portal")
        thread.start()
        return thread


class _Event(Event):  # type: ignore[misc]
    """Eventlet's, as others call it, and it may be set twice."""

    def wait(self, timeout: float | None = None) -> object:
        return super().wait(None if timeout is None else min(timeout, _LONGEST_WAIT))

    def is_set(self) -> bool:
        return bool(self.ready())

    def set(self) -> None:
        if not self.ready():
            self.send()


def _nothing(*args: object) -> None:
    """The hub wants to be able to interrupt a listener; nothing waits in ours."""
