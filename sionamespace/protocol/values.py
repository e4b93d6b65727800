"""Values to JSON text and back, with a limit on nesting."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec

from sionamespace.errors import PacketError, UsageError

__all__ = ["MAX_DEPTH", "dumps", "levels", "loads", "too_deep", "unsendable"]

MAX_DEPTH = 200
"""How deep a value may be nested, in either direction."""

_CONTAINERS = frozenset({list, dict})
_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder()


def dumps(value: Any) -> str:
    """JSON text of a value: what msgspec encodes (attrs, dataclasses, dates, UUIDs, sets, ...).

    Not-a-number and infinity become ``null``, as with JavaScript's ``JSON.stringify``.

    Raises:
        UsageError: for a value that JSON cannot carry.
    """
    try:
        return _encoder.encode(value).decode()
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise unsendable(error, "JSON") from None


def unsendable(error: Exception, form: str) -> UsageError:
    """What to raise for an encoder's error."""
    if isinstance(error, UnicodeEncodeError):
        return UsageError(
            f"cannot send text with a lone surrogate (half of a character): {error.object!r:.80}; "
            "decode it properly, or encode it with errors='replace'"
        )
    return UsageError(f"cannot send this value as {form}: {error}")


def loads(text: str) -> Any:
    """The value of a JSON text.

    Raises:
        PacketError: if the text is not JSON, or nested deeper than `MAX_DEPTH`.
    """
    try:
        value = _decoder.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError):
        value = _loads_leniently(text)
    except RecursionError:
        raise too_deep() from None
    # Counting is quick and settles nearly every case; only what might be too deep is walked.
    if len(text) > MAX_DEPTH and text.count("[") + text.count("{") > MAX_DEPTH:
        check_depth(value)
    return value


def check_depth(value: Any) -> None:
    """Raise `PacketError` if a value is nested deeper than `MAX_DEPTH`."""
    for _ in levels(value):
        pass


def levels(value: Any) -> Iterator[list[Any]]:
    """The lists and dicts in a value, level by level.

    Raises:
        PacketError: if there are more levels than `MAX_DEPTH`.
    """
    level = [value] if type(value) in _CONTAINERS else []
    for _ in range(MAX_DEPTH):
        if not level:
            return
        yield level
        level = [
            inner
            for outer in level
            for inner in (outer.values() if type(outer) is dict else outer)
            if type(inner) in _CONTAINERS
        ]
    if level:
        raise too_deep()


def too_deep() -> PacketError:
    """What to raise for a value that is nested too deep."""
    return PacketError(f"the value is nested deeper than {MAX_DEPTH} levels")


def _loads_leniently(text: str) -> Any:
    """What JavaScript sends and msgspec refuses: half of a character, a number beyond a double.

    Half an emoji (``text.slice(0, 140)``) is ordinary in JavaScript. Python cannot encode it, so
    it becomes U+FFFD here, as JavaScript's own ``String.toWellFormed`` does.
    """
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise PacketError(f"the payload is not JSON: {text[:80]!r}") from None
    check_depth(value)
    return _well_formed(value)


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)


def _well_formed(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_well_formed(inner) for inner in value]
    if isinstance(value, dict):
        return {_well_formed(key): _well_formed(inner) for key, inner in value.items()}
    return value
