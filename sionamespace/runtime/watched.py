"""What becomes of a socket that is watched, each time that it was read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sionamespace.runtime.faults import log_fault

__all__ = ["AGAIN", "OVER", "WAITING", "Readable", "Watched"]

OVER: Final = 0
"""It has ended, or something else looks after it."""
WAITING: Final = 1
"""It is to be read when something comes."""
AGAIN: Final = 2
"""There is more to be taken already, as soon as all others have had their turn."""

Readable = Callable[[], int]
"""Called when a socket can be read; what becomes of it."""


class Watched:
    """A socket that is watched: read when something comes, and a turn at a time.

    Args:
        readable: reads it.
        end: called when it is watched no more.
        soon: calls a function when all sockets that can be read have had a turn.
    """

    __slots__ = ("_again", "_end", "_readable", "_soon")

    def __init__(
        self,
        readable: Readable,
        end: Callable[[], object],
        soon: Callable[[Callable[[], object]], object],
    ) -> None:
        self._readable = readable
        self._end = end
        self._soon = soon
        self._again = False

    def on_readable(self, *_: object) -> None:
        """Something has come."""
        if not self._again:  # else its turn comes anyway
            self._take_turn()

    def _go_on(self) -> None:
        self._again = False
        self._take_turn()

    def _take_turn(self) -> None:
        try:
            after = self._readable()
        except Exception:
            log_fault("reading a socket")
            after = OVER
        if after is AGAIN:
            self._again = True
            self._soon(self._go_on)
        elif after is OVER:
            self._end()
