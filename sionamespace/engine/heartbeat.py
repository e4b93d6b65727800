"""Finds out which clients are still there (Engine.IO, "Heartbeat")."""

from __future__ import annotations

from typing import Protocol

from sionamespace.ports import Runtime
from sionamespace.protocol.engineio import PING, Parcel
from sionamespace.runtime.deadlines import Deadlines
from sionamespace.types import Reason

__all__ = ["Heartbeat"]

_PING = Parcel(PING)


class Beating(Protocol):
    """What the heartbeat asks of a connection."""

    heard: bool
    """Set by the connection whenever something comes from the client."""

    def send(self, parcel: Parcel, volatile: bool = False) -> None: ...
    def close(self, reason: str) -> None: ...


class Heartbeat:
    """Pings every connection once in an interval, and closes those that do not answer in time.

    In revision 3 the clients ping; those are closed that do not do so for an interval and a
    ``timeout``. Three timers serve all connections (see `Deadlines`). A connection of which
    something else was heard meanwhile gets one more ``timeout``, as it may be busy sending
    something large.
    """

    def __init__(self, runtime: Runtime, interval: float, timeout: float) -> None:
        self._to_ping: Deadlines[Beating] = Deadlines(runtime, interval, self._ping)
        self._to_answer: Deadlines[Beating] = Deadlines(runtime, timeout, self._expire)
        self._to_be_pinged_by: Deadlines[Beating] = Deadlines(
            runtime, interval + timeout, self._expire
        )

    def start(self, connection: Beating) -> None:
        """Begin with a connection, also after its answer."""
        self._to_answer.discard(connection)
        self._to_ping.add(connection)

    def await_ping(self, connection: Beating) -> None:
        """Begin with a connection whose client pings, also after its ping."""
        connection.heard = False
        self._to_answer.discard(connection)
        self._to_be_pinged_by.add(connection)

    def stop(self, connection: Beating) -> None:
        """Have done with a connection."""
        self._to_be_pinged_by.discard(connection)
        self._to_ping.discard(connection)
        self._to_answer.discard(connection)

    def _ping(self, connection: Beating) -> None:
        connection.heard = False
        self._to_answer.add(connection)
        connection.send(_PING)

    def _expire(self, connection: Beating) -> None:
        if connection.heard:
            connection.heard = False
            self._to_answer.add(connection)
        else:
            connection.close(Reason.PING_TIMEOUT)
