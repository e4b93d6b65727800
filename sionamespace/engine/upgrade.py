"""The upgrade from long polling to WebSocket (Engine.IO, "Upgrade")."""

from __future__ import annotations

from sionamespace.engine.socket import Carrier, EngineSocket
from sionamespace.protocol.engineio import PING, PONG, UPGRADE, Parcel

__all__ = ["Upgrade"]

_PROBE = PING + "probe"
_PROBED = Parcel(PONG + "probe")
_MOST_PROBES = 5
"""How many are answered; a client sends one."""


class Upgrade:
    """A WebSocket that wants to take over a polling connection.

    The client probes it, lets its last poll return, and then asks for the upgrade. Until that,
    polling goes on; if the WebSocket fails or is late, nothing is lost.
    """

    def __init__(self, socket: EngineSocket, websocket: Carrier) -> None:
        self._socket = socket
        self._websocket = websocket
        self._probes = 0
        self._done = False
        websocket.on_packet = self._take
        socket.contenders.add(self.give_up)

    def _take(self, packet: str | bytes) -> None:
        if packet == _PROBE and self._probes < _MOST_PROBES:
            self._probes += 1
            self._websocket.write(_PROBED)
            self._socket.begin_upgrade()
        elif packet == UPGRADE and self._may_take_over():
            self._done = True
            self._socket.contenders.discard(self.give_up)
            self._websocket.on_packet = self._socket.receive_frame
            self._websocket.on_free = self._socket.flush
            self._socket.end_upgrade(self._websocket)
        else:
            self._websocket.on_packet = _ignore
            self._websocket.close()

    def _may_take_over(self) -> bool:
        return self._probes > 0 and not self._socket.upgraded

    def give_up(self) -> None:
        """The time for it is over, or the connection; nobody waits for the answer to a goodbye."""
        if not self._done:
            self._websocket.on_packet = _ignore
            self._websocket.close()
            self._websocket.abort()

    def ended(self, reason: str) -> None:
        """The WebSocket has ended, before the upgrade or after it."""
        self._socket.contenders.discard(self.give_up)
        if self._done:
            self._socket.lost(reason)
        elif self._probes:
            self._socket.end_upgrade(None)


def _ignore(packet: str | bytes) -> None:
    """Who was turned away cannot go on as if nothing had been."""
