"""`Body`: the body of a request, as a WSGI application reads it."""

from __future__ import annotations

import io
import re
from typing import Any, NoReturn, Protocol

__all__ = ["Body", "Source"]

_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?\r\n")
"""The line before a chunk, with its size."""
_TRAILER = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[^\r\n\x00]*\r\n")
# Who takes a line for longer or shorter than we do may take what follows for another request.

_LONGEST_LINE = 4096
_MOST_TRAILERS = 64

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
        self.broken = ""
        """Why no more of it can be read, once that is so."""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self.broken:
            raise ConnectionAbortedError(self.broken)
        if not self._left and self._chunked and not self._ended:
            self._next_chunk()
        data = self._source.read1(min(len(buffer), self._left)) if self._left else b""
        if self._left and not data:
            self._break_off("the client left while it sent a body")
        self._left -= len(data)
        if self._chunked and not self._left and not self._ended:
            self._end_chunk()
        buffer[: len(data)] = data
        return len(data)

    def _next_chunk(self) -> None:
        line = self._source.readline(_LONGEST_LINE)
        chunk = _CHUNK.fullmatch(line)
        if chunk is None:
            self._break_off(f"a malformed chunk: {line!r:.20}")
        self._left = int(chunk[1], 16)
        if not self._left:
            self._pass_over_trailers()
            self._ended = True

    def _pass_over_trailers(self) -> None:
        for _ in range(_MOST_TRAILERS):
            line = self._source.readline(_LONGEST_LINE)
            if line == b"\r\n":
                return
            if not _TRAILER.fullmatch(line):
                self._break_off(f"a malformed trailer: {line!r:.20}")
        self._break_off(f"more than {_MOST_TRAILERS} trailers")

    def _end_chunk(self) -> None:
        line = self._source.readline(2)
        if line != b"\r\n":
            self._break_off(f"a malformed end of a chunk: {line!r}")

    def _break_off(self, why: str) -> NoReturn:
        self.broken = why
        raise ConnectionAbortedError(why)

    def drained(self) -> bool:
        """Read what the application left; whether the next request can be read after it."""
        try:
            for _ in range(_DRAIN // 4096):
                if not self.readinto(bytearray(4096)):
                    return True
        except OSError:
            return False
        return False
