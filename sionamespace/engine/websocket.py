"""The WebSocket driver of the sync modes, over the sans-I/O protocol of ``websockets``."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any, TypeAlias
from typing import Protocol as Interface

from websockets.frames import Frame, Opcode
from websockets.protocol import State

from sionamespace.engine.deflate import Deflate
from sionamespace.engine.handshake import Accepted, Handshake
from sionamespace.protocol.engineio import Parcel
from sionamespace.types import Reason

try:
    from websockets.speedups import apply_mask
except ImportError:  # there is no compiled wheel for this machine
    from websockets.utils import apply_mask

__all__ = ["RawSocket", "WebSocketDriver", "open_websocket"]

_log = logging.getLogger("sionamespace.engine")

_READ, _READ_OF_FLOOD = 65536, 8192
"""How many bytes are read at a time: less where that was many packets, so that a client's flood
leaves the others their turns."""
_MANY = 100
"""From how many packets in one read on it is a flood."""

_ORDINARY = {0x81: Opcode.TEXT, 0x82: Opcode.BINARY}
"""The first bytes of final text and binary frames without extensions."""

_NO_TURNS = nullcontext()

_MAX_OWED = 65536
"""How many bytes of pongs may wait for a peer that does not read them."""

_MAX_JOINED = 65536
"""How many bytes are kept back to be written with what follows them."""


Watch: TypeAlias = Callable[[Any, Callable[[], bool], Callable[[], object]], object]
"""Watches a socket; see `sionamespace.runtime.threaded.Driver.watch`."""


def _at_once(function: Callable[[], object]) -> None:
    function()


class RawSocket(Interface):
    """A connected stream socket; see `sionamespace.engine.servers`."""

    def recv(self, size: int) -> bytes:
        """Some bytes, or none at the end. Blocks this thread or green thread."""

    def send(self, data: bytes) -> int:
        """Write what can be written at once, without blocking; how many bytes that were."""

    def wait_writable(self) -> None:
        """Block this thread or green thread until more can be written."""

    def shutdown(self) -> None:
        """End it in both directions; `recv` then returns nothing."""

    def detach(self) -> bool:
        """Make `recv` raise ``BlockingIOError`` where it would block, if that can be."""

    def close(self) -> None:
        """Give it back, when nothing is read or written any more."""


class WebSocketDriver:
    """One WebSocket on a socket. It implements `sionamespace.engine.socket.WebSocket`.

    Args:
        start: starts a function in a thread or green thread of its own.
        engine: held while it reads or writes, and not while it waits; see
            `sionamespace.runtime.threaded.Driver.engine`.
        at_end: calls a function when what is being done on the engine's thread has ended; see
            `sionamespace.runtime.threaded.Driver.at_end`.
    """

    def __init__(
        self,
        raw: RawSocket,
        handshake: Accepted,
        start: Callable[[Callable[[], None]], object],
        engine: AbstractContextManager[object] = _NO_TURNS,
        at_end: Callable[[Callable[[], object]], object] = _at_once,
    ) -> None:
        self.busy = False
        self.on_packet: Callable[[str | bytes], object] = _ignore
        self.on_free: Callable[[], object] = _nothing
        self._raw = raw
        self._protocol = handshake.opened()
        self._max_bytes = handshake.max_bytes
        self._start = start
        self._engine = engine
        self._at_end = at_end
        self._unsent: list[bytes] = []
        self._unsent_bytes = 0
        self._ended = False
        self._fault: Exception | None = None
        self._owed = 0
        self._last_words = False
        self._read_all = False
        self._is_flood = False
        self._begun_frame = b""
        self._unparsed = 0
        self._opcode = Opcode.TEXT
        self._begun = bytearray()
        if answer := handshake.answer():
            self._write(answer)

    # Out.

    def write(self, *parcels: Parcel) -> None:
        """Write packets, or as much of them as the kernel takes, and be busy with the rest.

        What is written in one go, such as the answers to all events that came together, is one
        call of the kernel at its end: those calls cost more than all else.
        """
        for parcel in parcels:
            self._write(parcel.frames)

    def _write(self, data: bytes) -> None:
        if self._ended:
            return
        self._unsent.append(data)
        self._unsent_bytes += len(data)
        if self.busy:
            return
        if self._unsent_bytes > _MAX_JOINED:
            self._flush()
        elif len(self._unsent) == 1:
            self._at_end(self._flush)

    def _flush(self) -> None:
        if self._unsent and not self.busy:
            self._write_some()
            if self._unsent:
                self.busy = True
                self._start(self._write_rest)

    def close(self) -> None:
        """Say goodbye now; the peer's own goodbye, or its silence, then ends `serve`."""
        if self._protocol.state is State.OPEN:
            self._protocol.send_close(1000)
            self._write_protocol()
            self._flush()

    def abort(self) -> None:
        """End it at once."""
        self._ended = True
        self._keep(b"")
        self._raw.shutdown()

    def _write_some(self) -> None:
        """Write what the kernel takes of what is unsent, and keep the rest."""
        data = b"".join(self._unsent)
        try:
            self._keep(data[self._raw.send(data) :])
        except BlockingIOError:
            self._keep(data)
        except OSError:
            self.abort()

    def _keep(self, data: bytes) -> None:
        self._unsent = [data] if data else []
        self._unsent_bytes = len(data)

    def _write_rest(self) -> None:
        """Write what waits, as the kernel takes it; in a thread or green thread of its own."""
        while self.busy:
            try:
                self._raw.wait_writable()
            except OSError:
                self.abort()
            with self._engine:
                if self._unsent:
                    self._write_some()
                if not self._unsent:
                    self._written()

    def _written(self) -> None:
        self.busy = False
        if self._last_words:
            self._raw.shutdown()
        if self._read_all:
            self._raw.close()
        self.on_free()

    def _write_protocol(self) -> None:
        """Write what the protocol itself has to say: pongs, and the goodbye."""
        for data in self._protocol.data_to_send():
            if not data:
                self._last_words = True
                self._flush()
                if not self.busy:
                    self._raw.shutdown()
                return
            self._owed = self._owed + len(data) if self.busy else 0
            if self._owed > _MAX_OWED:
                _log.warning("closing a WebSocket: it pings and does not read the answers")
                self.abort()
                return
            self._write(data)

    # In.

    def serve(self, watch: Watch, ended: Callable[[str], object]) -> None:
        """Read until the end, and tell why it ended. Each packet goes to ``on_packet``.

        Where the socket can be watched this returns at once, and elsewhere at the end.
        """
        with self._engine:  # others may have something to say by now, and must find one socket
            is_free = self._raw.detach()
        if is_free:
            watch(self._raw, partial(self._read_some, ended), self._close)
            return
        while self._read_some(ended):
            pass
        self._close()

    def _read_some(self, ended: Callable[[str], object]) -> bool:
        """Read what is there; False, after telling why, at the end."""
        try:
            data = self._raw.recv(self._to_read())
        except BlockingIOError:
            return True
        except OSError:
            data = None
        with self._engine:
            try:
                reason = self._receive(data)
            except OSError:
                reason = Reason.TRANSPORT_ERROR
            if reason is not None:
                ended(reason)
        return reason is None

    def _to_read(self) -> int:
        """How many bytes to read in one go."""
        return _READ_OF_FLOOD if self._is_flood else _READ

    def _close(self) -> None:
        with self._engine:
            self._flush()
            self._read_all = True
            if not self.busy:
                self._raw.close()

    def _receive(self, data: bytes | None) -> str | None:
        """Take some bytes, none at the end, None after an error; why it is over, or None."""
        if data is None:
            return Reason.TRANSPORT_ERROR
        if not data or self._ended:
            return Reason.TRANSPORT_CLOSE
        data = self._take_ordinary(data)
        if data:
            self._unparsed += len(data)
            self._protocol.receive_data(data)
            for frame in self._protocol.events_received():
                self._unparsed -= _size(frame)  # type: ignore[arg-type]
                self._take(frame)  # type: ignore[arg-type]
        self._write_protocol()
        fault = self._fault or self._protocol.parser_exc
        return None if fault is None else self._failure(fault)

    def _take_ordinary(self, data: bytes) -> bytes:
        """Take the whole, final data frames at the beginning, which most are; what follows them.

        The protocol takes the others. It parses each frame in steps, which is right for all and
        costs six times as much (2.6 us against 0.4 us for a short one). If what follows is the
        beginning of such a frame, it is kept until the rest of it comes.
        """
        protocol = self._protocol
        # The protocol may have begun a frame, also where its buffer is empty, after the head of it.
        if self._unparsed or protocol.current_size is not None:
            return data
        if self._begun_frame:
            data, self._begun_frame = self._begun_frame + data, b""
        at, end, taken = 0, len(data), 0
        while end - at >= 6 and protocol.state is State.OPEN:
            opcode, length = _ORDINARY.get(data[at]), data[at + 1] - 128  # 128 is the mask bit
            start = at + 6
            if length == 126:
                length = int.from_bytes(data[at + 2 : at + 4], "big")
                start = at + 8
            elif length == 127:  # the length has eight bytes
                break
            if opcode is None or not 0 <= length <= self._max_bytes or start + length > end:
                break
            at = start + length
            taken += 1
            self._deliver(opcode, apply_mask(data[start:at], data[start - 4 : start]))
        self._is_flood = taken >= _MANY
        rest = data[at:]
        if rest and protocol.state is State.OPEN and _is_begun(rest, self._max_bytes):
            self._begun_frame, rest = rest, b""
        return rest

    def _take(self, frame: Frame) -> None:
        if frame.opcode is Opcode.TEXT or frame.opcode is Opcode.BINARY:
            if frame.fin:
                self._deliver(frame.opcode, bytes(frame.data))
            else:
                self._opcode, self._begun = frame.opcode, bytearray(frame.data)
        elif frame.opcode is Opcode.CONT:
            self._begun += frame.data  # and not a list of fragments, which may be empty and many
            if frame.fin:
                whole, self._begun = bytes(self._begun), bytearray()
                self._deliver(self._opcode, whole)

    def _deliver(self, opcode: Opcode, data: bytes) -> None:
        if opcode is Opcode.BINARY:
            self.on_packet(data)
            return
        try:
            text = data.decode()
        except UnicodeDecodeError as error:
            self._fault = error
            self._protocol.fail(1007, "a text message is UTF-8")
            self.on_packet = _ignore  # more may have come along with it
            return
        self.on_packet(text)

    def _failure(self, error: Exception) -> str:
        _log.warning("closing a WebSocket: %s", error)
        too_large = self._protocol.close_sent is not None and self._protocol.close_sent.code == 1009
        return Reason.TOO_LARGE if too_large else Reason.TRANSPORT_ERROR


