"""Timers for a driver that has no hub which brings them along."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from typing import Any

__all__ = ["Timers"]

_MOST_CANCELLED = 1000
"""How many cancelled timers may lie about before they are cleared away."""


class Timers:
    """Calls that fall due. Not safe between threads: the engine's turn guards it."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, _Call]] = []
        self._numbers = itertools.count()
        self._cancelled = 0

    @property
    def next(self) -> float | None:
        """When the next call falls due; None if there is none. From any thread."""
        try:
            return self._heap[0][0]
        except IndexError:
            return None

    def add(self, when: float, function: Callable[..., object], args: tuple[Any, ...]) -> _Call:
        """A call at a time."""
        call = _Call(self, function, args)
        heapq.heappush(self._heap, (when, next(self._numbers), call))
        return call

    def due(self, now: float) -> Callable[[], object] | None:
        """The next call that is due, which is taken out; None if there is none."""
        while self._heap and (self._heap[0][0] <= now or self._heap[0][2].over):
            call = heapq.heappop(self._heap)[2]
            if not call.over:
                call.over = True
                return call.run
            self._cancelled -= 1
        return None

    def _count_cancelled(self) -> None:
        self._cancelled += 1
        if self._cancelled > max(_MOST_CANCELLED, len(self._heap) // 2):
            heap = [entry for entry in self._heap if not entry[2].over]
            heapq.heapify(heap)
            self._heap = heap  # any thread may look at its first
            self._cancelled = 0


class _Call:
    """One call to come. It implements `sionamespace.ports.Timer`."""

    __slots__ = ("_args", "_function", "_timers", "over")

    def __init__(
        self, timers: Timers, function: Callable[..., object], args: tuple[Any, ...]
    ) -> None:
        self.over = False
        self._timers = timers
        self._function = function
        self._args = args

    def run(self) -> None:
        self._function(*self._args)

    def cancel(self) -> None:
        if not self.over:
            self.over = True
            self._function, self._args = _nothing, ()  # they may hold much
            self._timers._count_cancelled()


def _nothing() -> None:
    """What a cancelled timer calls."""
