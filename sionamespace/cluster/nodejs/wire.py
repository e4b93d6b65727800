"""`NodeWire`: what servers tell each other, as ``@socket.io/redis-adapter`` 7 and 8 write it."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Any

import msgspec

from sionamespace.cluster.messages import (
    Announce,
    Dismiss,
    Emit,
    Enter,
    Leave,
    Message,
    ToClients,
)
from sionamespace.cluster.wire import Wire
from sionamespace.protocol.codecs import Codec
from sionamespace.protocol.msgpack import write_value
from sionamespace.protocol.packet import PacketType
from sionamespace.types import Path, Room

__all__ = ["NodeWire", "Request"]


class Request(IntEnum):
    """The types of requests and responses in that package."""

    SOCKETS = 0
    ALL_ROOMS = 1
    JOIN = 2
    LEAVE = 3
    DISCONNECT = 4
    FETCH = 5
    SERVER_EMIT = 6
    BROADCAST = 7
    CLIENT_COUNT = 8
    CLIENT_ACK = 9


class NodeWire(Wire):
    """Writes what has no answer: broadcasts in msgpack, the others in JSON.

    Args:
        codec: that of the servers' packets.
        key: the option of that name of the package.
    """

    def __init__(self, codec: Codec, key: str = "socket.io") -> None:
        super().__init__(key)
        self._codec = codec

    def namespace(self, path: Path) -> str:
        return f"{self.everyone}#{path}#"

    def room(self, path: Path, room: Room) -> str:
        return f"{self.everyone}#{path}#{room}#"

    def requests(self, path: Path) -> str:
        """The channel on which servers ask, and tell all but broadcasts."""
        return f"{self.everyone}-request#{path}#"

    def responses(self, path: Path) -> str:
        """The channel on which they answer."""
        return f"{self.everyone}-response#{path}#"

    def channel(self, message: ToClients, own: str) -> str | None:
        if isinstance(message, Emit) and message.rooms is not None and len(message.rooms) == 1:
            return self.room(message.path, message.rooms[0])
        return self.widest(message)

    def widest(self, message: ToClients) -> str:
        # Node's adapter throws what it cannot read, and with that ends its process.
        is_broadcast = isinstance(message, Emit)
        return (self.namespace if is_broadcast else self.requests)(message.path)

    def write(self, node: str, number: int, message: Message) -> bytes:
        if isinstance(message, Emit):
            data = message.packet.values(self._codec)
            packet = {"type": PacketType.EVENT.value, "data": data, "nsp": message.path}
            flags = {"volatile": True} if message.volatile else {}
            return write_value([node, packet, {**_options(message), "flags": flags}])
        return msgspec.json.encode({"uid": node, **self._request(message)})

    def _request(self, message: Message) -> dict[str, Any]:
        if isinstance(message, Announce):
            return {"type": Request.SERVER_EMIT, "data": message.packet.values(self._codec)}
        assert isinstance(message, (Enter, Leave, Dismiss))
        said: dict[str, Any] = {"opts": _options(message)}
        if isinstance(message, Enter):
            return {"type": Request.JOIN, **said, "rooms": message.into}
        if isinstance(message, Leave):
            return {"type": Request.LEAVE, **said, "rooms": message.out_of}
        return {"type": Request.DISCONNECT, **said, "close": message.close}


def _options(message: ToClients) -> dict[str, Sequence[str]]:
    return {"rooms": list(message.rooms or ()), "except": list(message.skip)}
