"""The engine in memory: connections with no socket, for tests."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from sionamespace.ports import Receiver
from sionamespace.protocol.engineio import Parcel
from sionamespace.types import Reason

__all__ = ["MemoryLink"]


class MemoryLink:
    """One client connection in memory. It implements `sionamespace.ports.Link`.

    Args:
        deliver: called with each message that the server sends.
        max_outbox_bytes: how much may wait while the client is paused, before it is closed.
    """

    protocol = 5
    sid = "memory"
    transport = "websocket"
    receiver: Receiver

    def __init__(self, deliver: Callable[[str | bytes], object], max_outbox_bytes: int) -> None:
        self.reason: str | None = None
        """Why it was closed; None while it is open."""
        self._deliver = deliver
        self._max_outbox_bytes = max_outbox_bytes
        self._outbox: deque[Parcel] = deque()
        self._paused = False

    def send(self, parcel: Parcel, volatile: bool = False) -> None:
        """Hand all messages of a packet to the client, or keep them while it is paused."""
        if self.reason is not None:
            return
        if not self._paused:
            self._hand_over(parcel)
        elif not volatile:
            if sum(kept.size for kept in self._outbox) > self._max_outbox_bytes:
                self.close(Reason.SLOW_CONSUMER)
                return
            self._outbox.append(parcel)

    def close(self, reason: str) -> None:
        """End the connection; the receiver is told, once."""
        if self.reason is None:
            self.reason = reason
            self.receiver.closed(reason)

    def pause(self) -> None:
        """Let the client read nothing, as one does that is slow or out of reach."""
        self._paused = True

    def resume(self) -> None:
        """Let it read on, what was kept first."""
        while self._outbox:
            self._hand_over(self._outbox.popleft())
        self._paused = False

    def _hand_over(self, parcel: Parcel) -> None:
        for message in parcel.messages:
            self._deliver(message)
