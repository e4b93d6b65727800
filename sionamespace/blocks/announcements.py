"""`Announcements`: what is told of changes, in the order of the changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sionamespace.runtime.mail import Mail
from sionamespace.runtime.originals import new_lock

__all__ = ["Announcements"]


class Announcements:
    """Changes that happen one at a time, and calls that follow them in the same order.

    The lock is never held during a call, which may take a green thread to another one.
    """

    def __init__(self) -> None:
        self._lock = new_lock()
        self._calling = new_lock()
        self._calls = Mail()

    @contextmanager
    def change(self) -> Iterator[Callable[..., None]]:
        """Change something; what is yielded takes a function to call, with arguments, afterwards.

        The calls are made by whoever makes such calls at the moment, mostly the caller.
        """
        with self._lock:
            yield self._add
        while self._calls and self._calling.acquire(blocking=False):
            try:
                self._calls.deliver()
            finally:
                self._calling.release()

    def _add(self, function: Callable[..., object], *args: Any) -> None:
        self._calls.append((function, args))
