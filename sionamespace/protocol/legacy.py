"""What differs in the packets of Socket.IO revisions 3 and 4, which clients 1.x and 2.x speak.

The server connects a client to ``/`` by itself. For another namespace the client asks, with a
query where later ones have a payload: ``0/chat?token=x``. The answer carries no sid: both sides
know the client by the id of its connection. A refusal is a text, or data. Events and acks are
those of revision 5.
"""

from __future__ import annotations

import urllib.parse
from collections import defaultdict
from typing import Any

import msgspec.structs

from sionamespace.protocol.codecs import Codec, Decoder
from sionamespace.protocol.packet import Packet, PacketType
from sionamespace.types import Path, Sid

__all__ = ["PROTOCOL", "legacy", "parameters", "sid_of"]

PROTOCOL = 4
"""The revision that clients 1.x and 2.x speak; they name no other."""

_ENGINES_OWN = frozenset({"EIO", "transport", "t", "sid", "b64", "j"})


def legacy(codec: Codec) -> Codec:
    """A codec as clients 1.x and 2.x know it."""
    return Codec(
        lambda packet: codec.encode(_outgoing(packet)),
        lambda *limits: _Decoder(codec.make_decoder(*limits)),
        codec.is_text,
    )


def _outgoing(packet: Packet) -> Packet:
    """A packet as it is sent.

    A CONNECT_ERROR carries the data of the refusal, or without any its message, as the JavaScript
    server does for these clients.
    """
    if packet.type is PacketType.CONNECT:
        return msgspec.structs.replace(packet, data=None)
    if packet.type is PacketType.CONNECT_ERROR:
        data = packet.data.get("data")
        return msgspec.structs.replace(
            packet, data=packet.data["message"] if data is None else data
        )
    return packet


class _Decoder:
    """Makes the query of a CONNECT its data: a dict of texts, or None without one.

    That of another packet, which the official clients do not send, means nothing.
    """

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder

    def feed(self, message: str | bytes) -> Packet | None:
        packet = self._decoder.feed(message)
        if packet is None:
            return None
        path, _, query = packet.path.partition("?")
        if packet.type is PacketType.CONNECT:
            return Packet(PacketType.CONNECT, path, parameters(query))
        return Packet(packet.type, path, packet.data, packet.id)


def parameters(query: str) -> dict[str, Any] | None:
    """The parameters of a query, less the engine's own; None if there are none.

    A parameter that is there more than once has a list of its values, as in JavaScript's
    ``querystring``.
    """
    found: defaultdict[str, list[str]] = defaultdict(list)
    for name, value in urllib.parse.parse_qsl(query, keep_blank_values=True):
        if name not in _ENGINES_OWN:
            found[name].append(value)
    return {name: v[0] if len(v) == 1 else v for name, v in found.items()} or None


def sid_of(connection: str, path: Path) -> Sid:
    """The sid of a client in a namespace, which it derives from its connection's id by itself.

    Clients 1.x leave out the path; it is there all the same, since a sid names one client in one
    namespace.
    """
    return connection if path == "/" else f"{path}#{connection}"
