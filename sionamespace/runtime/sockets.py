"""`Sockets`: the sockets that a driver watches, each of which is read a turn at a time.

A green library's hub could watch each of them by itself, but it spends more on a socket than the
kernel does on reading it; so it watches one thing, which stands for all of them.
"""

from __future__ import annotations

import selectors
from collections.abc import Callable
from contextlib import suppress
from itertools import islice
from typing import Final, Protocol, TypeAlias

from sionamespace.runtime.faults import guarded, log_fault
from sionamespace.runtime.originals import DefaultSelector, epoll

__all__ = ["AGAIN", "OVER", "WAITING", "Readable", "Sockets"]

OVER: Final = 0
"""It has ended, or somebody else looks after it: it is watched no more."""
WAITING: Final = 1
"""It is to be read when something comes."""
AGAIN: Final = 2
"""There is more to take already, which is for when the others have nothing to read."""

Readable: TypeAlias = Callable[[], int]
"""Reads a socket on which something has come; what becomes of it: one of the above."""

_ROUND = 32
"""How many sockets are read before what they brought is handled: enough to share the costs of a
round, and few enough that the first need not wait long for its answer."""

_MOST_PASSED = 3
"""For how many rounds those that have more already are passed over, while others come."""


class _Poll(Protocol):
    """What the system has for waiting, in the form of ``select.epoll``."""

    def fileno(self) -> int: ...
    def register(self, fd: int, /, eventmask: int) -> object: ...
    def unregister(self, fd: int, /) -> object: ...
    def poll(self, timeout: float | None, maxevents: int) -> list[tuple[int, int]]: ...


class Sockets:
    """Sockets that are read when something comes.

    Any thread may `add` and, one at a time, `wait`; the rest is for the engine's thread.
    """

    def __init__(self) -> None:
        self._poll: _Poll = _OtherPoll() if epoll is None else epoll()
        self._watched: dict[int, tuple[Readable, Callable[[], object]]] = {}
        self._again: dict[int, None] = {}
        self._passed = 0
        self.fileno = self._poll.fileno
        """What can be read when one of the sockets can be."""

    @property
    def has_more(self) -> bool:
        """Whether there is something to take already."""
        return bool(self._again)

    def add(self, fd: int, readable: Readable, end: Callable[[], object]) -> None:
        """Have a socket read, a turn at a time; ``end`` is called when that is over."""
        self._watched[fd] = readable, end
        try:
            self._poll.register(fd, selectors.EVENT_READ)
        except BaseException:
            del self._watched[fd]
            raise

    def discard(self, fd: int) -> None:
        """Have a socket read no more, if it was, and call nothing; before it is closed."""
        if self._watched.pop(fd, None) is not None:
            with suppress(OSError):  # it was closed, and is not there any more
                self._poll.unregister(fd)
            self._again.pop(fd, None)

    def wait(self, seconds: float | None) -> list[int]:
        """What can be read, for `read`; waits until there is something, or for so long."""
        return [fd for fd, _ in self._poll.poll(0 if self._again else seconds, _ROUND)]

    def read(self, ready: list[int]) -> None:
        """Give a turn to those on which something has come.

        Those that have more already get theirs when there are no others, or after a while; of many
        a few at a time.
        """
        others = [fd for fd in ready if fd not in self._again]
        again: list[int] = []
        self._passed += 1
        if not others or self._passed > _MOST_PASSED:
            self._passed = 0
            again = list(islice(self._again, _ROUND))
        for fd in again:
            del self._again[fd]
        for fd in (*others, *again):
            self._read_one(fd)

    def _read_one(self, fd: int) -> None:
        watched = self._watched.get(fd)
        if watched is None:  # another one's turn has ended it
            return
        readable, end = watched
        try:
            after = readable()
        except Exception:
            log_fault("reading a socket")
            after = OVER
        if after == OVER:
            self.discard(fd)
            guarded("what follows the end of reading a socket", end)
        elif after == AGAIN:
            self._again[fd] = None


class _OtherPoll:
    """What other systems than Linux have, in the form of epoll."""

    def __init__(self) -> None:
        self._selector = DefaultSelector()
        self._passed = 0
        self.unregister = self._selector.unregister
        self.register = self._selector.register

    def fileno(self) -> int:
        return int(self._selector.fileno())  # type: ignore[attr-defined]  # kqueue has it

    def poll(self, timeout: float | None, maxevents: int) -> list[tuple[int, int]]:
        ready = [(key.fd, events) for key, events in self._selector.select(timeout)]
        if len(ready) <= maxevents:
            return ready
        # Of more, others each time.
        first = self._passed % len(ready)
        self._passed += maxevents
        return (ready[first:] + ready[:first])[:maxevents]
