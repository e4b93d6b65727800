"""Engine.IO packets and payloads, protocol revision 3, which clients 1.x and 2.x speak.

A text payload is ``<length>:<packet>`` for each packet, the length in UTF-16 units; a binary
one, for clients that take it, has for each packet ``0x00`` (text) or ``0x01`` (binary), the
length in bytes as one byte for each digit, ``0xFF``, and the packet. A binary packet begins with
the byte ``0x04``, or is ``b4`` and base64 where it must be text ("Encoding", revision 3).

Clients 1.x encode and decode the packets of a text payload as UTF-8 once more than later ones
("twice" here). What is sent in one is ASCII here, which is the same either way and which JSON
allows; only a namespace's path cannot be written so.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable

from sionamespace.errors import PacketError
from sionamespace.protocol.engineio import MESSAGE, Parcel, check_packet

__all__ = [
    "binary_payload",
    "decode_binary_payload",
    "decode_frame",
    "decode_payload",
    "doubled_payload",
    "in_text",
    "is_doubled",
    "raw_doubled_payload",
    "raw_text_payload",
    "text_payload",
    "with_types",
]

_BINARY_MESSAGE = b"\x04"
_NOT_ASCII = re.compile(rf"\A{MESSAGE}[0-9](?:[0-9]+-)?/[^,]*|[^\x00-\x7f]")
"""What is not ASCII in a message; and before it a namespace's path, which is no JSON."""
_LENGTH = re.compile(r"([0-9]{1,10}):")


def text_payload(packets: Iterable[str | bytes]) -> str:
    """The text payload of packets, whose messages are Socket.IO's, in ASCII but for their paths."""
    return _joined(map(_ascii, packets))


def doubled_payload(packets: Iterable[str | bytes]) -> str:
    """The same for a client that decodes them twice."""
    return _joined(map(_double, map(_ascii, packets)))


def raw_text_payload(packets: Iterable[str | bytes]) -> str:
    """The text payload of packets, whose messages are any text."""
    return _joined(map(_text, packets))


def raw_doubled_payload(packets: Iterable[str | bytes]) -> str:
    """The same for a client that decodes them twice."""
    return _joined(map(_double, map(_text, packets)))


def binary_payload(packets: Iterable[str | bytes]) -> bytes:
    """The binary payload of packets."""
    return b"".join(map(_in_binary, packets))


def with_types(packets: Iterable[str | bytes]) -> Parcel:
    """The WebSocket messages of packets."""
    return Parcel(*(p if isinstance(p, str) else _BINARY_MESSAGE + p for p in packets))


def in_text(packets: Iterable[str | bytes]) -> Parcel:
    """The WebSocket messages of packets for a client that takes no binary ones."""
    return Parcel(*map(_text, packets))


def is_doubled(payload: str) -> bool | None:
    """Whether the packets of a text payload seem to be encoded twice; None if it does not matter.

    It shows in the code points: all of them are bytes, and together they are UTF-8. When they are
    not, the client is one that encodes once. When they are, it can be such a client too, with a
    text that was broken before (as in "Ã©").
    """
    if payload.isascii():
        return None
    try:
        _halve(payload)
    except UnicodeError:
        return False
    return True


def decode_payload(payload: str, doubled: bool) -> list[str | bytes]:
    """The packets of a text payload, each text with its type digit, or bytes.

    Args:
        doubled: whether they are encoded twice.

    Raises:
        PacketError: if it is not a payload.
    """
    if not payload:
        raise PacketError("a polled payload is empty")
    packets: list[str | bytes] = []
    # Lengths count UTF-16 units, of which a character beyond U+FFFF has two.
    wide = payload.encode("utf-16-le", "surrogatepass")
    at = 0
    while at < len(wide):
        head = _LENGTH.match(wide[at : at + 24].decode("utf-16-le", "replace"))
        if head is None:
            raise PacketError("a polled payload of revision 3 is '<length>:<packet>', repeated")
        start = at + 2 * head.end()
        at = start + 2 * int(head[1])
        if at > len(wide):
            raise PacketError("a polled payload ends before its last packet does")
        if at > start:  # `0:` is how the clients write a payload without packets
            packets.append(_decode_polled(wide[start:at].decode("utf-16-le", "replace"), doubled))
    return packets


