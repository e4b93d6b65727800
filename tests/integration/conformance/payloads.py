"""What polling clients of both revisions post and are answered with, written from the protocols.

Not sionamespace's own: a fault in both directions would go unseen.
"""

from __future__ import annotations

import base64
import json
import re
from urllib.parse import quote

Packet = str | bytes


def units(text: str) -> int:
    """The length of a text in UTF-16 units, as revision 3 counts."""
    return len(text.encode("utf-16-le")) // 2


class Text4:
    """Revision 4: packets with U+001E between them."""

    query = "EIO=4&transport=polling"
    content_type = "text/plain;charset=UTF-8"

    def encode(self, packets: tuple[Packet, ...]) -> bytes:
        return "\x1e".join(
            packet if isinstance(packet, str) else "b" + base64.b64encode(packet).decode()
            for packet in packets
        ).encode()

    def decode(self, content_type: str, body: bytes) -> list[Packet]:
        return [
            base64.b64decode(packet[1:]) if packet.startswith("b") else packet
            for packet in body.decode().split("\x1e")
        ]


class Text3:
    """Revision 3 with ``b64=1``: the length, a colon and the packet, repeated."""

    query = "EIO=3&transport=polling&b64=1"
    content_type = "text/plain;charset=UTF-8"

    def encode(self, packets: tuple[Packet, ...]) -> bytes:
        return self._text(packets).encode()

    def _text(self, packets: tuple[Packet, ...]) -> str:
        texts = (
            packet if isinstance(packet, str) else "b4" + base64.b64encode(packet).decode()
            for packet in packets
        )
        return "".join(f"{units(text)}:{text}" for text in texts)

    def decode(self, content_type: str, body: bytes) -> list[Packet]:
        return self._packets(body.decode())

    def _packets(self, text: str) -> list[Packet]:
        packets: list[Packet] = []
        while text:
            length, _, text = text.partition(":")
            wide, end = text.encode("utf-16-le"), 2 * int(length)
            packet, text = wide[:end].decode("utf-16-le"), wide[end:].decode("utf-16-le")
            binary = packet.startswith("b4")
            packets.append(base64.b64decode(packet[2:]) if binary else packet)
        return packets


class Binary3(Text3):
    """Revision 3 for clients that take binary: bytes with their kind and length, when there are."""

    query = "EIO=3&transport=polling"
    content_type = "application/octet-stream"

    def encode(self, packets: tuple[Packet, ...]) -> bytes:
        return b"".join(map(self._encode, packets))

    def _encode(self, packet: Packet) -> bytes:
        kind, data = (0, packet.encode()) if isinstance(packet, str) else (1, b"\x04" + packet)
        return bytes([kind, *map(int, str(len(data))), 255]) + data

    def decode(self, content_type: str, body: bytes) -> list[Packet]:
        if content_type != "application/octet-stream":
            return super().decode(content_type, body)
        packets: list[Packet] = []
        while body:
            head, _, rest = body.partition(b"\xff")
            length = int("".join(map(str, head[1:])))
            packet, body = rest[:length], rest[length:]
            packets.append(packet[1:] if head[0] else packet.decode())
        return packets


class Script3(Text3):
    """Revision 3 for browsers that poll by scripts (JSONP): a call of a function, and a form."""

    query = "EIO=3&transport=polling&b64=1&j=0"
    content_type = "application/x-www-form-urlencoded"

    def encode(self, packets: tuple[Packet, ...]) -> bytes:
        return b"d=" + quote(self._text(packets).replace("\\n", "\\\\n"), safe="").encode()

    def decode(self, content_type: str, body: bytes) -> list[Packet]:
        called = re.fullmatch(r"___eio\[0\]\((.*)\);", body.decode(), re.DOTALL)
        assert called is not None, body
        return self._packets(json.loads(called[1]))
