"""WebSocket frames as a server sends them (RFC 6455, section 5.2).

A server does not mask, so one frame is right for all its recipients and is built once.
"""

from __future__ import annotations

import zlib

__all__ = ["WINDOW_BITS", "deflated_frame", "frame"]

_TEXT = 0x81
_BINARY = 0x82
_COMPRESSED = 0x40
_SHORT_TEXTS = tuple(bytes((_TEXT, length)) for length in range(126))
"""What begins a short text, by its length; looked up, it takes half of the time."""

WINDOW_BITS = 15
"""How far back a compressed frame may refer, as a power of 2: as far as there is."""


def frame(message: str | bytes) -> bytes:
    """A whole, final, unmasked frame: text for ``str``, binary for ``bytes``."""
    if not isinstance(message, str):
        return _build(_BINARY, message)
    payload = message.encode()
    length = len(payload)
    return _SHORT_TEXTS[length] + payload if length < 126 else _build(_TEXT, payload)


def deflated_frame(message: str | bytes, threshold: int) -> bytes:
    """The same, compressed if it has so many bytes and that makes it smaller.

    It is a compressed message of its own, without context (RFC 7692, section 7.2.1), so that it
    too is right for all recipients that take such.
    """
    payload = message.encode() if isinstance(message, str) else message
    if len(payload) >= threshold:
        compressor = zlib.compressobj(wbits=-WINDOW_BITS)
        data = compressor.compress(payload) + compressor.flush(zlib.Z_SYNC_FLUSH)
        data = data[:-4]  # which are always the same, and so are left out
        if len(data) < len(payload):
            return _build((_TEXT if isinstance(message, str) else _BINARY) | _COMPRESSED, data)
    return frame(message)


def _build(first: int, payload: bytes) -> bytes:
    length = len(payload)
    if length < 126:
        return b"%c%c%b" % (first, length, payload)
    if length < 65536:
        return bytes((first, 126)) + length.to_bytes(2, "big") + payload
    return bytes((first, 127)) + length.to_bytes(8, "big") + payload
