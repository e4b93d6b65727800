"""The WebSocket driver of the sync modes, over the sans-I/O protocol of ``websockets``."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any
from typing import Protocol as Interface

from websockets.datastructures import Headers
from websockets.frames import Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import Protocol, Side, State
from websockets.server import ServerProtocol

from sionamespace.types import Reason

__all__ = ["Handshake", "RawSocket", "WebSocketDriver"]

_log = logging.getLogger("sionamespace.engine")

_READ = 65536

_MAX_OWED = 65536
"""How many bytes of pongs may wait for a peer that does not read them."""


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


class Handshake:
    """The opening handshake of a WebSocket (RFC 6455, section 4.2).

    Args:
        environ: the WSGI environment of the request.
        max_bytes: the size of a message, past which the connection fails with code 1009.
    """

    def __init__(self, environ: Mapping[str, Any], max_bytes: int) -> None:
        self._protocol = ServerProtocol(logger=_quiet)
        self._response = self._protocol.accept(_request(environ))
        self._max_bytes = max_bytes

    @property
    def refused(self) -> Response | None:
        """The HTTP response to give if the request is not one for a WebSocket."""
        return None if self._response.status_code == 101 else self._response

    def answer(self) -> bytes:
        """The bytes that accept the request."""
        self._protocol.send_response(self._response)
        return b"".join(self._protocol.data_to_send())

    def opened(self) -> Protocol:
        """The protocol from here on; the one that accepted would still wait for the request."""
        return Protocol(Side.SERVER, state=State.OPEN, max_size=self._max_bytes, logger=_quiet)


class WebSocketDriver:
    """One WebSocket on a socket. It implements `sionamespace.engine.socket.WebSocket`.

    Args:
        start: starts a function in a thread or green thread of its own.
    """

    def __init__(
        self, raw: RawSocket, handshake: Handshake, start: Callable[[Callable[[], None]], object]
    ) -> None:
        self.busy = False
        self.on_packet: Callable[[str | bytes], object] = _ignore
        self.on_free: Callable[[], object] = _nothing
        self._raw = raw
        self._protocol = handshake.opened()
        self._start = start
        self._rest = b""
        self._ended = False
        self._fault: Exception | None = None
        self._owed = 0
        self._last_words = False
        self._opcode = Opcode.TEXT
        self._begun = bytearray()
        self.write(handshake.answer())

    # Out.

    def write(self, data: bytes) -> None:
        """Write frames, or as much as the kernel takes, and become busy with the rest."""
        if self._ended:
            return
        if self.busy:
            self._rest += data
            return
        rest = self._write_some(data)
        if rest:
            self._rest, self.busy = rest, True
            self._start(self._write_rest)

    def close(self) -> None:
        """Say goodbye; the peer's own goodbye, or its silence, then ends `read`."""
        if self._protocol.state is State.OPEN:
            self._protocol.send_close(1000)
            self._write_protocol()

    def abort(self) -> None:
        """End it at once."""
        self._ended = True
        self._rest = b""
        self._raw.shutdown()

    def _write_some(self, data: bytes) -> bytes:
        """What the kernel did not take."""
        try:
            return data[self._raw.send(data) :]
        except BlockingIOError:
            return data
        except OSError:
            self.abort()
            return b""

    def _write_rest(self) -> None:
        while self._rest and not self._ended:
            try:
                self._raw.wait_writable()
            except OSError:
                self.abort()
                break
            data, self._rest = self._rest, b""
            self._rest = self._write_some(data) + self._rest
        self.busy = False
        if self._last_words:
            self._raw.shutdown()
        self.on_free()

    def _write_protocol(self) -> None:
        """Write what the protocol itself has to say: pongs, and the goodbye."""
        for data in self._protocol.data_to_send():
            if not data:
                self._last_words = True
                if not self.busy:
                    self._raw.shutdown()
                return
            self._owed = self._owed + len(data) if self.busy else 0
            if self._owed > _MAX_OWED:
                _log.warning("closing a WebSocket: it pings and does not read the answers")
                self.abort()
                return
            self.write(data)

    # In.

    def read(self) -> str:
        """Read until the end; why it ended. Each packet goes to ``on_packet``."""
        protocol = self._protocol
        while not self._ended:
            try:
                data = self._raw.recv(_READ)
            except OSError:
                return Reason.TRANSPORT_ERROR
            if not data:
                return Reason.TRANSPORT_CLOSE
            protocol.receive_data(data)
            for frame in protocol.events_received():
                self._take(frame)  # type: ignore[arg-type]
            self._write_protocol()
            fault = self._fault or protocol.parser_exc
            if fault is not None:
                return self._failure(fault)
        return Reason.TRANSPORT_CLOSE

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


def _request(environ: Mapping[str, Any]) -> Request:
    headers = Headers()
    for name, value in environ.items():
        if name.startswith("HTTP_"):
            headers[name[5:].replace("_", "-").title()] = str(value)
    return Request(str(environ.get("PATH_INFO", "/")), headers)


def _ignore(packet: str | bytes) -> None:
    pass


def _nothing() -> None:
    pass


_quiet = logging.getLogger("sionamespace.engine.websocket")
"""The protocol's own log, which tells each opening and closing at INFO."""
_quiet.setLevel(logging.WARNING)
