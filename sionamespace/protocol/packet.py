"""The Socket.IO packet (protocol revision 5, "Packet encoding")."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import msgspec

from sionamespace.errors import PacketError, UsageError
from sionamespace.types import Path

__all__ = [
    "MAX_ID",
    "RESERVED_EVENTS",
    "Packet",
    "PacketType",
    "TooLarge",
    "check_event",
    "check_shape",
]

MAX_ID = 10**15 - 1
"""Ack ids up to here are exact in JavaScript, whose integers end at 2**53."""

_NAMES = frozenset({str, int, float})
"""What the name of an event may be; a bool, which is an int to Python, may not."""

RESERVED_EVENTS = frozenset(
    {"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"}
)
"""Event names that no packet may carry, in either direction, as in the JavaScript parser."""


class PacketType(IntEnum):
    """The packet types; the binary two never leave the codec."""

    CONNECT = 0
    DISCONNECT = 1
    EVENT = 2
    ACK = 3
    CONNECT_ERROR = 4
    BINARY_EVENT = 5
    BINARY_ACK = 6


class Packet(msgspec.Struct, frozen=True, gc=False):
    """One packet. (A Struct, as one is made for each message: 0.1 us against attrs' 0.6.)

    ``data`` is a dict or None for CONNECT, None for DISCONNECT, ``[event, *args]`` for EVENT,
    a list of arguments for ACK, and a dict or text for CONNECT_ERROR. Binary values are
    ``bytes`` inside ``data``, wherever they stand.
    """

    type: PacketType
    path: Path = "/"
    data: Any = None
    id: int | None = None

    @classmethod
    def of_event(
        cls, path: Path, event: str, args: tuple[Any, ...], number: int | None = None
    ) -> Packet:
        """That of an event to clients; raises `UsageError` for a name that it cannot have."""
        if not isinstance(event, str) or event in RESERVED_EVENTS:
            raise UsageError(
                f"cannot send an event named {event!r}; expected a text other than "
                + ", ".join(sorted(RESERVED_EVENTS))
            )
        return cls(PacketType.EVENT, path, [event, *args], number)


class TooLarge(PacketError):
    """A packet is larger, with its attachments, than is allowed."""


def check_shape(kind: PacketType, data: Any, number: int | None, has_payload: bool) -> None:
    """Raise `PacketError` unless the payload has the shape that its packet type has."""
    if kind is PacketType.EVENT:
        check_event(data)
    elif kind is PacketType.ACK:
        _expect(isinstance(data, list) and number is not None, "an ACK has an id and a list")
    elif kind is PacketType.CONNECT:
        _expect(isinstance(data, dict) or not has_payload, "a CONNECT's payload is an object")
    elif kind is PacketType.DISCONNECT:
        _expect(not has_payload, "a DISCONNECT has no payload")
    else:
        _expect(isinstance(data, (dict, str)), "a CONNECT_ERROR's payload is an object or a text")


def check_event(data: Any) -> None:
    """Raise `PacketError` unless the payload is one of an EVENT."""
    name = data[0] if isinstance(data, list) and data else None
    if type(name) not in _NAMES:
        raise PacketError("an EVENT's payload is a list that begins with the event's name")
    if name in RESERVED_EVENTS:
        raise PacketError(f"{name!r} is a reserved name for an event")


def _expect(holds: bool, rule: str) -> None:
    if not holds:
        raise PacketError(rule)
