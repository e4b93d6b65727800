"""Calls on their way to the engine's thread."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from sionamespace.runtime.faults import guarded

__all__ = ["Mail"]


class Mail(deque[tuple[Callable[..., object], tuple[Any, ...]]]):
    """Calls that were posted, as function and arguments; `deliver` makes them, in order.

    Any thread may append, also in a signal's handler.
    """

    def deliver(self) -> None:
        """Make all calls, also those that come meanwhile. One that fails stops no other."""
        while self:
            function, args = self.popleft()
            guarded("a posted call", function, *args)
