"""Binary values out of an event's arguments and back into them.

Socket.IO sends ``bytes`` as attachments beside the JSON text, in which a placeholder
``{"_placeholder": true, "num": 0}`` stands for each (protocol revision 5, "Packet encoding").
"""

from __future__ import annotations

from typing import Any

from sionamespace.errors import PacketError
from sionamespace.protocol.plain import Form, check_room

__all__ = ["attach", "detach"]

_JSON = Form()


def detach(value: Any) -> tuple[Any, tuple[bytes, ...]]:
    """The value with placeholders for its binary parts, and those parts in order.

    Without binary parts the value itself comes back. Objects (attrs, dataclasses, ...) may hold
    binary parts too.

    Raises:
        UsageError: if the value is nested too deep, or holds something that cannot be sent.
    """
    if _JSON.is_plain(value):
        return value, ()
    parts: list[bytes] = []

    def take_out(part: Any, depth: int) -> Any:
        check_room(depth)  # its placeholder is a level of its own
        parts.append(bytes(part))
        return {"_placeholder": True, "num": len(parts) - 1}

    return _JSON.make_plain(value, take_out), tuple(parts)


def attach(value: Any, parts: list[bytes]) -> Any:
    """The value with each placeholder replaced by its part.

    Raises:
        PacketError: if a placeholder names a part that there is not.
    """
    if isinstance(value, list):
        return [attach(inner, parts) for inner in value]
    if isinstance(value, dict):
        if value.get("_placeholder") is True:
            return _part(value.get("num"), parts)
        return {key: attach(inner, parts) for key, inner in value.items()}
    return value


def _part(number: Any, parts: list[bytes]) -> bytes:
    if type(number) is int and 0 <= number < len(parts):
        return parts[number]
    raise PacketError(f"a placeholder names attachment {number!r:.20} of {len(parts)}")
