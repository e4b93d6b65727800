"""A small web server with a thread for each connection."""

from __future__ import annotations

import logging
import select
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from sionamespace.errors import ConfigurationError
from sionamespace.runtime.crew import start_thread
from sionamespace.serving.http import Handler
from sionamespace.serving.lifetime import LOOK_AGAIN
from sionamespace.serving.tls import HANDSHAKE_SECONDS, Certificate
from sionamespace.workers.early import Early
from sionamespace.workers.siblings import Siblings

__all__ = ["ThreadsServer"]

_log = logging.getLogger("sionamespace.run")


class ThreadsServer:
    """Implements `sionamespace.serving.lifetime.WebServer` on threads.

    Args:
        app: the WSGI application.
        certificate: for ``https``.

    Raises:
        ConfigurationError: for any setting.
    """

    name = "threads"

    def __init__(self, app: Any, certificate: Certificate | None, **settings: Any) -> None:
        if settings:
            raise ConfigurationError(
                f"the web server of async_mode='threads' has no setting {next(iter(settings))!r}"
            )
        self.scheme = "https" if certificate else "http"
        self.app = app
        self.address: tuple[str, int]
        self.stopping = False
        self._tls = certificate.context() if certificate else None
        self._lock = threading.Lock()
        self._requests = 0

    def start(self, listener: socket.socket, siblings: Siblings | None = None) -> None:
        self.address = listener.getsockname()[:2]
        self._listener = listener
        self._siblings = siblings
        listener.setblocking(False)
        self._closing = socket.socketpair()
        start_thread(self._accept)
        if siblings is not None:
            start_thread(self._receive, siblings)

    def close(self) -> None:
        self.stopping = True
        self._closing[1].close()
        self._listener.close()

    def busy(self) -> bool:
        return self._requests > 0

    def end(self) -> None:
        """Nothing: what is still there ends with the process."""

    @contextmanager
    def request(self) -> Iterator[None]:
        """Held while a request is under way."""
        with self._lock:
            self._requests += 1
        try:
            yield
        finally:
            with self._lock:
                self._requests -= 1

    def send_home(self, line: bytes, rest: Any, connection: socket.socket) -> bool:
        """Hand a connection over whose next request is for another worker; whether it was one."""
        return self._siblings is not None and self._siblings.send_home(
            line, rest, connection, time.sleep
        )

    def _accept(self) -> None:
        # The listener must not block: it may be shared, so that nothing would end the wait.
        ear, _ = self._closing
        poll = select.poll()
        poll.register(self._listener, select.POLLIN)
        poll.register(ear, select.POLLIN)
        with ear:
            while not self.stopping:
                poll.poll()
                self._accept_one()

    def _accept_one(self) -> None:
        balance = self._siblings and self._siblings.balance
        if balance and (pause := balance.pause()):
            time.sleep(pause)
        try:
            start_thread(self._talk, *self._listener.accept())
            if balance:
                balance.accepted()
        except BlockingIOError:  # another process was faster
            pass
        except (OSError, RuntimeError) as error:
            if not self.stopping:
                _log.error("cannot accept a connection: %s", error)
                time.sleep(LOOK_AGAIN)  # a lack of files, or of threads, which passes

    def _receive(self, siblings: Siblings) -> None:
        """Take the connections that siblings have handed over."""
        poll = select.poll()
        poll.register(siblings, select.POLLIN)
        while True:
            poll.poll()
            with suppress(BlockingIOError):
                passed = siblings.receive()
                if passed is not None:
                    connection = _EarlySocket(fileno=passed.descriptor)
                    connection.early = passed.early
                    start_thread(self._talk, connection, passed.address)

    def _talk(self, connection: socket.socket, address: Any) -> None:
        try:
            if self._tls is not None:
                connection.settimeout(HANDSHAKE_SECONDS)
                connection = self._tls.wrap_socket(connection, server_side=True)
            Handler(connection, address, self)  # type: ignore[arg-type]  # it only keeps it
        except OSError as error:
            _log.debug("a connection broke off: %s", error)
        except Exception:
            _log.exception("a connection failed")
        finally:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_WR)
            connection.close()


class _EarlySocket(Early, socket.socket):
    """A client's connection that a sibling has begun to read."""
