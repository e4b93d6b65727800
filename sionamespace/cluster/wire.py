"""`Wire`: what servers tell each other, as bytes on channels."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import attrs
import msgspec

from sionamespace.cluster.messages import Message, ToClients
from sionamespace.errors import ConfigurationError, SioError
from sionamespace.ids import Ids
from sionamespace.types import Path, Room

__all__ = ["Received", "Wire", "WireError"]

VERSION = 1


class WireError(SioError):
    """Bytes on a channel that are no message, or none that can be understood here."""


class _Header(msgspec.Struct, array_like=True):
    version: int
    node: str


class _Envelope(msgspec.Struct, array_like=True):
    version: int
    node: str
    number: int
    message: Message


_write = msgspec.msgpack.Encoder().encode
_read = msgspec.msgpack.Decoder(_Envelope).decode
_read_header = msgspec.msgpack.Decoder(_Header).decode


@attrs.frozen
class Received:
    """A message, the server that it is of, and its number among those of that server."""

    node: str
    number: int
    message: Message


class Wire:
    """Names the channels, and writes and reads messages: the format that our servers speak.

    A message is msgpack: ``[version, node, number, [kind, ...]]``. Writing happens on the cluster's
    loop, not in the caller.

    Args:
        prefix: begins the name of each channel. Servers of other prefixes do not meet.
    """

    def __init__(self, prefix: str) -> None:
        if not prefix or "#" in prefix or "@" in prefix:
            raise ConfigurationError(
                f"prefix={prefix!r:.80}: expected a text without '#' and '@', which begin what "
                "follows it in the name of a channel"
            )
        self.everyone = prefix
        """The channel of all servers."""

    def node(self, node: str) -> str:
        """The channel of one server."""
        return f"{self.everyone}@{node}"

    def namespace(self, path: Path) -> str:
        """The channel of the servers that have a namespace."""
        return f"{self.everyone}#{path}"

    def room(self, path: Path, room: Room) -> str:
        """The channel of the servers with a client in a room."""
        return f"{self.everyone}#{path}#{room}"

    def channel(self, message: ToClients, own: str) -> str | None:
        """The channel of all servers that may have a client that is meant; None if none may.

        Args:
            own: the server that asks, which does not tell itself.
        """
        node = self.only_node(message)
        if node is not None:
            return None if node == own else self.node(node)
        rooms = message.rooms
        if rooms is None or len(rooms) > 1:
            return self.namespace(message.path)
        return self.room(message.path, rooms[0]) if rooms else None

    def widest(self, message: ToClients) -> str:
        """The channel of all servers that have the namespace."""
        return self.namespace(message.path)

    @staticmethod
    def only_node(message: ToClients) -> str | None:
        """The one server that has all the clients that are meant; None if that is not known."""
        rooms = message.rooms
        if rooms is None:
            return None
        if len(rooms) == 1:
            return Ids.node_of(rooms[0])
        nodes = {Ids.node_of(room) for room in rooms}
        return nodes.pop() if len(nodes) == 1 else None

    def write(self, node: str, number: int, message: Message) -> bytes:
        """A message as bytes.

        Args:
            node: the server that it is of.
            number: its number among those of that server.
        """
        return _write(_Envelope(VERSION, node, number, message))

    def is_of(self, data: bytes, node: str) -> bool:
        """Whether bytes are a message of a server, which need not be read to know that."""
        return data.startswith(_begin(node))

    def read(self, channel: str, data: bytes) -> Received:
        """The message in bytes that came on a channel.

        Raises:
            WireError: if there is none, or one of a version that is not known here.
        """
        try:
            envelope = _read(data)
        except msgspec.MsgspecError as error:
            raise WireError(_why_not(data, error)) from None
        if envelope.version != VERSION:
            raise WireError(_other_version(envelope))
        return Received(envelope.node, envelope.number, envelope.message)


@lru_cache(maxsize=8)
def _begin(node: str) -> bytes:
    """How the messages of a server begin: with the version and its name, in an array of four."""
    return b"\x94" + _write(VERSION) + _write(node)


def _why_not(data: bytes, error: Exception) -> str:
    try:
        header = _read_header(data)
    except msgspec.MsgspecError:
        return f"it is not of a sionamespace server ({error})"
    if header.version == VERSION:
        return f"it is malformed: {error}"
    return _other_version(header)


def _other_version(header: Any) -> str:
    return (
        f"server {header.node!r:.40} speaks version {header.version} of the cluster's wire, this "
        f"one {VERSION}; let all run the same version of sionamespace"
    )
