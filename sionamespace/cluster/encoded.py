"""`Encoded`: Socket.IO packets, and values, on their way between servers."""

from __future__ import annotations

from typing import Any

import msgspec

from sionamespace.errors import PacketError
from sionamespace.protocol.codecs import Codec
from sionamespace.protocol.engineio import MESSAGE, Parcel
from sionamespace.protocol.packet import Packet, PacketType
from sionamespace.types import Path

__all__ = ["Encoded"]


class Encoded(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A packet that was encoded: a text, if its codec writes one, and bytes; see `Parcel`.

    What is sent to clients is encoded once, by the server that sends it. Values that servers
    exchange are encoded in the same way, so that what can be sent to a client can be sent to them.
    """

    text: str | None
    binary: tuple[bytes, ...]

    @classmethod
    def of(cls, packets: tuple[Any, ...]) -> Encoded:
        """That of a parcel's packets."""
        first = packets[0]
        return cls(first, packets[1:]) if isinstance(first, str) else cls(None, packets)

    @classmethod
    def of_values(cls, codec: Codec, path: Path, values: list[Any]) -> Encoded:
        """Some values; raises `UsageError` for one that cannot be sent."""
        packet = Packet(PacketType.ACK, path, values, 0)
        return cls.of(Parcel.of_message(*codec.encode(packet)).packets)

    @property
    def size(self) -> int:
        """How many characters and bytes it has."""
        return len(self.text or "") + sum(map(len, self.binary))

    def parcel(self) -> Parcel:
        """It, ready to be sent to clients.

        Raises:
            PacketError: if it is no message, and so could close their connections, or break a
                polled payload.
        """
        if not (self.binary if self.text is None else self.text.startswith(MESSAGE)):
            raise PacketError("a packet that is no message")
        return Parcel(*self.binary) if self.text is None else Parcel(self.text, *self.binary)

    def values(self, codec: Codec) -> list[Any]:
        """What is in it: an event with its arguments, or values.

        Raises:
            PacketError: if it is no message, or of another codec.
        """
        data: list[Any] = codec.read(self.parcel().messages).data
        return data
