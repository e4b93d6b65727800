"""Many deadlines that are all the same time away, on one timer."""

from __future__ import annotations

from collections.abc import Callable
from itertools import takewhile
from typing import Generic, TypeVar

from sionamespace.ports import Runtime, Timer

__all__ = ["Deadlines"]

K = TypeVar("K")


class Deadlines(Generic[K]):
    """Calls a function with each item that was not discarded within ``seconds``.

    All items wait equally long, so the order of adding is the order of falling due: adding and
    discarding take constant time, and one timer serves all. Used on the engine's thread only.
    """

    def __init__(self, runtime: Runtime, seconds: float, due: Callable[[K], object]) -> None:
        self._runtime = runtime
        self._seconds = seconds
        self._due = due
        self._waiting: dict[K, float] = {}
        self._timer: Timer | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, item: K) -> None:
        """Start an item's time, anew if it was waiting already."""
        self._waiting.pop(item, None)
        self._waiting[item] = self._runtime.now() + self._seconds
        if self._timer is None:
            self._timer = self._runtime.later(self._seconds, self._fire)

    def discard(self, item: K) -> None:
        """Stop an item's time, if it is waiting."""
        self._waiting.pop(item, None)

    def _fire(self) -> None:
        now = self._runtime.now()
        try:
            for item, when in list(takewhile(lambda entry: entry[1] <= now, self._waiting.items())):
                # One that fell due before it may have discarded it, or given it new time.
                if self._waiting.get(item) == when:
                    del self._waiting[item]
                    self._due(item)
        finally:
            first = next(iter(self._waiting.values()), None)
            self._timer = (
                None if first is None else self._runtime.later(max(0, first - now), self._fire)
            )