def decode_binary_payload(payload: bytes) -> list[str | bytes]:
    """The packets of a binary payload, each text with its type digit, or bytes.

    Raises:
        PacketError: if it is not a payload.
    """
    packets: list[str | bytes] = []
    at = 0
    while at < len(payload):
        end = payload.find(b"\xff", at, at + 12)
        digits = payload[at + 1 : end] if end > at + 1 else b""
        if payload[at] > 1 or not digits or max(digits) > 9:
            raise PacketError("a binary payload is a 0 or 1, a length, 0xFF and a packet, repeated")
        start = end + 1
        at_end = start + int("".join(map(str, digits)))
        if at_end > len(payload):
            raise PacketError("a binary payload ends before its last packet does")
        packet = payload[start:at_end]
        packets.append(decode_frame(packet) if payload[at] else _decode_text(packet))
        at = at_end
    return packets


def decode_frame(message: str | bytes) -> str | bytes:
    """The packet of a WebSocket message: text with its type digit, or bytes.

    Raises:
        PacketError: if it is not one.
    """
    if isinstance(message, str):
        return _decode_base64(message) if message.startswith("b") else message
    if message[:1] != _BINARY_MESSAGE:
        raise PacketError("a binary packet of revision 3 begins with the byte 4")
    return message[1:]


def _joined(texts: Iterable[str]) -> str:
    return "".join([f"{_units(text)}:{text}" for text in texts])


def _double(text: str) -> str:
    return text.encode().decode("latin-1")


def _text(packet: str | bytes) -> str:
    return packet if isinstance(packet, str) else _base64(packet)


def _units(text: str) -> int:
    """The length of a text in UTF-16 units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2


def _ascii(packet: str | bytes) -> str:
    if isinstance(packet, bytes):
        return _base64(packet)
    return _NOT_ASCII.sub(_escape, packet) if packet.startswith(MESSAGE) else packet


def _escape(match: re.Match[str]) -> str:
    """A character as JSON escapes it, in UTF-16 units; a path as it is."""
    if match[0].startswith(MESSAGE):
        return match[0]
    units = match[0].encode("utf-16-be")
    return "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2))


def _base64(packet: bytes) -> str:
    return "b" + MESSAGE + base64.b64encode(packet).decode()


def _in_binary(packet: str | bytes) -> bytes:
    if isinstance(packet, bytes):
        kind, data = b"\x01", _BINARY_MESSAGE + packet
    else:
        kind, data = b"\x00", packet.encode()
    return kind + bytes(map(int, str(len(data)))) + b"\xff" + data


def _decode_polled(packet: str, doubled: bool) -> str | bytes:
    if packet.startswith("b"):
        return _decode_base64(packet)
    check_packet(packet)
    if not doubled or packet.isascii():
        return packet
    try:
        return _halve(packet)
    except UnicodeError:
        raise PacketError("a polled packet is not UTF-8") from None


def _decode_base64(packet: str) -> bytes:
    if packet[1:2] != MESSAGE:
        raise PacketError("a binary packet in text begins with b4")
    try:
        return base64.b64decode(packet[2:], validate=True)
    except (binascii.Error, ValueError):
        raise PacketError("a binary packet in text is not base64") from None


def _decode_text(packet: bytes) -> str:
    try:
        text = packet.decode()
    except UnicodeDecodeError:
        raise PacketError("a text packet in a binary payload is not UTF-8") from None
    check_packet(text)
    return text


def _halve(text: str) -> str:
    """A text that is encoded twice, decoded.

    Half of a character, which those clients encode too, becomes U+FFFD, as everywhere.

    Raises:
        UnicodeError: if it is not encoded twice.
    """
    halved = text.encode("latin-1").decode("utf-8", "surrogatepass")
    return halved.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
