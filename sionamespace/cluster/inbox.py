"""`Inbox`: what came for this server's clients, on its way to the engine's thread."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, TypeAlias

from sionamespace.ports import Runtime
from sionamespace.runtime.faults import guarded
from sionamespace.runtime.pending import Pending

__all__ = ["Inbox"]

_Load: TypeAlias = "tuple[int, Callable[..., object], tuple[Any, ...]]"

_LOAD_BYTES = 500
"""What a message costs in memory beside its own size."""


class Inbox:
    """Has what came done on the engine's thread, in order, and all that came in one go at once.

    While that is busy, what comes waits here, up to a bound; then volatile messages are dropped,
    and past twice the bound all that would take up room. Used on the cluster's loop.

    Args:
        most: how many bytes may wait.
        full: called with whether the engine is too slow now, when that changes.
    """

    def __init__(self, runtime: Runtime, most: int, full: Callable[[bool], object]) -> None:
        self.dropped = 0
        """How many messages were dropped."""
        self._runtime = runtime
        self._most = most
        self._tell_full = full
        self._is_full = False
        self._waiting: deque[_Load] = deque()
        self._bytes = 0
        self._with_handlers = 0
        """How many bytes the handlers of servers' events have, and are not done with."""
        self._busy = False

    def has_room(self, volatile: bool = False, for_handlers: bool = False) -> bool:
        """Whether one more message may be added; if not, it counts as dropped.

        Args:
            for_handlers: it is for those of `server_event`, which may have others to do first.
        """
        waiting = self._bytes + (self._with_handlers if for_handlers else 0)
        if waiting <= self._most or (not volatile and waiting <= 2 * self._most):
            return True
        self.dropped += 1
        self._set_full(True)
        return False

    def add(self, size: int, function: Callable[..., object], *args: Any) -> None:
        """Have a function called on the engine's thread, after those before it.

        Args:
            size: about how many bytes its arguments have. Where it returns something pending,
                handlers have them until that is done.
        """
        self._waiting.append((size + _LOAD_BYTES, function, args))
        self._bytes += size + _LOAD_BYTES
        if not self._busy:
            self._busy = True
            asyncio.get_running_loop().call_soon(self._hand_over)

    def _hand_over(self) -> None:
        batch, self._waiting = self._waiting, deque()
        self._runtime.post(self._deliver, batch, asyncio.get_running_loop())

    def _deliver(self, batch: deque[_Load], loop: asyncio.AbstractEventLoop) -> None:
        """On the engine's thread."""
        with_handlers = 0
        for size, function, args in batch:
            result = guarded("what another server wants", function, *args)
            if isinstance(result, Pending) and not result.done():
                with_handlers += size
                result.listen(partial(_tell, loop, self._handled, size))
        size = sum(size for size, _, _ in batch)
        _tell(loop, self._delivered, size, with_handlers)

    def _delivered(self, size: int, with_handlers: int) -> None:
        self._bytes -= size
        self._with_handlers += with_handlers
        self._busy = bool(self._waiting)
        if self._busy:
            self._hand_over()
        self._relax()

    def _handled(self, size: int) -> None:
        self._with_handlers -= size
        self._relax()

    def _relax(self) -> None:
        if self._is_full and not self._busy and self._with_handlers <= self._most // 2:
            self._set_full(False)

    def _set_full(self, is_full: bool) -> None:
        if self._is_full != is_full:
            self._is_full = is_full
            self._tell_full(is_full)


def _tell(loop: asyncio.AbstractEventLoop, function: Callable[..., None], *args: int) -> None:
    with suppress(RuntimeError):  # the loop was closed
        loop.call_soon_threadsafe(function, *args)
