"""`LegacySocket`: one connection of a client 1.x or 2.x, which speaks Engine.IO revision 3."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping

from sionamespace.engine.http import Request
from sionamespace.engine.socket import EngineSocket, Services
from sionamespace.errors import PacketError
from sionamespace.protocol.engineio import PING, PONG, Parcel
from sionamespace.protocol.engineio3 import (
    binary_payload,
    decode_binary_payload,
    decode_frame,
    decode_payload,
    doubled_payload,
    in_text,
    is_doubled,
    raw_doubled_payload,
    raw_text_payload,
    text_payload,
    with_types,
)
from sionamespace.protocol.legacy import PROTOCOL
from sionamespace.types import Reason

__all__ = ["LegacySocket"]

_log = logging.getLogger("sionamespace.engine")

_COUNTED = re.compile(r"[0-9]+-[0-9]+")
"""How clients up to 1.3 keep their requests from being cached; later ones send a short text."""

_JSON_FORMS = text_payload, doubled_payload
_RAW_FORMS = raw_text_payload, raw_doubled_payload
"""How text is polled that is encoded once, and twice."""

_MOST_TEXT = 50_000
"""From how many characters on a text is long; Safari's limit is the lowest, 65,536."""


class LegacySocket(EngineSocket):
    """One client connection, by the rules of Engine.IO revision 3.

    What a polling client takes shows in its handshake: text with ``b64``, and else binary too.
    Clients up to 1.3 then take nothing but binary; later ones 1.x make text of bytes in one call,
    so that it may not be long, whose arguments browsers limit, nor go beyond ASCII. Clients 1.x
    encode text twice; those up to 1.3 are known, the others are told from 2.x by what they say.

    Args:
        query: the parameters of the handshake.
    """

    revision = "3"
    protocol = PROTOCOL

    def __init__(self, sid: str, services: Services, query: Mapping[str, str]) -> None:
        super().__init__(sid, services)
        early = _COUNTED.fullmatch(query.get("t", "")) is not None
        self._takes_binary = "b64" not in query
        self._takes_text = not self._takes_binary or not early
        self._doubles = True if early else None
        self._text_forms = _JSON_FORMS if services.carries_json else _RAW_FORMS
        self._carry = with_types

    # Out.

    def expect(self, request: Request) -> None:
        """A WebSocket may take over, which takes binary unless its own request says no."""
        self._carry = in_text if "b64" in request.query else with_types

    def _join(self, parcels: list[Parcel]) -> str | bytes:
        if self._takes_text and not (self._takes_binary and any(map(_has_binary, parcels))):
            form = self._text_forms[bool(self._doubles)]
            text = "".join([parcel.form(form) for parcel in parcels])
            if not self._takes_binary or (len(text) <= _MOST_TEXT and text.isascii()):
                return text
        return b"".join([parcel.form(binary_payload) for parcel in parcels])

    # In.

    def start_heartbeat(self) -> None:
        """Begin to wait for the client's ping."""
        self._services.heartbeat.await_ping(self)

    def decode(self, payload: str | bytes) -> list[str | bytes]:
        """The packets of what the client posted."""
        if isinstance(payload, bytes):
            return decode_binary_payload(payload)
        if self._doubles is not False and (doubles := is_doubled(payload)) is not None:
            self._doubles = doubles
        return decode_payload(payload, bool(self._doubles))

    def receive_frame(self, message: str | bytes) -> None:
        """Take one message of the WebSocket."""
        try:
            packet = decode_frame(message)
        except PacketError as error:
            _log.warning("closing a connection: %s", error)
            self.close(Reason.PARSE_ERROR)
        else:
            self.receive(packet)

    def _beat(self, packet: str) -> None:
        if packet[0] == PING:
            self.send(Parcel(PONG + packet[1:]))
            self.start_heartbeat()
        else:
            _log.warning("closing a connection: a client of revision 3 is not pinged")
            self.close(Reason.TRANSPORT_ERROR)


def _has_binary(parcel: Parcel) -> bool:
    return any(isinstance(packet, bytes) for packet in parcel.packets)
