"""Locks and thread identity as the operating system has them, also where a library patched them.

Monkey patching makes ``threading`` green. A lock that guards state shared with real threads must
not be green, and green threads of one real thread must have one identity here.
"""

from __future__ import annotations

import asyncio
import importlib
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from selectors import BaseSelector
from typing import Any, Protocol, cast

__all__ = [
    "DefaultSelector",
    "Lock",
    "epoll",
    "get_ident",
    "new_event_loop",
    "new_lock",
    "original",
    "renew",
    "sleep",
]


class Lock(Protocol):
    """A lock between operating system threads."""

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool: ...
    def release(self) -> None: ...
    def locked(self) -> bool: ...
    def __enter__(self) -> bool: ...
    def __exit__(self, *error: object) -> None: ...


def original(module: str, name: str) -> Any:
    """What a module had by a name before a library patched it."""
    if "gevent.monkey" in sys.modules:
        from gevent import monkey

        if monkey.is_object_patched(module, name):
            return monkey.get_original(module, name)
    if "eventlet" in sys.modules:
        from eventlet import patcher

        return getattr(patcher.original(module), name)
    return getattr(importlib.import_module(module), name)


def _default_selector() -> Any:
    """What the system has; eventlet would still have it wait by its green ``select``."""
    if "eventlet" in sys.modules:
        from eventlet import patcher

        if patcher.is_monkey_patched("select"):
            select = ("select", patcher.original("select"))
            return patcher.import_patched("selectors", select).DefaultSelector
    return original("selectors", "DefaultSelector")


def renew() -> None:
    """Make anew what libraries have that a process shares with the one it was forked from."""
    if "eventlet.hubs" in sys.modules:
        from eventlet import hubs

        hubs._threadlocal.__dict__.pop("hub", None)  # another of the same class comes when needed
    if "gevent" in sys.modules:
        import gevent

        gevent.reinit()


get_ident = cast("Callable[[], int]", original("_thread", "get_ident"))
"""The identity of the calling operating system thread."""

new_lock = cast("Callable[[], Lock]", original("_thread", "allocate_lock"))
"""A lock between operating system threads. Hold it for a few plain statements, never while
calling out: a green thread that switched away inside would stop the whole thread."""

epoll = original("select", "epoll") if sys.platform == "linux" else None
"""Linux's, which a green library takes away; None elsewhere."""

DefaultSelector = cast("type[BaseSelector]", _default_selector())


def new_event_loop() -> asyncio.AbstractEventLoop:
    """An event loop that waits as the system does; on gevent's selectors it fails."""
    return _EventLoop(DefaultSelector())


class _EventLoop(asyncio.SelectorEventLoop):
    """Asks for addresses on threads as the system has them: gevent's would never answer."""

    async def getaddrinfo(self, *args: Any, **kwargs: Any) -> Any:
        found = self.create_future()
        _start_new_thread(self._look_up, (found, partial(_getaddrinfo, *args, **kwargs)))
        return await found

    def _look_up(self, found: asyncio.Future[Any], ask: Callable[[], Any]) -> None:
        try:
            settle = partial(found.set_result, ask())
        except Exception as error:
            settle = partial(found.set_exception, error)
        with suppress(RuntimeError):  # the loop has been closed meanwhile
            self.call_soon_threadsafe(lambda: None if found.done() else settle())


_getaddrinfo = original("socket", "getaddrinfo")
_start_new_thread = original("_thread", "start_new_thread")

sleep = cast("Callable[[float], None]", original("time", "sleep"))
"""Pauses the whole operating system thread."""
