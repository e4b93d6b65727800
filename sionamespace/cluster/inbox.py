"""`Inbox`: what came for this server's clients, on its way to the engine's thread."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import TypeAlias

from sionamespace.delivery import Delivery
from sionamespace.ports import Runtime
from sionamespace.protocol.engineio import Parcel
from sionamespace.runtime.faults import guarded
from sionamespace.types import Sid

__all__ = ["Inbox"]

_Load: TypeAlias = "tuple[Delivery, list[Sid], Parcel, bool]"

_LOAD_BYTES = 500
"""What a message costs in memory beside its own size."""


class Inbox:
    """Hands what came to the engine's thread, all that came in one go at once.

    While that is busy, what comes waits here, up to a bound; then volatile messages are dropped,
    and past twice the bound all. Used on the cluster's loop.

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
        self._busy = False

    def add(self, delivery: Delivery, sids: list[Sid], parcel: Parcel, volatile: bool) -> None:
        """Have a message delivered to clients of this server."""
        if self._bytes > self._most and (volatile or self._bytes > 2 * self._most):
            self.dropped += 1
            self._set_full(True)
            return
        self._waiting.append((delivery, sids, parcel, volatile))
        self._bytes += parcel.size + _LOAD_BYTES
        if not self._busy:
            self._busy = True
            asyncio.get_running_loop().call_soon(self._hand_over)

    def _hand_over(self) -> None:
        batch, self._waiting = self._waiting, deque()
        self._runtime.post(self._deliver, batch, asyncio.get_running_loop())

    def _deliver(self, batch: deque[_Load], loop: asyncio.AbstractEventLoop) -> None:
        """On the engine's thread."""
        for delivery, sids, parcel, volatile in batch:
            guarded("delivering what another server sent", delivery.fan_out, sids, parcel, volatile)
        size = sum(parcel.size + _LOAD_BYTES for _, _, parcel, _ in batch)
        with suppress(RuntimeError):  # the loop was closed
            loop.call_soon_threadsafe(self._delivered, size)

    def _delivered(self, size: int) -> None:
        self._bytes -= size
        self._busy = bool(self._waiting)
        if self._busy:
            self._hand_over()
        elif self._is_full:
            self._set_full(False)

    def _set_full(self, is_full: bool) -> None:
        if self._is_full != is_full:
            self._is_full = is_full
            self._tell_full(is_full)
