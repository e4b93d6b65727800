"""Whose turn it is, where no single thread owns the engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sionamespace.runtime.mail import Mail
from sionamespace.runtime.originals import get_ident, new_lock

__all__ = ["Turns"]


class Turns:
    """Lets one thread at a time touch the engine: ``with turns: ...``

    What is posted meanwhile is run by the thread whose turn it is, before it leaves. So posting
    never waits, also from a signal's handler, and threads that post do not queue up for a lock.
    """

    def __init__(self) -> None:
        self._lock = new_lock()
        self._owner = 0
        self._depth = 0
        self._mail = Mail()
        self._ends: list[Callable[[], object]] = []

    def here(self) -> bool:
        """Whether it is the calling thread's turn."""
        return self._owner == get_ident()

    def post(self, function: Callable[..., object], *args: Any) -> None:
        """Run a function at once, or have it run by whoever's turn it is; in the order posted."""
        self._mail.append((function, args))
        if not self.here():
            self._deliver()

    def at_end(self, function: Callable[[], object]) -> None:
        """Call a function, which cannot fail, at the end of this turn."""
        self._ends.append(function)

    def __enter__(self) -> None:
        if self.here():
            self._depth += 1
        else:
            self._lock.acquire()
            self._owner = get_ident()

    def __exit__(self, *error: object) -> None:
        if self._depth:
            self._depth -= 1
            return
        self._finish()
        self._deliver()

    def _deliver(self) -> None:
        # Who posts after the box was found empty may still find the lock taken and go away; so
        # whoever gives up the lock looks once more.
        while self._mail and self._lock.acquire(blocking=False):
            self._owner = get_ident()
            self._finish()

    def _finish(self) -> None:
        try:
            self._mail.deliver()
            while self._ends:
                self._ends.pop()()
        finally:
            self._owner = 0
            self._lock.release()
