"""What is special about each web server: where it keeps the client's socket."""

from __future__ import annotations

import _socket
import os
import select
import socket
import ssl
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, NoReturn

from sionamespace.engine.stream import Stream
from sionamespace.runtime.originals import new_lock

__all__ = ["ServerSocket", "find_socket", "plain_socket"]

_WANTS = (ssl.SSLWantReadError, ssl.SSLWantWriteError)


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
        self._detached = False
        self.end_request = end_request
        self.recv: Callable[[int], bytes] = sock.recv
        self.send: Callable[[bytes], int] = self._try_send
        self._send = plain_socket(sock).send
        if _is_tls(sock):
            tls = _GreenTls(sock) if _is_green(sock) else _ThreadTls(sock)
            self.recv, self._send = tls.recv, tls.send
        elif not _is_green(sock):
            self._send = partial(_send_some, sock)
        with suppress(OSError):
            # Else the first answer after an upgrade waits 40 ms for the client's acknowledgement.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def detach(self) -> bool:
        """Let the web server's request end without it, if that can be: not for TLS.

        Then ``recv`` does not block any more, but raises ``BlockingIOError``; and the request's
        thread or green thread, with the server's buffers, is free.
        """
        if _is_tls(self._sock) or not isinstance(plain_socket(self._sock), _socket.socket):
            return False
        sock = _take(self._sock)
        sock.setblocking(False)
        self._sock, self.send, self.recv = sock, sock.send, sock.recv
        self._detached = True
        return True

    def fileno(self) -> int:
        return int(self._sock.fileno())

    def _try_send(self, data: bytes) -> int:
        try:
            return int(self._send(data))
        except _WANTS:
            raise BlockingIOError from None

    def wait_writable(self) -> None:
        self._wait_writable(self._sock)

    def shutdown(self) -> None:
        with suppress(OSError):
            # Not TLS's own, which would take the session from under whoever reads.
            _socket.socket.shutdown(plain_socket(self._sock), socket.SHUT_RDWR)

    def close(self) -> None:
        """Give it back to the system; the web server closes what is still its own."""
        if self._detached:
            self._sock.close()


# Kinds of sockets. Eventlet's has the original in ``fd``, gevent's in ``_sock``.


def plain_socket(sock: Any) -> Any:
    """The socket below a green one, or below two: what accepts may have been made green twice."""
    while not isinstance(sock, _socket.socket):
        below = getattr(sock, "fd", None) or getattr(sock, "_sock", None)
        if below is None:
            break
        sock = below
    return sock


def _is_tls(sock: Any) -> bool:
    return getattr(sock, "_sslobj", None) is not None


def _is_green(sock: Any) -> bool:
    return _is_of(sock, "eventlet") or _is_of(sock, "gevent")


def _is_of(sock: Any, library: str) -> bool:
    """Whether a socket is a library's, or made from one of those."""
    return any(cls.__module__.partition(".")[0] == library for cls in type(sock).__mro__)


def _send_some(sock: Any, data: bytes) -> int:
    """What can be sent at once, on a socket that blocks."""
    return int(sock.send(data, socket.MSG_DONTWAIT))


def _take(sock: Any) -> Any:
    """The connection, out of the web server's socket, with which the server lives on."""
    plain = plain_socket(sock)
    if plain is not sock:
        # The same number, as the hub knows it. These servers find their own socket closed.
        owner = sock if hasattr(sock, "_sock") else plain
        return type(plain)(fileno=owner.detach())
    # Others do not expect that: they find one whose peer has gone, and end the request by that.
    taken = type(sock)(fileno=os.dup(sock.fileno()))
    ours, theirs = _socket.socketpair()
    theirs.close()
    os.dup2(ours.fileno(), sock.fileno(), inheritable=False)
    ours.close()
    return taken


class _GreenTls:
    """TLS on a green library's socket, whose own ``send`` would wait."""

    def __init__(self, sock: Any) -> None:
        self._sock = sock
        self.recv = sock.recv

    def send(self, data: bytes) -> int:
        return int(self._sock._sslobj.write(data))


class _ThreadTls:
    """TLS that one thread reads and others write: never two at once, and never waiting in it."""

    def __init__(self, sock: Any) -> None:
        sock.setblocking(False)
        self._sock = sock
        self._lock = new_lock()
        self._readable = select.poll()
        self._readable.register(sock, select.POLLIN)

    def recv(self, size: int) -> bytes:
        while True:
            with self._lock, suppress(*_WANTS):
                return bytes(self._sock.recv(size))
            self._readable.poll()

    def send(self, data: bytes) -> int:
        with self._lock:
            return int(self._sock.send(data))


# Web servers.


def find_socket(
    environ: Mapping[str, Any], wait_writable: Callable[[Any], object]
) -> ServerSocket | Stream | None:
    """The client's socket; None for a web server that does not give its sockets away."""
    stream: Stream | None = environ.get("sionamespace.stream")
    if stream is not None:
        stream.taken = True
        return stream
    for key, get, end in _SERVERS:
        found = get(environ[key]) if key in environ else None
        if found is not None:
            return ServerSocket(found, wait_writable, end)
    return None


def _end_eventlet() -> Iterable[bytes]:
    from eventlet import wsgi

    wsgi.WSGI_LOCAL.already_handled = True
    return ()


def _end_gunicorn() -> NoReturn:
    # What ends a connection in each of its workers, with no response and no error.
    raise StopIteration


def _end_werkzeug() -> NoReturn:
    # As if the client had gone; Werkzeug has no other way to end a request without a response.
    raise ConnectionAbortedError


def _gevent_socket(body: Any) -> Any:
    """The socket behind the request's body, as gevent.pywsgi keeps it."""
    # Asked for an upgrade, it gives what it reads from itself in the body's place.
    raw = getattr(getattr(body, "rfile", body), "raw", None)
    sock = getattr(raw, "_sock", None)
    return sock if _is_of(sock, "gevent") else None


_SERVERS: tuple[tuple[str, Callable[[Any], Any], Callable[[], Iterable[bytes]]], ...] = (
    ("eventlet.input", lambda body: body.get_socket(), _end_eventlet),
    ("gunicorn.socket", lambda sock: sock, _end_gunicorn),
    ("werkzeug.socket", lambda sock: sock, _end_werkzeug),
    ("wsgi.input", _gevent_socket, tuple),
)
"""Where each web server has the client's socket in its environ, and how its request ends."""
