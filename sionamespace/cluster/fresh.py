"""`FreshRooms`: rooms that others may not listen to yet."""

from __future__ import annotations

from collections.abc import Callable
from itertools import takewhile

from sionamespace.cluster.messages import Enter, ToClients
from sionamespace.cluster.wire import Wire
from sionamespace.types import Path, Room

__all__ = ["FreshRooms"]

_SECONDS = 5.0
"""How long a server may take to subscribe to a channel."""


class FreshRooms:
    """The rooms into which clients of other servers were put a moment ago.

    Their servers begin to listen to such a room only then, so that what follows at once would miss
    them: for a while it has to go where they listen already.

    Args:
        clock: the time in seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._until: dict[tuple[Path, Room], float] = {}

    def __len__(self) -> int:
        return len(self._until)

    def add(self, enter: Enter) -> None:
        """Clients elsewhere are put into rooms."""
        now = self._clock()
        self._forget(now)
        for room in enter.into:
            self._until.pop((enter.path, room), None)  # so that the oldest stay in front
            self._until[enter.path, room] = now + _SECONDS

    def channel(self, wire: Wire, message: ToClients, own: str) -> str | None:
        """The channel of all servers that a message may concern; None if there are none.

        Args:
            own: the server that sends it.
        """
        if isinstance(message, Enter):
            self.add(message)
        elif self.concerns(message):
            return wire.widest(message)
        return wire.channel(message, own)

    def concerns(self, message: ToClients) -> bool:
        """Whether a message is for such a room."""
        if not self._until or message.rooms is None:
            return False
        self._forget(self._clock())
        return any((message.path, room) in self._until for room in message.rooms)

    def _forget(self, now: float) -> None:
        """Those are not fresh any more whose time is over."""
        for key, _ in list(takewhile(lambda item: item[1] <= now, self._until.items())):
            del self._until[key]
