"""`Announcements`: what is told of changes, in the order of the changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sionamespace.errors import WouldBlock
from sionamespace.runtime.mail import Mail
from sionamespace.runtime.originals import new_lock

__all__ = ["Announcements"]

_PAUSE = 0.01
"""After how many seconds it is looked again whether somebody else's change is over."""


class Announcements:
    """Changes that happen one at a time, and calls that follow them in the same order.

    The lock is never held during a call, which may take a green thread to another one.
    """

    def __init__(self) -> None:
        self._lock = new_lock()
        self._calling = new_lock()
        self._calls = Mail()

    @contextmanager
    def change(
        self, pause: Callable[[float], object] | None = None
    ) -> Iterator[Callable[..., None]]:
        """Change something; what is yielded takes a function to call, with arguments, afterwards.

        The calls are made by whoever makes such calls at the moment, mostly the caller.

        Args:
            pause: lets others go on for some seconds, if what is done to change it may wait: a
                green thread that waited for another one's lock would stop them all.
        """
        self._acquire(pause)
        try:
            yield self._add
        finally:
            self._lock.release()
        while self._calls and self._calling.acquire(blocking=False):
            try:
                self._calls.deliver()
            finally:
                self._calling.release()

    def _acquire(self, pause: Callable[[float], object] | None) -> None:
        while pause is not None and not self._lock.acquire(blocking=False):
            try:
                pause(_PAUSE)
            except WouldBlock:  # on an event loop, whose handlers may not wait in another way
                pause = None
        if pause is None:
            self._lock.acquire()

    def _add(self, function: Callable[..., object], *args: Any) -> None:
        self._calls.append((function, args))
