"""The codecs: each writes and reads packets in a form of its own."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import attrs

from sionamespace.errors import PacketError
from sionamespace.protocol import json, msgpack
from sionamespace.protocol.packet import Packet

__all__ = ["CODECS", "Codec", "Decoder"]


class Decoder(Protocol):
    """Turns the messages of one connection into packets."""

    def feed(self, message: str | bytes) -> Packet | None:
        """The packet that this message completes, or None if more of it is still to come.

        Raises:
            PacketError: if the message is not what the protocol allows here. The decoder must not
                be used afterwards.
        """


@attrs.frozen
class Codec:
    """How packets are written and read."""

    encode: Callable[[Packet], tuple[str | bytes, tuple[bytes, ...]]]
    """The message of a packet and its attachments; raises `UsageError` for what cannot be sent."""
    make_decoder: Callable[[int, int], Decoder]
    """A decoder for a connection, of at most so many attachments and bytes in a packet."""
    is_text: bool
    """Whether the message of a packet is a text."""

    def read(self, messages: Sequence[str | bytes]) -> Packet:
        """The packet of all these messages, of whoever is trusted.

        Raises:
            PacketError: if they are not one.
        """
        decoder, packet = self.make_decoder(len(messages), sys.maxsize), None
        for message in messages:
            packet = decoder.feed(message)
        if packet is None:
            raise PacketError(f"{len(messages)} messages are not the whole of a packet")
        return packet


CODECS: Mapping[str, Codec] = {
    "json": Codec(json.encode, json.Decoder, is_text=True),
    "msgpack": Codec(
        msgpack.encode,
        lambda max_attachments, max_bytes: msgpack.Decoder(max_bytes),
        is_text=False,
    ),
}
"""The codecs by the names that the option ``serializer`` has for them."""
