"""Serves on eventlet.wsgi."""

from __future__ import annotations

import logging
import socket
from typing import Any

import sionamespace.runtime.eventlet  # noqa: F401 # first, for it keeps eventlet's warning away

# isort: split
import eventlet
from eventlet import hubs, patcher, wsgi
from eventlet.event import Event
from eventlet.green import ssl
from eventlet.greenio import GreenSocket
from eventlet.greenio.base import socket_accept

from sionamespace.serving.lifetime import LOOK_AGAIN
from sionamespace.serving.tls import HANDSHAKE_SECONDS, Certificate
from sionamespace.workers.balance import Balance
from sionamespace.workers.early import Early
from sionamespace.workers.siblings import Siblings

__all__ = ["EventletServer", "wrap_tls"]

_log = logging.getLogger("sionamespace.run")

_original_socket: Any = patcher.original("socket").socket

_MAX_REQUESTS = 1_000_000
"""How many requests may be open at once. Each WebSocket and each waiting poll is one, so the
server's own limit, 1,024, would be one on the number of clients."""


class EventletServer:
    """Implements `sionamespace.serving.lifetime.WebServer` with ``eventlet.wsgi.server``.

    Args:
        app: the WSGI application.
        certificate: for ``https``.
        settings: for ``eventlet.wsgi.server``.
    """

    name = "eventlet"

    def __init__(self, app: Any, certificate: Certificate | None, **settings: Any) -> None:
        self.scheme = "https" if certificate else "http"
        self.requests = 0
        """How many are under way."""
        self._app = app
        pool = _Pool(_MAX_REQUESTS)
        self._settings = {"log": _WsgiLog(), "debug": False, "custom_pool": pool, **settings}
        if certificate:
            self._settings["protocol"] = _tls_protocol(certificate.context())
            environ = {"wsgi.url_scheme": "https", "HTTPS": "on"}
            self._settings["environ"] = {**environ, **(settings.get("environ") or {})}

    def start(self, listener: socket.socket, siblings: Siblings | None = None) -> None:
        kind = self._settings.get("protocol", wsgi.HttpProtocol)
        parts = {"web_server": self, "siblings": siblings}
        self._settings["protocol"] = type("Protocol", (_Protocol, kind), parts)
        if siblings is None:
            self._listener = _Listener(listener)
        else:
            self._listener = _SharedListener(listener, siblings.balance)
            self._serve(_Inbox(siblings))
        self._serving = self._serve(self._listener)

    def _serve(self, listener: Any) -> Any:
        serving = eventlet.spawn(wsgi.server, listener, self._app, **self._settings)
        eventlet.sleep(0)
        if serving.dead:  # for a setting that it does not take
            serving.wait()
        return serving

    def close(self) -> None:
        if isinstance(self._listener, _SharedListener):
            self._listener.is_shut = True
        else:
            self._serving.kill()

    def busy(self) -> bool:
        return self.requests > 0

    def end(self) -> None:
        self._serving.kill()


class _Pool(eventlet.GreenPool):  # type: ignore[misc]
    """Green threads that are not waited for by the server itself."""

    def waitall(self) -> None:
        """Nothing: whoever stops the server has only so much patience."""


class _Listener:
    """A listening socket on which no failure ends the server."""

    def __init__(self, listener: socket.socket) -> None:
        # It is green already in a process that is monkey-patched.
        self._green = listener if isinstance(listener, GreenSocket) else GreenSocket(listener)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._green, name)

    def accept(self) -> Any:
        while True:
            try:
                return self._accept()
            except OSError as error:
                _log.error("cannot accept a connection: %s", error)
                eventlet.sleep(LOOK_AGAIN)  # it is most often a lack of files, which passes

    def _accept(self) -> Any:
        return self._green.accept()


class _SharedListener(_Listener):
    """One from which other workers accept clients too."""

    def __init__(self, listener: socket.socket, balance: Balance) -> None:
        super().__init__(listener)
        self._balance = balance
        self.is_shut = False
        """Whether the others accept all of them."""

    def _accept(self) -> Any:
        while True:
            if pause := self._balance.pause():
                eventlet.sleep(pause)
            if self.is_shut:
                Event().wait()  # for ever: if it ended, so would connections with a request to come
            accepted = socket_accept(self._green.fd)
            if accepted is not None:
                self._balance.accepted()
                client, address = accepted
                hubs.notify_opened(client.fileno())
                return GreenSocket(client), address
            hubs.trampoline(self._green, read=True)


class _Inbox:
    """Where siblings hand connections over, as a listening socket."""

    family = socket.AF_UNIX

    def __init__(self, siblings: Siblings) -> None:
        self._siblings = siblings

    def getsockname(self) -> str:
        return ""

    def close(self) -> None:
        """Nothing: it is there as long as the process."""

    def accept(self) -> Any:
        while True:
            try:
                passed = self._siblings.receive()
            except BlockingIOError:
                hubs.trampoline(self._siblings, read=True)
            else:
                if passed is not None:
                    hubs.notify_opened(passed.descriptor)
                    connection = _EarlySocket(_original_socket(fileno=passed.descriptor))
                    connection.early = passed.early
                    return connection, passed.address


class _EarlySocket(Early, GreenSocket):  # type: ignore[misc]
    """A client's connection that a sibling has begun to read."""


class _Protocol:
    """Comes before what talks to a client by HTTP."""

    web_server: EventletServer
    siblings: Siblings | None

    def _read_request_line(self: Any) -> Any:
        """The first line of the next request; nothing if that is for another worker's client."""
        line = super()._read_request_line()  # type: ignore[misc]
        if line and self.siblings is not None:
            rest, connection = self.rfile, self.connection
            if self.siblings.send_home(line, rest, connection, eventlet.sleep):
                return b""
        return line

    def handle_one_response(self) -> None:
        self.web_server.requests += 1
        try:
            super().handle_one_response()  # type: ignore[misc]
        finally:
            self.web_server.requests -= 1


class _WsgiLog:
    """Where eventlet's web server logs: its tracebacks are errors, the rest is for debugging."""

    def info(self, text: str, *args: object) -> None:
        _log.log(logging.ERROR if "Traceback" in text else logging.DEBUG, text.rstrip(), *args)

    debug = error = info


def _tls_protocol(context: Any) -> type[wsgi.HttpProtocol]:
    """What talks to a client by HTTP, after the handshake in the client's own green thread."""

    class Protocol(wsgi.HttpProtocol):  # type: ignore[misc]
        def __init__(self, connection: list[Any], server: Any) -> None:
            try:
                connection[1] = wrap_tls(connection[1], context)
            except OSError as error:
                _log.debug("no TLS with %s: %s", connection[0], error)
                return
            super().__init__(connection, server)

    return Protocol


def wrap_tls(green: Any, context: Any) -> Any:
    """A client's green socket after TLS's handshake; raises ``OSError`` if that fails."""
    wrapped = ssl.GreenSSLSocket(
        green, server_side=True, do_handshake_on_connect=False, _context=context
    )
    wrapped.settimeout(HANDSHAKE_SECONDS)
    try:
        wrapped.do_handshake()
    except BaseException:
        wrapped.close()
        raise
    wrapped.settimeout(green.gettimeout())
    return wrapped
