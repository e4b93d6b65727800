"""`Parts`: messages that are larger than what an engine carries at once, in pieces."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from itertools import count
from struct import Struct

__all__ = ["Parts"]

_WHOLE = b"\0"
_HEADER = Struct(">B8sIII")  # 1, the sender, its message, this part, the last part
_MOST_INCOMPLETE = 100
"""Messages whose parts are kept; whoever sends may die in between, so there is an end to it."""


class Parts:
    """Splits what is sent and joins what comes, over one connection that keeps the order.

    A message of which a part did not come is dropped.
    """

    def __init__(self) -> None:
        self._sender = secrets.token_bytes(8)
        self._numbers = count()
        self._incomplete: dict[tuple[str, bytes], tuple[int, list[bytes]]] = {}

    def split(self, message: bytes, limit: int) -> Iterator[bytes]:
        """The pieces to send for a message, of at most ``limit`` bytes each."""
        if len(message) < limit:
            yield _WHOLE + message
            return
        size = limit - _HEADER.size
        number, last = next(self._numbers) % 2**32, (len(message) - 1) // size
        for part in range(last + 1):
            header = _HEADER.pack(1, self._sender, number, part, last)
            yield header + message[part * size : (part + 1) * size]

    def join(self, channel: str, piece: bytes) -> bytes | None:
        """The message that is complete with a piece, or None.

        Raises:
            ValueError: the piece was not made by `split`.
        """
        if piece[:1] == _WHOLE:
            return piece[1:]
        if len(piece) < _HEADER.size or piece[0] != 1:
            raise ValueError("what came is not a piece of a message")
        _, sender, number, part, last = _HEADER.unpack_from(piece)
        known, pieces = self._incomplete.pop((channel, sender), (number, []))
        if part == 0:
            known, pieces = number, []
        if (known, len(pieces)) != (number, part):
            return None  # one before it is missing
        pieces.append(piece[_HEADER.size :])
        if part == last:
            return b"".join(pieces)
        self._incomplete[channel, sender] = (number, pieces)
        if len(self._incomplete) > _MOST_INCOMPLETE:
            del self._incomplete[next(iter(self._incomplete))]
        return None
