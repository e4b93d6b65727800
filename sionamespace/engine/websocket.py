"""The WebSocket driver of the sync modes, over the sans-I/O protocol of ``websockets``."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any, TypeAlias
from typing import Protocol as Interface

from websockets.protocol import State

from sionamespace.engine.deflate import Deflate
from sionamespace.engine.frames import FrameReader
from sionamespace.engine.handshake import Accepted, Handshake
from sionamespace.protocol.engineio import Parcel
from sionamespace.runtime.sockets import AGAIN, OVER, WAITING, Readable
from sionamespace.types import Reason

__all__ = ["RawSocket", "WebSocketDriver", "open_websocket"]

_log = logging.getLogger("sionamespace.engine")

_READ = 65536
"""How many bytes are read at a time."""

_TURN = 4
"""How many messages of a flood are taken before others have their turn. What they get waits for
that, so it is few: with 16 it takes three times as long, and a flood costs a sixth less."""

_NO_TURNS = nullcontext()

_MAX_OWED = 65536
"""How many bytes of pongs may wait for a peer that does not read them."""

_MAX_JOINED = 65536
"""How many bytes are kept back to be written with what follows them."""


Watch: TypeAlias = Callable[[Any, Readable, Callable[[], object]], object]
"""Watches a socket; see `sionamespace.runtime.threaded.Driver.watch`."""


def _ignore(packet: str | bytes) -> None:
    pass


def _nothing() -> None:
    pass


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

    def close(self) -> object:
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
        self.on_free: Callable[[], object] = _nothing
        self._raw = raw
        self._protocol = handshake.opened()
        self._reader = FrameReader(self._protocol, handshake.max_bytes, _TURN)
        self._start = start
        self._engine = engine
        self._at_end = at_end
        self._unsent: list[bytes] = []
        self._unsent_bytes = 0
        self._ended = False
        self._owed = 0
        self._last_words = False
        self._read_all = False
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
        if not self._unsent:  # and so it is not busy
            self._unsent, self._unsent_bytes = [data], len(data)
            self._at_end(self._flush)
            return
        self._unsent.append(data)
        self._unsent_bytes += len(data)
        if self._unsent_bytes > _MAX_JOINED:
            self._flush()

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
            self._reader.stop()
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
        self._unsent, self._unsent_bytes = [], 0
        try:
            sent = self._raw.send(data)
            if sent < len(data):
                self._keep(data[sent:])
        except BlockingIOError:
            self._keep(data)
        except OSError:
            self.abort()

    def _keep(self, data: bytes) -> None:
        self._unsent = [data] if data else []
        self._unsent_bytes = len(data)

    def _write_rest(self) -> None:
        """Write what waits, as the kernel takes it; in a thread or green thread of its own."""
        while True:
            try:
                self._raw.wait_writable()
            except OSError:
                self.abort()
            with self._engine:
                if self._unsent:
                    self._write_some()
                if not self._unsent:
                    self._written()  # which may make it busy again, and so start another writer
                    return

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

    @property
    def on_packet(self) -> Callable[[str | bytes], object]:
        """Called with each packet that comes."""
        return self._reader.on_packet

    @on_packet.setter
    def on_packet(self, function: Callable[[str | bytes], object]) -> None:
        self._reader.on_packet = function

    def serve(
        self, watch: Watch, ended: Callable[[str], object], pause: Callable[[], object] = _nothing
    ) -> None:
        """Read until the end, and tell why it ended. Each packet goes to ``on_packet``.

        Where the socket can be watched this returns at once, and elsewhere at the end.

        Args:
            pause: lets others have their turn.
        """
        with self._engine:  # others may have something to say by now, and must find one socket
            is_free = self._raw.detach()
        if is_free:
            watch(self._raw, partial(self._read_some, ended), self._close)
            return
        after = WAITING
        while after is not OVER:
            data: bytes | None = b""
            if after is WAITING:
                try:
                    data = self._raw.recv(_READ)
                except OSError:
                    data = None
            with self._engine:
                after = self._take(data, ended)
            pause()
        with self._engine:
            self._close()

    def _read_some(self, ended: Callable[[str], object]) -> int:
        """Take a turn's worth of what is there; what becomes of the socket then."""
        data: bytes | None = b""
        if not self._reader.more:
            try:
                data = self._raw.recv(_READ)
            except BlockingIOError:
                return WAITING
            except OSError:
                data = None
        return self._take(data, ended)

    def _take(self, data: bytes | None, ended: Callable[[str], object]) -> int:
        """Take what was read: None if that failed; nothing at the end, or if more waits already."""
        reader = self._reader
        if data is None or self._ended or not (data or reader.more):
            ended(Reason.TRANSPORT_ERROR if data is None else Reason.TRANSPORT_CLOSE)
            return OVER
        reader.take(data)
        if reader.asked:
            reader.asked = False
            self._write_protocol()
        if reader.fault is not None:
            if self.busy:
                self.abort()  # as in `_close`, of which a transport has none
            ended(self._failure(reader.fault))
            return OVER
        return AGAIN if reader.more else WAITING

    def _close(self) -> None:
        self._flush()
        if self.busy:
            self.abort()  # what waits may be for somebody who never reads
        self._read_all = True
        self._let_go()
        if not self.busy:
            self._raw.close()

    def _let_go(self) -> None:
        """Refer to nothing that refers to it: else it would wait for the garbage collector."""
        self._reader.on_packet, self.on_free = _ignore, _nothing
        self._protocol.parser.close()

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


def open_websocket(raw: RawSocket, handshake: Handshake, *more: Any) -> WebSocketDriver:
    """The driver for a WebSocket that is accepted; the arguments are those of its class."""
    if handshake.deflate is None:
        return WebSocketDriver(raw, handshake, *more)
    return _DeflatingDriver(handshake.deflate, raw, handshake, *more)
