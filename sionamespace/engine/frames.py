"""`FrameReader`: takes apart what a client sends over a WebSocket."""

from __future__ import annotations

from collections.abc import Callable

from websockets.frames import Frame, Opcode
from websockets.protocol import Protocol, State

try:
    from websockets.speedups import apply_mask
except ImportError:  # there is no compiled wheel for this machine
    from websockets.utils import apply_mask

__all__ = ["FrameReader"]

_TEXT, _BINARY = 0x81, 0x82
_ORDINARY = frozenset({_TEXT, _BINARY})
"""The first bytes of final text and binary frames without extensions."""
_MASKED = 0x80


class FrameReader:
    """Takes apart what a client sends, a turn's worth at a time. Packets go to ``on_packet``.

    Whole, final data frames of less than 64 KiB, which most are, are taken here. All others are
    the protocol's matter. It parses each frame in steps, which is right for all and costs six
    times as much (2.6 us against 0.4 us for a short one).

    Args:
        protocol: what reads the other frames, and knows what is to be said to them.
        max_bytes: the size of a message.
        turn: how many frames are taken before others have their turn.
    """

    def __init__(self, protocol: Protocol, max_bytes: int, turn: int) -> None:
        self.on_packet: Callable[[str | bytes], object] = _ignore
        self.more = False
        """Whether there was more than a turn's worth; give others theirs, and `take` the rest."""
        self.asked = False
        """Whether the protocol may have something to say; whoever sees to that says no again."""
        self.fault: Exception | None = None
        """Why the connection fails, if it does."""
        self._protocol = protocol
        self._max_bytes = max_bytes
        self._turn = turn
        self._rest, self._at = b"", 0
        """What waits to be taken, and from where on."""
        self._lent = 0
        """How many bytes are still to come of a frame that the protocol has begun."""
        self._is_plain = True
        """Whether the next frame may be an ordinary one: neither fragment nor after a goodbye."""
        self._opcode = Opcode.TEXT
        self._fragments = bytearray()

    def stop(self) -> None:
        """Leave all that comes to the protocol, which is to end the connection."""
        self._is_plain = False

    def take(self, data: bytes) -> None:
        """Take what came, after what is left from before."""
        at = 0
        if self._rest:
            data, at = self._after_rest(data)
        end, left = len(data), self._turn
        if self._lent:
            at = self._lend(data, at, self._lent)
        while left and end - at >= 2:
            first, length, start = data[at], data[at + 1] - _MASKED, at + 6
            if length >= 126:
                length, start = _long(data, at)
            if 0 <= length <= self._max_bytes and first in _ORDINARY and self._is_plain:
                stop = start + length
                if stop > end:
                    break
                payload = apply_mask(data[start:stop], data[start - 4 : start])
                self._give(payload, first == _BINARY)
            else:
                stop = self._lend(data, at, _size(data, at))
                if stop == at:
                    break
            at = stop
            left -= 1
        if at == end:
            self.more, self._rest = False, b""
        else:
            self._keep(data, at, more=not left)

    # Of much that waits each turn takes a little, which is no reason to copy all the rest.

    def _keep(self, data: bytes, at: int, more: bool) -> None:
        self.more = more
        self._rest, self._at = (data, at) if more else (data[at:], 0)

    def _after_rest(self, data: bytes) -> tuple[bytes, int]:
        """All that there is now, and from where on it is to be taken."""
        return (self._rest[self._at :] + data, 0) if data else (self._rest, self._at)

    def _give(self, payload: bytes, is_binary: bool) -> None:
        if is_binary:
            self.on_packet(payload)
            return
        try:
            text = payload.decode()
        except UnicodeDecodeError as error:
            self._protocol.fail(1007, "a text message is UTF-8")
            self.fault, self.asked, self._is_plain = error, True, False
            self.on_packet = _ignore  # more may have come along with it
        else:
            self.on_packet(text)

    def _lend(self, data: bytes, at: int, size: int) -> int:
        """Let the protocol take a frame, or what is there of it; where that ends."""
        protocol, piece = self._protocol, data[at : at + size]
        self._lent = size - len(piece)
        protocol.receive_data(piece)
        for frame in protocol.events_received():
            self._take_frame(frame)  # type: ignore[arg-type]
        self.asked = True
        self.fault = self.fault or protocol.parser_exc
        self._is_plain = protocol.state is State.OPEN and protocol.current_size is None
        return at + len(piece)

    def _take_frame(self, frame: Frame) -> None:
        if frame.opcode is Opcode.TEXT or frame.opcode is Opcode.BINARY:
            self._opcode, self._fragments = frame.opcode, bytearray(frame.data)
        elif frame.opcode is Opcode.CONT:
            self._fragments += frame.data  # and not a list, whose items may be empty and many
        else:
            return
        if frame.fin:
            whole, self._fragments = bytes(self._fragments), bytearray()
            self._give(whole, self._opcode is Opcode.BINARY)


def _long(data: bytes, at: int) -> tuple[int, int]:
    """The length of a frame that has it in two bytes, and where its payload begins.

    A length in eight bytes is the protocol's matter, and none here.
    """
    if data[at + 1] - _MASKED > 126:
        return -1, at
    return int.from_bytes(data[at + 2 : at + 4], "big"), at + 8  # too short, and it is not there


def _size(data: bytes, at: int) -> int:
    """How many bytes the frame has that begins here; none if its head is not all there."""
    second, there = data[at + 1], len(data) - at
    code = second & 0x7F
    head = 2 + (4 if second & _MASKED else 0) + (2 if code == 126 else 8 if code == 127 else 0)
    if there < head:
        return 0
    long = {126: 2, 127: 8}.get(code)
    return head + (code if long is None else int.from_bytes(data[at + 2 : at + 2 + long], "big"))


def _ignore(packet: str | bytes) -> None:
    pass
