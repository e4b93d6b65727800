"""`EngineSocket`: one client connection, whatever carries it."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

import attrs

from sionamespace.engine.heartbeat import Heartbeat
from sionamespace.engine.http import Content, Request
from sionamespace.errors import PacketError
from sionamespace.ports import Receiver, Runtime
from sionamespace.protocol.engineio import (
    CLOSE,
    MESSAGE,
    NOOP,
    OPEN,
    PING,
    PONG,
    UPGRADE,
    Parcel,
    decode_payload,
    decode_text,
    in_text,
    join_payload,
)
from sionamespace.runtime.pending import Pending
from sionamespace.types import Reason

__all__ = ["Carrier", "EngineSocket", "Services", "WebSocket"]

_log = logging.getLogger("sionamespace.engine")

_CLOSE = Parcel(CLOSE)
_NOOP = Parcel(NOOP)
_HARMLESS = frozenset({OPEN, UPGRADE, NOOP})
"""Packet types that mean nothing here, and are ignored as in the JavaScript server."""


class WebSocket(Protocol):
    """A WebSocket, as a socket uses it; see `sionamespace.engine.websocket`."""

    busy: bool
    """Whether something still waits to be written."""

    def write(self, *parcels: Parcel) -> None:
        """Write packets, or as much of them as can be at once, and become busy with the rest."""

    def close(self) -> None:
        """Say goodbye and end it."""

    def abort(self) -> None:
        """End it at once."""


class Carrier(WebSocket, Protocol):
    """A WebSocket with the callbacks by which it tells what happens."""

    on_packet: Callable[[str | bytes], object]
    """Called with each Engine.IO packet that comes."""
    on_free: Callable[[], object]
    """Called when it is busy no more."""


@attrs.frozen
class Services:
    """What the sockets of a server share."""

    runtime: Runtime
    heartbeat: Heartbeat
    max_outbox_bytes: int
    linger: Callable[[EngineSocket], object]
    """Called when a socket closes with something left to hand over."""
    forget: Callable[[EngineSocket], object]
    """Called when nothing is left of a socket."""
    carries_json: bool = True
    """Whether the messages are Socket.IO's, in which any character can be escaped."""


