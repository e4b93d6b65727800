"""What is special about each web server: where it keeps the client's socket."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

__all__ = ["ServerSocket", "find_socket"]


class ServerSocket:
    """A client's socket, taken over from the web server.

    Args:
        sock: as the web server holds it, so that its ``recv`` blocks in the server's own way.
        wait_writable: blocks in that way until the socket can be written.
        end_request: what to return from the WSGI application when done with it.
    """

    def __init__(
        self,
        sock: Any,
        wait_writable: Callable[[Any], object],
        end_request: Callable[[], Iterable[bytes]] = tuple,
    ) -> None:
        self._sock = sock
        self._wait_writable = wait_writable
        self._send = _plain_send(sock)
        self._detached = False
        self.recv: Callable[[int], bytes] = sock.recv
        self.end_request = end_request
        with suppress(OSError):
            # Else the first answer after an upgrade waits 40 ms for the client's acknowledgement.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def detach(self) -> bool:
        """Let the web server's request end without it, if that can be: not for TLS.

        Then ``recv`` does not block any more, but raises ``BlockingIOError``; and the request's
        green thread, with the server's buffers, is free.
        """
        plain = getattr(self._sock, "fd", None)
        if plain is None or isinstance(self._sock, ssl.SSLSocket):
            return False
        sock = type(plain)(fileno=plain.detach())
        sock.setblocking(False)
        self._sock, self._send, self.recv = sock, sock.send, sock.recv
        self._detached = True
        return True

    def fileno(self) -> int:
        return int(self._sock.fileno())

    def send(self, data: bytes) -> int:
        try:
            return int(self._send(data))
        except ssl.SSLWantWriteError:
            raise BlockingIOError from None

    def wait_writable(self) -> None:
        self._wait_writable(self._sock)

    def shutdown(self) -> None:
        with suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Give it back to the system; the web server closes what is still its own."""
        if self._detached:
            self._sock.close()


def _plain_send(sock: Any) -> Callable[[bytes], int]:
    """A ``send`` that raises where the server's own would block."""
    if isinstance(sock, ssl.SSLSocket):
        # Not the green subclass, which may have taken the original's place in the ssl module.
        original: Any = next(cls for cls in type(sock).__mro__ if cls.__module__ == "ssl")
        return partial(original.send, sock)
    plain: Callable[[bytes], int] = getattr(sock, "fd", sock).send
    return plain


def find_socket(
    environ: Mapping[str, Any], wait_writable: Callable[[Any], object]
) -> ServerSocket | None:
    """The client's socket; None for a web server that does not give its sockets away."""
    if "eventlet.input" in environ:
        sock = environ["eventlet.input"].get_socket()
        return ServerSocket(sock, wait_writable, _end_eventlet_request)
    return None


def _end_eventlet_request() -> Iterable[bytes]:
    from eventlet import wsgi

    wsgi.WSGI_LOCAL.already_handled = True
    return ()
