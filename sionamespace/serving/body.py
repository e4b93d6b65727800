"""`Body`: the body of a request, as a WSGI application reads it."""

from __future__ import annotations

import io
import re
from typing import Any, NoReturn, Protocol

__all__ = ["Body", "Source"]

_SIZE = re.compile(rb"[0-9A-Fa-f]{1,15}")
"""That of a chunk."""

_DRAIN = 65536
"""How many bytes of a body that the application left are read, to use the connection again."""


class Source(Protocol):
    """Where a body is read from, with more behind it."""

    def read1(self, size: int) -> bytes:
        """Some bytes, none at the end; waits for them."""

    def readline(self, limit: int) -> bytes:
        """A line with its end, or so many bytes of it, or less at the end; waits for it."""


class Body(io.RawIOBase):
    """The body of a request, by its length or in chunks; it ends where the body does.

    Args:
        length: how long it is, unless it comes in chunks.
    """

    def __init__(self, source: Source, length: int, chunked: bool) -> None:
        self._source = source
        self._chunked = chunked
        self._left = length
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._left and self._chunked and not self._ended:
            self._next_chunk()
        data = self._source.read1(min(len(buffer), self._left)) if self._left else b""
        if self._left and not data:
            self._left, self._ended = 0, True
            raise ConnectionResetError("the client left while it sent a body")
        self._left -= len(data)
        if self._chunked and not self._left and not self._ended:
            self._end_chunk()
        buffer[: len(data)] = data
        return len(data)

    def _next_chunk(self) -> None:
        line = self._source.readline(100)
        size = line.partition(b";")[0].strip()
        if not _SIZE.fullmatch(size):
            self._break_off(line)
        self._left = int(size, 16)
        if not self._left:
            self._ended = True
            while self._source.readline(65536).strip():  # trailers
                pass

    def _end_chunk(self) -> None:
        line = self._source.readline(2)
        if line != b"\r\n":
            self._break_off(line)

    def _break_off(self, line: bytes) -> NoReturn:
        self._ended = True
        raise ConnectionAbortedError(f"a malformed chunk: {line!r:.20}")

    def drained(self) -> bool:
        """Read what the application left; whether the next request can be read after it."""
        try:
            for _ in range(_DRAIN // 4096):
                if not self.readinto(bytearray(4096)):
                    return True
        except OSError:
            return False
        return False
