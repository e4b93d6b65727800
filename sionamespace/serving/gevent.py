"""Serves on gevent.pywsgi."""

from __future__ import annotations

import logging
import socket
from typing import Any

from gevent import Timeout, pywsgi, ssl
from gevent.pool import Pool

from sionamespace.errors import ConfigurationError
from sionamespace.serving.tls import HANDSHAKE_SECONDS, Certificate

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

    def start(self, listener: socket.socket) -> None:
        listener.setblocking(False)
        self._server = _Server(listener, self._app, **self._settings)
        self._server.start()

    def close(self) -> None:
        self._server.close()

    def busy(self) -> bool:
        return self._server.requests > 0

    def end(self) -> None:
        self._server.stop(timeout=0)


class _Server(pywsgi.WSGIServer):  # type: ignore[misc]
    """Counts the requests that are under way; connections that wait for one do not matter."""

    requests = 0

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


class _Handler(pywsgi.WSGIHandler):  # type: ignore[misc]
    """Lets the server know of its requests, and the log of those that fail."""

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
