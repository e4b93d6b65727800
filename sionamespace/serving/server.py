"""`HTTPServer`: the web server of `Server.run` on eventlet, gevent and threads.

It has no green sockets and no threads of its own: it lives on what the runtime watches and starts.
A WSGI application cannot tell it from others, and the engine takes over its connections as they
are, which is most of what it costs to let a client in.
"""

from __future__ import annotations

import _socket
import logging
import socket
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from sionamespace.engine.servers import plain_socket
from sionamespace.engine.stream import Stream, TLSStream
from sionamespace.errors import ConfigurationError
from sionamespace.logs import NowAndThen
from sionamespace.runtime.deadlines import Deadlines
from sionamespace.runtime.faults import guarded
from sionamespace.runtime.sockets import OVER, WAITING
from sionamespace.runtime.threaded import ThreadedRuntime
from sionamespace.serving.connection import Connection
from sionamespace.serving.response import Clock
from sionamespace.serving.tls import HANDSHAKE_SECONDS, Certificate
from sionamespace.workers.siblings import Siblings

__all__ = ["HTTPServer"]

_log = logging.getLogger("sionamespace.run")

_PATIENCE = 65.0
"""How many seconds a client is waited for."""

_AT_ONCE = 16
"""How many clients are accepted before others have their turn."""

_LOOK_AGAIN = 0.01
"""After how many seconds it is tried again to accept somebody, when that failed."""


class HTTPServer:
    """Implements `sionamespace.serving.lifetime.WebServer`.

    Args:
        app: the WSGI application.
        certificate: for ``https``.

    Raises:
        ConfigurationError: for any setting.
    """

    def __init__(
        self,
        app: Callable[..., Iterable[bytes]],
        runtime: ThreadedRuntime,
        certificate: Certificate | None = None,
        **settings: Any,
    ) -> None:
        if settings:
            raise ConfigurationError(
                f"the web server of async_mode={runtime.name!r} has no setting "
                f"{next(iter(settings))!r}; to have another one serve, give it server.wsgi()"
            )
        self.name = runtime.name
        self.scheme = "https" if certificate else "http"
        self.app = app
        self.runtime = runtime
        self.siblings: Siblings | None = None
        self.stopping = False
        self.environ: dict[str, Any] = {}
        self.clock = Clock()
        self.under_way: set[Connection] = set()
        self.patience: Deadlines[Connection] = Deadlines(runtime, _PATIENCE, Connection.give_up)
        self.brief_patience: Deadlines[Connection] = Deadlines(
            runtime, HANDSHAKE_SECONDS, Connection.give_up
        )
        self._complaints = NowAndThen()
        self._stream: Callable[[Any, Any], Stream] = Stream
        if certificate is not None:
            self._stream = partial(TLSStream, context=certificate.context())

    def start(self, listener: socket.socket, siblings: Siblings | None = None) -> None:
        self.siblings = siblings
        self._listener = plain_socket(listener)
        self._listener.setblocking(False)
        host, port = self._listener.getsockname()[:2]
        self.environ.update(_environ(self.scheme, host, port))
        self._listen()
        if siblings is not None:
            self.runtime.watch(siblings, self._receive, _nothing)

    def close(self) -> None:
        if not self.stopping:
            self.stopping = True
            with self.runtime.engine:
                self.runtime.unwatch(self._listener)
            self._listener.close()

    def busy(self) -> bool:
        return bool(self.under_way)

    def end(self) -> None:
        """Nothing: what is still there ends with the process."""

    # Clients come, on the engine's thread.

    def _listen(self) -> None:
        if not self.stopping:
            self.runtime.watch(self._listener, self._accept, _nothing)

    def _accept(self) -> int:
        balance = self.siblings and self.siblings.balance
        for _ in range(_AT_ONCE):
            if balance and (pause := balance.pause()):
                return self._listen_later(pause)
            try:
                descriptor, address = self._listener._accept()
            except BlockingIOError:
                break
            except OSError as error:
                if self._complaints.is_time("accept"):
                    _log.error("cannot accept a connection: %s; trying again", error)
                return self._listen_later(_LOOK_AGAIN)  # it is most often a lack of files
            if balance:
                balance.accepted()
            self._talk(descriptor, address)
        return WAITING

    def _listen_later(self, seconds: float) -> int:
        self.runtime.later(seconds, self._listen)
        return OVER

    def _receive(self) -> int:
        """Take the connections that siblings have handed over."""
        assert self.siblings is not None
        try:
            for _ in range(_AT_ONCE):
                passed = self.siblings.receive()
                if passed is not None:
                    self._talk(*passed)
        except BlockingIOError:
            pass
        return WAITING

    def _talk(self, descriptor: int, address: Any, early: bytes = b"") -> None:
        # Whatever it brings, it must not keep the others from being accepted.
        guarded("talking to a client", self._begin, descriptor, address, early)

    def _begin(self, descriptor: int, address: Any, early: bytes) -> None:
        sock = _socket.socket(self._listener.family, self._listener.type, 0, descriptor)
        sock.setblocking(False)
        stream = self._stream(sock, self.runtime.wait_writable)
        Connection(self, stream, address, early).begin()


def _environ(scheme: str, host: str, port: int) -> dict[str, Any]:
    """What all requests' WSGI environments have in common (PEP 3333)."""
    return {
        "SCRIPT_NAME": "",
        "SERVER_NAME": host,
        "SERVER_PORT": str(port),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scheme,
        "wsgi.input_terminated": True,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        **({"HTTPS": "on"} if scheme == "https" else {}),
    }


def _nothing() -> None:
    pass
