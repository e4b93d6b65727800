"""The JSON codec of Socket.IO, protocol revision 5 ("Packet encoding").

Its strictness is that of the official ``socket.io-parser``, and a little more: an EVENT or ACK
without a payload, or an ACK without an id, is malformed here, where the JavaScript parser passes
it on and its server ignores it.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec.structs

from sionamespace.errors import PacketError
from sionamespace.protocol.binary import attach, detach
from sionamespace.protocol.packet import (
    MAX_ID,
    Packet,
    PacketType,
    TooLarge,
    check_event,
    check_shape,
)
from sionamespace.protocol.values import dumps, loads

__all__ = ["Decoder", "encode"]

_EVENT, _ACK, _LAST_PLAIN = PacketType.EVENT, PacketType.ACK, PacketType.CONNECT_ERROR
_DIGITS = "0123456"
_TYPES = {_DIGITS[kind]: kind for kind in PacketType}
_TO_BINARY = PacketType.BINARY_EVENT - PacketType.EVENT
"""What is added to the type of an EVENT or ACK that has attachments."""
_rest_of_head: Callable[[str, int], re.Match[str]]
_rest_of_head = re.compile(r"(?:(/[^,]*),?)?([0-9]*)").match  # type: ignore[assignment]
"""Matches a namespace other than ``/`` and an ack id, or that there is neither."""
_MAX_ID_DIGITS = len(str(MAX_ID))


def encode(packet: Packet) -> tuple[str, tuple[bytes, ...]]:
    """The text of a packet and its attachments.

    Raises:
        UsageError: for data that cannot be sent.
    """
    data, kind = packet.data, packet.type
    attachments: tuple[bytes, ...] = ()
    if kind is _EVENT or kind is _ACK:
        data, attachments = detach(data)
    head = f"{_DIGITS[kind + _TO_BINARY]}{len(attachments)}-" if attachments else _DIGITS[kind]
    if packet.path != "/":
        head += packet.path + ","
    if packet.id is not None:
        head += str(packet.id)
    return (head if data is None else head + dumps(data)), attachments


class Decoder:
    """Turns the messages of one connection into packets.

    Args:
        max_attachments: how many attachments a packet may have.
        max_bytes: how large a packet may be with its attachments, in bytes.
    """

    def __init__(self, max_attachments: int = 10, max_bytes: int = 1_000_000) -> None:
        self._max_attachments = max_attachments
        self._max_bytes = max_bytes
        self._waiting: Packet | None = None
        self._parts: list[bytes] = []
        self._missing = 0
        self._size = 0

    def feed(self, message: str | bytes) -> Packet | None:
        """The packet that this message completes, or None if attachments are still to come.

        Raises:
            PacketError: if the message is not what the protocol allows here. The decoder must not
                be used afterwards.
            TooLarge: if the packet is larger than ``max_bytes``, which is a `PacketError` too.
        """
        if not isinstance(message, str):
            return self._feed_attachment(message)
        if self._waiting is not None:
            raise PacketError(
                f"got text while {self._missing} attachment(s) of a packet were still to come"
            )
        packet, attachments = _parse(message, self._max_attachments)
        if not attachments:
            return packet
        self._waiting, self._missing = packet, attachments
        self._parts, self._size = [], len(message)
        return None

    def _feed_attachment(self, part: bytes) -> Packet | None:
        packet = self._waiting
        if packet is None:
            raise PacketError(
                "got binary data that no packet announced; if the client has the msgpack parser: "
                "Server(..., serializer='msgpack')"
            )
        self._size += len(part)
        if self._size > self._max_bytes:
            raise TooLarge(
                f"a packet with its attachments is larger than {self._max_bytes:,} bytes"
            )
        self._parts.append(part)
        self._missing -= 1
        if self._missing:
            return None
        parts, self._parts, self._waiting = self._parts, [], None
        return msgspec.structs.replace(packet, data=attach(packet.data, parts))


def _parse(text: str, max_attachments: int) -> tuple[Packet, int]:
    """The packet of a text and the number of its attachments."""
    kind = _TYPES.get(text[:1])
    if kind is None:
        raise PacketError(f"unknown packet type {text[:1]!r}; the types are 0 to 6")
    at, attachments = 1, 0
    if kind > _LAST_PLAIN:
        attachments, at = _parse_attachments(text, max_attachments)
        kind = PacketType(kind - _TO_BINARY)
    rest = _rest_of_head(text, at)
    path, digits = rest.groups()
    if len(digits) > _MAX_ID_DIGITS:
        raise PacketError(f"bad ack id: more than {_MAX_ID_DIGITS} digits")
    number = int(digits) if digits else None
    payload = text[rest.end() :]
    data = loads(payload) if payload else None
    if kind is _EVENT:
        check_event(data)
    else:
        check_shape(kind, data, number, bool(payload))
    return Packet(kind, path or "/", data, number), attachments


def _parse_attachments(text: str, limit: int) -> tuple[int, int]:
    digits, dash, _ = text[1:12].partition("-")
    if not dash or not digits or not (digits.isascii() and digits.isdigit()) or int(digits) < 1:
        raise PacketError(f"bad number of attachments in {text[:16]!r}; expected such as '51-'")
    if int(digits) > limit:
        raise PacketError(f"too many attachments: {int(digits)}, at most {limit} are allowed")
    return int(digits), len(digits) + 2
