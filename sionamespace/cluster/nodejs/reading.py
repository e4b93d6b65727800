"""What servers of Node say, read: broadcasts, requests and responses."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

import attrs

from sionamespace.cluster.encoded import Encoded
from sionamespace.cluster.wire import WireError
from sionamespace.errors import PacketError
from sionamespace.protocol.codecs import Codec
from sionamespace.protocol.engineio import Parcel
from sionamespace.protocol.msgpack import read_value
from sionamespace.protocol.packet import Packet, PacketType, check_event
from sionamespace.types import Path, Room, Sid

__all__ = ["Broadcast", "Options", "encoded", "read_broadcast", "read_plain"]

Expand = Callable[[Path, Iterable[Room]], frozenset[Sid]]


@attrs.frozen
class Options:
    """Whom something is for: those in ``rooms`` (None: all), less those in the rooms ``skip``."""

    rooms: tuple[Room, ...] | None
    skip: frozenset[Room]
    flags: dict[str, Any]

    @classmethod
    def read(cls, data: Any) -> Options:
        given = data if isinstance(data, dict) else {}
        flags = given.get("flags")
        return cls(
            _rooms(given.get("rooms")) or None,
            frozenset(_rooms(given.get("except"))),
            flags if isinstance(flags, dict) else {},
        )

    @property
    def timeout(self) -> float | None:
        """Within how many seconds clients are to answer."""
        given = self.flags.get("timeout")
        return given / 1000 if isinstance(given, (int, float)) else None


@attrs.frozen
class Broadcast:
    """An event to clients, and the server that it is of."""

    uid: Any
    data: list[Any]
    to: Options


def read_broadcast(message: bytes) -> Broadcast:
    """What came on a channel of broadcasts; raises `WireError`."""
    value = _msgpack(message)
    if not isinstance(value, list) or len(value) < 3 or not isinstance(value[1], dict):
        raise WireError("it is no broadcast of @socket.io/redis-adapter")
    uid, packet, options, *_ = value
    return Broadcast(uid, event_of(packet), Options.read(options))


def event_of(packet: Any) -> list[Any]:
    """The event in a packet of Node's, with its arguments; raises `WireError`."""
    data: Any = packet.get("data") if isinstance(packet, dict) else None
    if not isinstance(packet, dict) or packet.get("type") not in (
        PacketType.EVENT,
        PacketType.BINARY_EVENT,
    ):
        raise WireError("it has a packet that is no event")
    try:
        check_event(data)
    except PacketError as error:
        raise WireError(str(error)) from None
    found: list[Any] = data
    return found


def read_plain(message: bytes) -> dict[str, Any]:
    """A request or response, in JSON or msgpack; raises `WireError`."""
    if message.startswith(b"{"):
        try:
            value = json.loads(message)
        except ValueError as error:
            raise WireError(f"it is no JSON: {error}") from None
    else:
        value = _msgpack(message)
    if not isinstance(value, dict):
        raise WireError("it is no request or response of @socket.io/redis-adapter")
    return value


def encoded(codec: Codec, path: Path, event: list[Any]) -> Encoded:
    """An event, as it is sent to clients; raises `UsageError` if it cannot be."""
    packet = Packet(PacketType.EVENT, path, event)
    return Encoded.of(Parcel.of_message(*codec.encode(packet)).packets)


def _msgpack(message: bytes) -> Any:
    try:
        return read_value(message)
    except PacketError as error:
        raise WireError(str(error)) from None


def _rooms(given: Any) -> tuple[Room, ...]:
    """Names of rooms, which may be numbers in Node."""
    return tuple(map(str, given)) if isinstance(given, list) else ()
