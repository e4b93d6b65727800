"""Serves on gevent.pywsgi."""

from __future__ import annotations

import logging
import socket
from contextlib import suppress
from typing import Any

import gevent
from gevent import Timeout, pywsgi, ssl
from gevent.pool import Pool
from gevent.socket import socket as GeventSocket

from sionamespace.errors import ConfigurationError
from sionamespace.serving.tls import HANDSHAKE_SECONDS, Certificate
from sionamespace.workers.early import Early
from sionamespace.workers.siblings import Siblings

__all__ = ["GeventServer"]

_log = logging.getLogger("sionamespace.run")

_SETTINGS = {"spawn", "log", "error_log", "handler_class", "environ", "ssl_context"}


class GeventServer:
    """Implements `sionamespace.serving.lifetime.WebServer` with ``gevent.pywsgi.WSGIServer``.

    Args:
        app: the WSGI application.
        certificate: for ``https``.
        settings: for ``gevent.pywsgi.WSGIServer``.

    Raises:
        ConfigurationError: for a setting that it does not have.
    """

    name = "gevent"

    def __init__(self, app: Any, certificate: Certificate | None, **settings: Any) -> None:
        unknown = settings.keys() - _SETTINGS
        if unknown:  # which it would take for a setting of TLS
            raise ConfigurationError(
                f"the web server of async_mode='gevent' has no setting {unknown.pop()!r}; "
                f"there are: {', '.join(sorted(_SETTINGS))}"
            )
        self.scheme = "https" if certificate or "ssl_context" in settings else "http"
        self._app = app
        self._settings = {
            "log": None,
            "error_log": _log,
            "handler_class": _Handler,
            "spawn": Pool(),
            **settings,
        }
        if certificate:
            self._settings["ssl_context"] = certificate.context(ssl.SSLContext)

    def start(self, listener: socket.socket, siblings: Siblings | None = None) -> None:
        listener.setblocking(False)
        self._server = _Server(listener, self._app, **self._settings)
        self._server.siblings = siblings
        self._server.start()
        if siblings is not None:
            self._inbox = gevent.get_hub().loop.io(siblings.fileno(), 1)
            self._inbox.start(self._server.receive)

    def close(self) -> None:
        self._server.close()

    def busy(self) -> bool:
        return self._server.requests > 0

    def end(self) -> None:
        self._server.stop(timeout=0)


class _Server(pywsgi.WSGIServer):  # type: ignore[misc]
    """Counts the requests that are under way; connections that wait for one do not matter."""

    requests = 0
    siblings: Siblings | None = None

    def do_read(self) -> Any:
        """Accept a client, when it is this worker's turn."""
        balance = self.siblings and self.siblings.balance
        if balance and (pause := balance.pause()):
            self.stop_accepting()
            self._timer = self.loop.timer(pause)
            self._timer.start(self._start_accepting_if_started)
            return None
        accepted = super().do_read()
        if balance and accepted:
            balance.accepted()
        return accepted

    def receive(self) -> None:
        """Take the connections that siblings have handed over."""
        assert self.siblings is not None
        with suppress(BlockingIOError):
            while True:
                passed = self.siblings.receive()
                if passed is not None:
                    connection = _EarlySocket(fileno=passed.descriptor)
                    connection.early = passed.early
                    self.do_handle(connection, passed.address)

    def wrap_socket_and_handle(self, client: Any, address: Any) -> None:
        """Talk by TLS; a client with which that cannot be done is no error of the server."""
        try:
            with Timeout(HANDSHAKE_SECONDS, TimeoutError):
                wrapped = self.wrap_socket(client, **self.ssl_args)
        except OSError as error:
            _log.debug("no TLS with %s: %s", address, error)
            return
        try:
            self.handle(wrapped, address)
        finally:
            wrapped.close()


class _EarlySocket(Early, GeventSocket):  # type: ignore[misc]
    """A client's connection that a sibling has begun to read."""


class _Handler(pywsgi.WSGIHandler):  # type: ignore[misc]
    """Lets the server know of its requests, and the log of those that fail."""

    def read_requestline(self) -> str:
        """The first line of the next request; nothing if that is for another worker's client."""
        line: str = super().read_requestline()
        siblings: Siblings | None = self.server.siblings
        if siblings and siblings.send_home(
            line.encode("latin-1"), self.rfile, self.socket, gevent.sleep
        ):
            return ""
        return line

    def handle_one_response(self) -> None:
        self.server.requests += 1
        try:
            super().handle_one_response()
        finally:
            self.server.requests -= 1

    def handle_error(self, kind: Any, error: Any, traceback: Any) -> None:
        """Log it, where gevent would print it, and answer 500 if that can be."""
        _log.error("a request failed: %s", self.requestline, exc_info=(kind, error, traceback))
        self._send_error_response_if_possible(500)
