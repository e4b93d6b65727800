"""`Engine`: a server of Engine.IO alone, with messages and nothing above them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from sionamespace.engine.hosted import Hosted, parse_options
from sionamespace.engine.socket import EngineSocket
from sionamespace.errors import ConfigurationError, UsageError
from sionamespace.protocol.engineio import Parcel
from sionamespace.runtime.line import Job, Line
from sionamespace.runtime.portal import is_async
from sionamespace.types import Reason

__all__ = ["Connection", "Engine"]

_log = logging.getLogger("sionamespace.engine")

_NOT_HERE = frozenset({"connect_timeout", "max_attachments", "max_namespaces", "serializer"})
"""The options that are about Socket.IO's packets."""

_MESSAGE_BYTES = 500
"""What a message costs in memory while it waits for its handler, beside its own size."""

Handler = Callable[..., Any]


class Engine(Hosted):
    """A server whose clients send and receive messages: texts and bytes.

        def echo(connection, message):
            connection.send(message)

        Engine(echo).run("127.0.0.1", 5000)

    Its clients are those of Engine.IO, such as the npm package ``engine.io-client`` (3.x to 6.x).
    The functions are ``def`` or ``async def`` and run as handlers do: those of one connection one
    at a time, in order. What they raise is logged, and the connection goes on.

    Args:
        on_message: called with a connection and what it has sent, a ``str`` or ``bytes``.
        on_connect: called with a connection that has come; its messages wait until it returns.
        on_close: called with a connection that has ended and the reason, after its last message.
        options: those of `sionamespace.Options` that are not about Socket.IO's packets.

    Raises:
        ConfigurationError: for an option that there is not or a value that it cannot have.
    """

    default_path = "engine.io"

    def __init__(
        self,
        on_message: Handler | None = None,
        *,
        on_connect: Handler | None = None,
        on_close: Handler | None = None,
        **options: Any,
    ) -> None:
        for name in _NOT_HERE & options.keys():
            raise ConfigurationError(f"Engine has no option {name!r}, which is of Socket.IO")
        self.options, self.runtime = parse_options(options)
        self.async_mode = self.runtime.name
        self._handlers = {"message": on_message, "connect": on_connect, "close": on_close}
        self._connections: dict[str, Connection] = {}
        self._host(self._accept, carries_json=False)

    @property
    def idle(self) -> bool:
        """Whether there is no connection, and ``on_close`` has run for those that were."""
        return not self._connections

    def send_away(self) -> None:
        """End every connection, with the reason ``server shutting down``."""
        if not self.runtime.here():
            self.runtime.post(self.send_away)
            return
        for connection in list(self._connections.values()):
            connection.end(Reason.SHUTDOWN)

    def call(
        self, put: Callable[[Job], None], name: str, then: Callable[[], object], *args: Any
    ) -> None:
        """Have a handler called when its turn comes, and then a function on the engine's thread."""
        handler = self._handlers[name]

        async def job() -> None:
            try:
                if handler is not None:
                    await self.runtime.call(handler, is_async(handler), False, *args)
            except Exception:
                _log.exception("on_%s failed for %r", name, args[0])
            finally:
                self.runtime.on_engine(then)

        put(job)

    def forget(self, connection: Connection) -> None:
        """Nothing more will happen to a connection."""
        self._connections.pop(connection.sid, None)

    def _accept(self, socket: EngineSocket, environ: Mapping[str, Any]) -> Connection:
        connection = self._connections[socket.sid] = Connection(self, socket, environ)
        connection.begin()
        return connection


class Connection:
    """One client. What it does may be called from any thread, and never blocks."""

    def __init__(self, engine: Engine, socket: EngineSocket, environ: Mapping[str, Any]) -> None:
        self.environ = environ
        """The WSGI environment of its handshake request."""
        self.data: dict[str, Any] = {}
        """For the application's own use."""
        self._line = Line(engine.runtime)
        self._engine = engine
        self._socket = socket
        self._inbox_bytes = 0

    def __repr__(self) -> str:
        return f"<Connection {self.sid} ({self.transport})>"

    @property
    def sid(self) -> str:
        """Its id, which the client knows too."""
        return self._socket.sid

    @property
    def transport(self) -> str:
        """``polling`` or ``websocket``."""
        return self._socket.transport

    def send(self, message: str | bytes) -> None:
        """Send a message. It does nothing once the connection has ended.

        Raises:
            UsageError: if the message is neither a text nor bytes.
        """
        if not isinstance(message, (str, bytes)):
            raise UsageError(f"a message is a str or bytes, not {type(message).__name__}")
        self._engine.runtime.on_engine(self._socket.send, Parcel.of_message(message))

    def close(self) -> None:
        """End it, after what is waiting was sent."""
        self._engine.runtime.on_engine(self.end, Reason.SERVER)

    # What the engine calls, on its own thread: it is a `sionamespace.ports.Receiver`.

    def begin(self) -> None:
        """It has come."""
        self._engine.call(self._line.put, "connect", _nothing, self)

    def end(self, reason: str) -> None:
        """End it for a reason."""
        self._socket.close(reason)

    def receive(self, message: str | bytes) -> None:
        """One message has come."""
        cost = len(message) + _MESSAGE_BYTES
        self._inbox_bytes += cost
        if self._inbox_bytes > self._engine.options.max_inbox_bytes:
            _log.warning("closing a connection (%s) that floods its handler", self.sid)
            self.end(Reason.FLOODING)
            return
        then = partial(self._leave_inbox, cost)
        self._engine.call(self._line.put, "message", then, self, message)

    def closed(self, reason: str) -> None:
        """It has ended."""
        then = partial(self._engine.forget, self)
        self._engine.call(self._line.put_last, "close", then, self, reason)

    def _leave_inbox(self, cost: int) -> None:
        self._inbox_bytes -= cost


def _nothing() -> None:
    pass