class EngineSocket:
    """One client connection. It implements `sionamespace.ports.Link`.

    It polls until it has a WebSocket. What cannot be written at once waits in the outbox: for the
    next poll, or until the kernel takes more. It is used on the engine's thread only.
    """

    revision = "4"
    """The revision of Engine.IO that the client speaks, as requests name it."""
    protocol = 5
    heard = False
    receiver: Receiver

    def __init__(self, sid: str, services: Services) -> None:
        self.sid = sid
        self.closed = False
        self.upgrading = False
        self.posting = False
        self.content = Content.TEXT
        self.contenders: set[Callable[[], object]] = set()
        """WebSockets that want to take over, as what ends them."""
        self._services = services
        self._outbox: deque[Parcel] = deque()
        self._outbox_bytes = 0
        self._poll: Pending[None] | None = None
        self._websocket: WebSocket | None = None
        self._carry: Callable[[tuple[str | bytes, ...]], Parcel] | None = None

    @property
    def transport(self) -> str:
        """``polling`` or ``websocket``."""
        return "polling" if self._websocket is None else "websocket"

    @property
    def upgraded(self) -> bool:
        """Whether it has a WebSocket, so that it polls no more."""
        return self._websocket is not None

    # Out.

    def send(self, parcel: Parcel, volatile: bool = False) -> None:
        """Send all frames of a packet, or keep them in order. Never blocks."""
        if self.closed:
            return
        websocket = self._websocket
        if websocket is not None and not websocket.busy:
            websocket.write(parcel if self._carry is None else parcel.form(self._carry))
        elif not volatile or (websocket is None and self._poll is not None):
            self._keep(parcel)

    def _keep(self, parcel: Parcel) -> None:
        if self._outbox_bytes > self._services.max_outbox_bytes:
            self._give_up()
            return
        self._outbox.append(parcel)
        self._outbox_bytes += parcel.size
        if self._websocket is None:
            self._wake_poll()

    def _give_up(self) -> None:
        _log.warning(
            "closing a slow client: more than %d bytes wait for it", self._services.max_outbox_bytes
        )
        self._clear_outbox()
        if self._websocket is not None:
            self._websocket.abort()
        self.close(Reason.SLOW_CONSUMER)

    def _clear_outbox(self) -> list[Parcel]:
        parcels = list(self._outbox)
        self._outbox.clear()
        self._outbox_bytes = 0
        return parcels

    # In.

    def start_heartbeat(self) -> None:
        """Begin to see whether the client is there, also after it has shown that it is."""
        self._services.heartbeat.start(self)

    def decode(self, payload: str | bytes) -> list[str | bytes]:
        """The packets of what the client posted.

        Raises:
            PacketError: if it is not what the client's protocol allows.
        """
        if isinstance(payload, bytes):
            raise PacketError("a polled payload of revision 4 is text")
        return decode_payload(payload)

    def receive(self, packet: str | bytes) -> None:
        """Take one Engine.IO packet: text with its type digit, or a binary message."""
        if self.closed:
            return
        self.heard = True
        if isinstance(packet, bytes):
            self.receiver.receive(packet)
            return
        kind = packet[:1]
        if kind == MESSAGE:
            self.receiver.receive(packet[1:])
        elif kind in (PING, PONG):
            self._beat(packet)
        elif kind == CLOSE:
            self.close(Reason.TRANSPORT_CLOSE)
            if self._websocket is None:  # it polls no more
                self._clear_outbox()
                self._end()
        elif kind not in _HARMLESS:
            self._receive_in_text(packet)

    receive_frame = receive
    """Take one message of the WebSocket, which is a packet."""

    def _receive_in_text(self, packet: str) -> None:
        """Take a binary message that is a text, as a client sends it that is told to do so."""
        try:
            message = decode_text(packet)
        except PacketError as error:
            _log.warning("closing a connection: %s", error)
            self.close(Reason.PARSE_ERROR)
        else:
            self.receive(message)

    def _beat(self, packet: str) -> None:
        if packet[0] == PONG:
            self.start_heartbeat()
        else:
            _log.warning("closing a connection: a client of this protocol does not ping")
            self.close(Reason.TRANSPORT_ERROR)

    # Polling.

    def start_poll(self) -> Pending[None] | None:
        """Begin a poll, which is over when something is there to `take`; None if one is waiting."""
        if self._poll is not None:
            return None
        self._poll = Pending(self._services.runtime)
        if self._outbox or self.closed or self.upgrading or self.upgraded:
            self._poll.resolve(None)
        return self._poll

    def take(self) -> str | bytes:
        """The payload that answers the poll."""
        self._poll = None
        parcels = [] if self.upgraded else self._clear_outbox()
        if self.closed and len(parcels) > 1:
            # The JavaScript client obeys a CLOSE before it reads what came in the same payload.
            self._outbox.append(parcels.pop())
        elif self.closed:
            self._end()
        return self._join(parcels or [_NOOP])

    def _join(self, parcels: list[Parcel]) -> str | bytes:
        return join_payload(parcels)

    def _wake_poll(self) -> None:
        if self._poll is not None:
            self._poll.resolve(None)

    # WebSocket.

    def expect(self, request: Request) -> None:
        """A WebSocket may take over, which takes binary unless its own request says no."""
        self._carry = in_text if "b64" in request.query else None

    def begin_upgrade(self) -> None:
        """A WebSocket wants to take over: let the poll that waits return, as the client does."""
        self.upgrading = True
        self._wake_poll()

    def end_upgrade(self, websocket: WebSocket | None) -> None:
        """It takes over, with all that waits; None if it failed and polling goes on."""
        self.upgrading = False
        if websocket is not None:
            self._websocket = websocket
            if self.closed:  # a WebSocket is not told so by a packet
                with suppress(ValueError):  # a shutdown sends none
                    self._outbox.remove(_CLOSE)
            self._wake_poll()
            self.flush()

    def flush(self) -> None:
        """Write what waits; the WebSocket calls it when it has become free."""
        websocket = self._websocket
        if websocket is None:
            return
        if self._outbox:
            parcels, carry = self._clear_outbox(), self._carry
            websocket.write(*(parcels if carry is None else [p.form(carry) for p in parcels]))
        if self.closed and not websocket.busy:
            websocket.close()

    def lost(self, reason: str) -> None:
        """The WebSocket has ended."""
        self._clear_outbox()
        self.close(reason)
        self._end()

    # The end.

    def close(self, reason: str) -> None:
        """Close, after what is waiting was sent; the receiver is told at once."""
        if self.closed:
            return
        # After a CLOSE python-socketio's clients stay away; without it their next poll fails.
        if self._websocket is None and reason != Reason.SHUTDOWN:
            self._outbox.append(_CLOSE)
        self.closed = True
        self._services.heartbeat.stop(self)
        self._services.linger(self)
        self._wake_poll()
        self.flush()
        receiver = self.receiver
        del self.receiver  # it has this socket too, and who has gone is not left to the collector
        receiver.closed(reason)

    def abort(self) -> None:
        """End it at once, whatever is still waiting."""
        self._clear_outbox()
        if self._websocket is not None:
            self._websocket.abort()
        self._wake_poll()
        self._end()

    def _end(self) -> None:
        """Nothing is left to be done for the client."""
        for end in list(self.contenders):
            end()
        self._services.forget(self)
