"""WebSocket frames as a server sends them (RFC 6455, section 5.2).

A server does not mask, so one frame is right for all its recipients and is built once.
"""

from __future__ import annotations

__all__ = ["frame"]

_TEXT = 0x81
_BINARY = 0x82


def frame(message: str | bytes) -> bytes:
    """A whole, final, unmasked frame: text for ``str``, binary for ``bytes``."""
    if isinstance(message, str):
        payload, opcode = message.encode(), _TEXT
    else:
        payload, opcode = message, _BINARY
    length = len(payload)
    if length < 126:
        return bytes((opcode, length)) + payload
    if length < 65536:
        return bytes((opcode, 126)) + length.to_bytes(2, "big") + payload
    return bytes((opcode, 127)) + length.to_bytes(8, "big") + payload
