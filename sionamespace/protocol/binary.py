"""Binary values out of an event's arguments and back into them.

Socket.IO sends ``bytes`` as attachments beside the JSON text, in which a placeholder
``{"_placeholder": true, "num": 0}`` stands for each (protocol revision 5, "Packet encoding").
"""

from __future__ import annotations

from enum import Enum
from typing import Any

import msgspec

from sionamespace.errors import PacketError, UsageError
from sionamespace.protocol.values import MAX_DEPTH

__all__ = ["attach", "detach"]

_BINARY = (bytes, bytearray, memoryview)
_LEAVES = frozenset({str, int, float, bool, type(None)})


def detach(value: Any) -> tuple[Any, tuple[bytes, ...]]:
    """The value with placeholders for its binary parts, and those parts in order.

    Without binary parts the value itself comes back. Objects (attrs, dataclasses, ...) may hold
    binary parts too.

    Raises:
        UsageError: if the value is nested too deep, or holds something that cannot be sent.
    """
    if not _needs_rewriting(value, 0):
        return value, ()
    parts: list[bytes] = []
    return _rewrite(value, parts, 0), tuple(parts)


def _needs_rewriting(value: Any, depth: int) -> bool:
    kind = type(value)
    if kind in _LEAVES:
        return False
    if kind is not dict and kind is not list and kind is not tuple:
        return True
    _check_depth(depth)
    for inner in value.values() if kind is dict else value:  # any() takes twice as long
        if type(inner) not in _LEAVES and _needs_rewriting(inner, depth + 1):
            return True
    return False


def _rewrite(value: Any, parts: list[bytes], depth: int) -> Any:
    if type(value) in _LEAVES:
        return value
    if isinstance(value, str) and not isinstance(value, Enum):
        return str.__str__(value)  # a subclass, such as a template engine's markup
    if isinstance(value, _BINARY):
        _check_depth(depth)  # its placeholder is a level of its own
        parts.append(bytes(value))
        return {"_placeholder": True, "num": len(parts) - 1}
    if isinstance(value, dict):
        _check_depth(depth)
        return {key: _rewrite(inner, parts, depth + 1) for key, inner in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        _check_depth(depth)
        return [_rewrite(inner, parts, depth + 1) for inner in value]
    built = _to_builtins(value)
    return built if type(built) in _LEAVES else _rewrite(built, parts, depth)


def _check_depth(depth: int) -> None:
    """Raise unless one more level fits below ``depth`` others."""
    if depth >= MAX_DEPTH:
        raise UsageError(f"cannot send a value that is nested deeper than {MAX_DEPTH} levels")


def _to_builtins(value: Any) -> Any:
    try:
        return msgspec.to_builtins(value, builtin_types=_BINARY)
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(
            f"cannot send {type(value).__name__} {value!r:.60}: expected JSON values, bytes, "
            f"attrs classes, dataclasses, dates or UUIDs, alone or nested ({error})"
        ) from None


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