class _DeflatingDriver(WebSocketDriver):
    """One whose client takes compressed messages."""

    def __init__(self, deflate: Deflate, raw: RawSocket, handshake: Handshake, *more: Any) -> None:
        super().__init__(raw, handshake, *more)
        self._frames = deflate.frames

    def write(self, *parcels: Parcel) -> None:
        for parcel in parcels:
            self._write(parcel.form(self._frames))

    def _take_ordinary(self, data: bytes) -> bytes:
        """Take nothing: of frames that the protocol has inflated the size is no more known."""
        return data


def open_websocket(raw: RawSocket, handshake: Handshake, *more: Any) -> WebSocketDriver:
    """The driver for a WebSocket that is accepted; the arguments are those of its class."""
    if handshake.deflate is None:
        return WebSocketDriver(raw, handshake, *more)
    return _DeflatingDriver(handshake.deflate, raw, handshake, *more)


def _size(frame: Frame) -> int:
    """How many bytes a client's frame was, if it wrote the length as short as can be."""
    length = len(frame.data)
    return length + 6 + (0 if length < 126 else 2 if length < 65536 else 8)


def _is_begun(data: bytes, max_bytes: int) -> bool:
    """Whether it is the beginning, and no more, of an ordinary frame with a length of two bytes."""
    if data[0] not in _ORDINARY:
        return False
    if len(data) < 2:
        return True
    length, head = data[1] - 128, 6
    if length == 126:
        if len(data) < 4:
            return True
        length, head = int.from_bytes(data[2:4], "big"), 8
    return 0 <= length <= max_bytes and length != 127 and len(data) < head + length


def _ignore(packet: str | bytes) -> None:
    pass


def _nothing() -> None:
    pass
