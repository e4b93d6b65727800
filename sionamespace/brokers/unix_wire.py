"""What goes over the Unix socket between brokers and their hub: frames."""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from struct import Struct
from typing import NamedTuple

__all__ = ["Frame", "FrameReader", "Kind", "frame"]

_HEAD = Struct(">BII")
"""The kind of a frame, and the sizes of its channel and of its message."""

_MOST = 256 * 1024 * 1024
"""How large a frame may be; a larger one is taken for what it is not."""


class Kind(IntEnum):
    """What a frame is."""

    MESSAGE = 0
    SUBSCRIBE = 1
    UNSUBSCRIBE = 2
    RECEIPT = 3
    """Sent back, with its number for a message, when all frames before it have been obeyed."""


_KINDS = frozenset(Kind)


class Frame(NamedTuple):
    """One frame."""

    kind: int
    channel: bytes
    message: bytes
    raw: bytes
    """All of it, as it is passed on."""


def frame(kind: Kind, channel: bytes = b"", message: bytes = b"") -> bytes:
    """The bytes of a frame."""
    return b"".join((_HEAD.pack(kind, len(channel), len(message)), channel, message))


class FrameReader:
    """Finds the frames in what comes."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._missing = 0
        """How many bytes at least are missing of the frame that has begun."""

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The frames that are whole by now.

        Raises:
            ValueError: if these are no frames.
        """
        self._parts.append(data)
        self._missing -= len(data)
        if self._missing > 0:
            return
        data, at = b"".join(self._parts), 0
        while (size := _size(data, at)) <= len(data) - at:
            yield _read(data, at, size)
            at += size
        self._parts = [data[at:]]
        self._missing = size - (len(data) - at)


def _size(data: bytes, at: int) -> int:
    """The size of a frame that begins somewhere, or what must be there to know it."""
    if len(data) - at < _HEAD.size:
        return _HEAD.size
    kind, channel, message = _HEAD.unpack_from(data, at)
    size: int = _HEAD.size + channel + message
    if kind not in _KINDS or size > _MOST:
        raise ValueError(f"this is no frame: {data[at : at + _HEAD.size]!r}")
    return size


def _read(data: bytes, at: int, size: int) -> Frame:
    kind, channel, _ = _HEAD.unpack_from(data, at)
    start, end = at + _HEAD.size, at + size
    middle = start + channel
    return Frame(kind, data[start:middle], data[middle:end], data[at:end])
