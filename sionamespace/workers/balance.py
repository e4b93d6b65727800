"""`Balance`: workers that accept from one socket get about as many clients each."""

from __future__ import annotations

import mmap
import time
from collections.abc import Callable

__all__ = ["Balance", "Loads"]

_PAUSE = 0.002
"""How many seconds a worker with more than its share leaves to the others."""
_SLACK, _SLACK_PERCENT = 2, 5
"""How many clients more than the average, and how many per cent more, are still its share."""
_AT_ONCE = 128
"""For each of how many clients that it has it accepts one then, if they are still there: the others
may have stopped."""
_RECENT = 0.05
"""For how many seconds those count whom it has accepted, and who may not be clients yet."""

_ABSENT = -1


class Loads:
    """How many clients each worker has, in memory that all share; made before any is forked."""

    def __init__(self, count: int) -> None:
        self._memory = memoryview(mmap.mmap(-1, 8 * count)).cast("q")
        for number in range(count):
            self.forget(number)

    def forget(self, number: int) -> None:
        """A worker has ended."""
        self._memory[number] = _ABSENT

    def tell(self, number: int, load: int) -> None:
        """How many clients a worker has now."""
        self._memory[number] = load

    def average(self) -> float:
        """How many the workers have on average that are there."""
        loads = [load for load in self._memory if load != _ABSENT]
        return sum(loads) / len(loads)


class Balance:
    """One worker's part in it: with more than its share it accepts a little later than the others.

    Else whoever is woken first would get nearly all: often the same one, while nothing else is to
    be done.

    Args:
        number: which worker it is.
        now: the time in seconds.
    """

    def __init__(
        self, loads: Loads, number: int, now: Callable[[], float] = time.monotonic
    ) -> None:
        self.clients: Callable[[], int] = int
        """How many clients it has."""
        self._loads = loads
        self._number = number
        self._now = now
        self._known, self._known_at = 0, -1.0
        self._accepted = 0
        self._free, self._free_until = 0, 0.0

    def pause(self) -> float:
        """How many seconds to wait before the next client is accepted, or is not there any more."""
        if self._now() - self._known_at > _RECENT:
            self._known, self._known_at = self.clients(), self._now()
            self._accepted = 0
        load = self._known + self._accepted
        self._loads.tell(self._number, load)
        if self._free and self._now() < self._free_until:
            self._free -= 1
            return 0
        share = self._loads.average() * (1 + _SLACK_PERCENT / 100) + _SLACK
        if load <= share:
            return 0
        self._free, self._free_until = 1 + load // _AT_ONCE, self._now() + 1.5 * _PAUSE
        return _PAUSE

    def accepted(self) -> None:
        """A client was accepted."""
        self._accepted += 1
