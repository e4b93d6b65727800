"""`Stream` and `TLSStream`: what a web server reads from a client's connection and writes to it."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

__all__ = ["Stream", "TLSStream"]

_READ = 65536
_PIECE = 65536
"""How many bytes are encrypted at a time."""


class Stream:
    """A connection that never blocks. It implements `sionamespace.engine.websocket.RawSocket`.

    Whoever takes it over, as a WebSocket does, sets ``taken``.

    Args:
        sock: does not block.
        wait_writable: blocks a thread or green thread until a socket can be written.
    """

    is_open = True
    """Whether the client has shown that it speaks as it should."""

    def __init__(self, sock: Any, wait_writable: Callable[[Any], object]) -> None:
        self.taken = False
        self.recv: Callable[[int], bytes] = sock.recv
        self.send: Callable[[bytes], int] = sock.send
        self.fileno: Callable[[], int] = sock.fileno
        self.close: Callable[[], object] = sock.close
        self._sock = sock
        self._wait_writable = wait_writable

    def wait_writable(self) -> None:
        self._wait_writable(self._sock)

    def shutdown(self) -> None:
        with suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)

    def finish(self) -> None:
        """Say that nothing more is sent."""
        self._sock.shutdown(socket.SHUT_WR)

    def detach(self) -> bool:
        return True

    def end_request(self) -> Iterable[bytes]:
        """What a WSGI application returns that has taken it."""
        return ()


class TLSStream(Stream):
    """The same with TLS, whose own handshake is a part of reading and writing."""

    def __init__(
        self, sock: Any, wait_writable: Callable[[Any], object], context: ssl.SSLContext
    ) -> None:
        self._tls = _TLSSocket(sock, context)
        super().__init__(self._tls, wait_writable)

    @property
    def is_open(self) -> bool:  # type: ignore[override]
        """Whether the handshake is done."""
        return self._tls.is_open

    def finish(self) -> None:
        self._tls.finish()
        super().finish()


class _TLSSocket:
    """What of a socket a `Stream` needs, over one that does not know of TLS.

    It is not the stream itself, which has its methods and would be freed by the garbage collector
    only.
    """

    def __init__(self, sock: Any, context: ssl.SSLContext) -> None:
        self.fileno = sock.fileno
        self.close = sock.close
        self.shutdown = sock.shutdown
        self._sock = sock
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._in, self._out, server_side=True)
        self._unsent = b""
        self._encrypted = 0
        """How much of what is to be sent is in ``_unsent``, or was."""
        self._ended = False

    @property
    def is_open(self) -> bool:
        return self._tls.version() is not None

    def recv(self, size: int) -> bytes:
        """All that has come; it is no more than was read, and nothing of it waits in TLS."""
        data = b"" if self._ended else self._sock.recv(_READ)
        if not data:
            return b""
        self._in.write(data)
        try:
            return self._decrypted()
        finally:
            with suppress(BlockingIOError):  # what TLS itself has to say
                self._push()

    def finish(self) -> None:
        with suppress(ssl.SSLError):  # it waits for the same of the client
            self._tls.unwrap()
        self._push()

    def _decrypted(self) -> bytes:
        parts: list[bytes] = []
        try:
            while part := self._tls.read(_READ):
                parts.append(part)
            self._ended = True
        except ssl.SSLWantReadError:
            if not parts:
                raise BlockingIOError from None
        except ssl.SSLZeroReturnError:
            self._ended = True
        return b"".join(parts)

    def send(self, data: bytes) -> int:
        """Send as much as the kernel takes. What was encrypted and could not be sent is sent first
        the next time, which is to be with the same data."""
        sent = 0
        try:
            while sent < len(data):
                sent += self._send_piece(data[sent : sent + _PIECE])
        except BlockingIOError:
            if not sent:
                raise
        return sent

    def _send_piece(self, data: bytes) -> int:
        if not self._encrypted:
            self._encrypted = self._tls.write(data)
        self._push()
        sent, self._encrypted = self._encrypted, 0
        return sent

    def _push(self) -> None:
        self._unsent += self._out.read()
        if self._unsent:
            self._unsent = self._unsent[self._sock.send(self._unsent) :]
        if self._unsent:
            raise BlockingIOError
