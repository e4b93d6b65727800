"""`EngineServer`: python-engineio's server, with our own sockets.

It knows nothing of the web server in front of it: `sionamespace.engine.wsgi` does the I/O.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import attrs
import engineio

from sionamespace.engine.compression import Compression
from sionamespace.engine.cookie import SessionCookie
from sionamespace.engine.drain import Drain
from sionamespace.engine.heartbeat import Heartbeat
from sionamespace.engine.http import Fault, Request, RequestRefused, Response
from sionamespace.engine.legacy import LegacySocket
from sionamespace.engine.origins import Origins
from sionamespace.engine.proxies import Proxies
from sionamespace.engine.socket import Carrier, EngineSocket, Services, WebSocket
from sionamespace.engine.upgrade import Upgrade
from sionamespace.errors import PacketError
from sionamespace.ids import Ids
from sionamespace.logs import FirstTimes
from sionamespace.options import Options
from sionamespace.ports import Receiver, Runtime
from sionamespace.protocol.engineio import OPEN, Parcel
from sionamespace.protocol.values import dumps
from sionamespace.runtime.deadlines import Deadlines
from sionamespace.runtime.pending import Pending
from sionamespace.types import Reason

__all__ = ["EngineServer", "Opening", "Poll", "Post"]

_log = logging.getLogger("sionamespace.engine")

_unheard = logging.getLogger("sionamespace.engine.python-engineio")
_unheard.setLevel(logging.WARNING)

_CLOSE_TIMEOUT = 30.0
"""How many seconds a closed connection may take to fetch what was left for it, as in Node."""

_SERVERS_OWN = frozenset({"wsgi.input", "wsgi.errors", "wsgi.file_wrapper", "headers_raw"})
_SERVERS_OWN_PREFIXES = ("eventlet.", "gunicorn.", "werkzeug.", "sionamespace.", "wsgi.early_hints")
"""What of an environ belongs to the web server and would keep a request in memory."""


@attrs.frozen
class Poll:
    """A request that is answered when something is there: wait, then `EngineServer.polled`."""

    socket: EngineSocket
    waiting: Pending[None]


@attrs.frozen
class Post:
    """A request whose body is to be read, and given to `EngineServer.posted`."""

    socket: EngineSocket


@attrs.frozen
class Opening:
    """A request for a WebSocket: give it to `EngineServer.opened`, or to `upgrading`."""

    socket: EngineSocket | None


Todo: TypeAlias = "Response | Poll | Post | Opening"


class EngineServer(engineio.Server):  # type: ignore[misc]
    """The engine of a server in the sync modes.

    python-engineio keeps the sessions by their ids. How packets travel is written anew here, since
    its queue, writer thread and ping thread for each client are what makes it slow, and its limits
    are per process.

    Args:
        accept: called with each new connection and its environ; what receives its messages.
        carries_json: whether the messages are Socket.IO's.
        ids: what makes the ids of connections; left out, one of its own.
    """

    def __init__(
        self,
        options: Options,
        runtime: Runtime,
        accept: Callable[[EngineSocket, Mapping[str, Any]], Receiver],
        carries_json: bool = True,
        ids: Ids | None = None,
    ) -> None:
        super().__init__(
            async_mode="threading",  # its primitives are not used, and these need nothing
            max_http_buffer_size=options.max_message_bytes,
            allow_upgrades=options.allow_upgrades,
            transports=list(options.transports),
            logger=_unheard,
            monitor_clients=False,
        )
        self._options = options
        self._runtime = runtime
        self._proxies = Proxies(options.trusted_proxies) if options.trusted_proxies else None
        self._origins = Origins(
            options.cors_allowed_origins, options.cors_credentials, self._proxies is not None
        )
        self._compression = Compression(options.http_compression, options.compression_threshold)
        self._cookie = SessionCookie(options.cookie) if options.cookie else None
        self._refusals = FirstTimes(_log)
        self._drain: Drain | None = None
        self._accept = accept
        self.ids = ids or Ids()
        self.generate_id = self.ids.new
        self._lingering: Deadlines[EngineSocket] = Deadlines(
            runtime, _CLOSE_TIMEOUT, EngineSocket.abort
        )
        self._upgrades_begun: Deadlines[Upgrade] = Deadlines(
            runtime, options.upgrade_timeout, Upgrade.give_up
        )
        self._services = Services(
            runtime,
            Heartbeat(runtime, options.ping_interval, options.ping_timeout),
            options.max_outbox_bytes,
            self._lingering.add,
            self._forget,
            carries_json,
        )

    # Requests.

    def request(self, environ: Mapping[str, Any]) -> Request:
        """The request of a WSGI environment, as the client made it of the proxies in between."""
        if self._proxies is not None:
            environ = self._proxies.see_through(environ)
        return Request.of(environ)

    def route(self, request: Request) -> Todo:
        """What to do about a request.

        Raises:
            RequestRefused: give it to `refusal`.
        """
        self._origins.check(request)
        if request.method == "OPTIONS":
            return Response("204 No Content", "", b"")
        if request.script is not None and not re.fullmatch("[0-9]{1,10}", request.script):
            raise RequestRefused(Fault.BAD_REQUEST, f"j={request.script!r:.40}, expected a number")
        transport = request.query.get("transport")
        if transport not in self.transports:
            allowed = " or ".join(self.transports)
            raise RequestRefused(
                Fault.UNKNOWN_TRANSPORT, f"transport={transport!r:.40}, expected {allowed}"
            )
        if request.sid is None:
            return self._handshake(request)
        return self._existing(request, self._find(request.sid))

    def refusal(self, refused: RequestRefused) -> Response:
        """The answer to a request that is refused."""
        self._refusals.warning(str(refused), "refusing a request: %s", refused)
        return Response.refusal(refused.fault)

    def finish(self, request: Request, response: Response) -> Response:
        """A response as it goes out, compressed and with all its headers."""
        if request.script is not None:
            response = response.for_script(request.script)
        response = self._compression.of(request, response)
        vary = ", ".join((*self._origins.vary(request), *response.vary))
        headers = (
            *((("Content-Type", response.content_type),) if response.content_type else ()),
            ("Content-Length", str(len(response.body))),
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
            *((("Vary", vary),) if vary else ()),
            *response.headers,
            *self._origins.headers(request, not response.is_forbidden),
        )
        return attrs.evolve(response, headers=headers)

    # New connections.

    def _handshake(self, request: Request) -> Response | Opening:
        if request.method != "GET":
            raise RequestRefused(
                Fault.BAD_HANDSHAKE_METHOD, f"a handshake is a GET, not {request.method}"
            )
        self._check_revision(request)
        if self._drain is not None:
            raise RequestRefused(Fault.SHUTTING_DOWN, "a client has come while this server ends")
        if request.query["transport"] == "websocket":
            return self._opening(request, None)
        self._check_polls(request)
        socket = self._open_socket(request)
        cookie = () if self._cookie is None else (self._cookie.header(socket.sid),)
        return Response.payload(socket.take(), cookie)

    def _check_revision(self, request: Request) -> None:
        """Raise unless the client speaks a revision of the protocol that is spoken here.

        One that names none is not taken for a client of revision 3, as the JavaScript server does.
        """
        revision = request.query.get("EIO")
        legacy = self._options.speaks_legacy
        if revision != "4" and not (legacy and revision == LegacySocket.revision):
            raise RequestRefused(
                Fault.UNSUPPORTED_PROTOCOL,
                f"EIO={revision!r:.10}: this server speaks Engine.IO 4, which is JavaScript "
                "clients 3.x and 4.x, python-socketio 5.x"
                + ("; and 3, which is clients 1.x and 2.x" if legacy else self._why_not_legacy()),
            )

    def _why_not_legacy(self) -> str:
        option = "serializer" if self._options.legacy_clients else "legacy_clients"
        return f" ({option}={getattr(self._options, option)!r})"

    def _open_socket(self, request: Request, websocket: WebSocket | None = None) -> EngineSocket:
        socket = self._make_socket(request)
        socket.expect(request)
        if websocket is not None:
            socket.end_upgrade(websocket)
        self.sockets[socket.sid] = socket
        socket.send(self._open_parcel(socket))
        environ = {k: v for k, v in request.environ.items() if k not in _SERVERS_OWN}
        socket.receiver = self._accept(socket, _without_server(environ))
        socket.start_heartbeat()
        return socket

    def _make_socket(self, request: Request) -> EngineSocket:
        if request.query["EIO"] == LegacySocket.revision:
            return LegacySocket(self.generate_id(), self._services, request.query)
        return EngineSocket(self.generate_id(), self._services)

    def _open_parcel(self, socket: EngineSocket) -> Parcel:
        return Parcel(
            OPEN
            + dumps(
                {
                    "sid": socket.sid,
                    "upgrades": self._upgrades(socket.sid, socket.transport),
                    "pingInterval": round(self._options.ping_interval * 1000),
                    "pingTimeout": round(self._options.ping_timeout * 1000),
                    "maxPayload": self._options.max_message_bytes,
                }
            )
        )

    def _upgrades(self, sid: str, transport: str) -> list[str]:
        possible = self.allow_upgrades and transport == "polling" and "websocket" in self.transports
        return ["websocket"] if possible else []

    # The end.

    def drain(self, seconds: float, then: Callable[[], object]) -> None:
        """Let nobody new in, and close all connections one after another within some seconds.

        Args:
            then: called when all are closed.
        """
        if self._drain is None:
            self._drain = Drain(self._runtime, seconds, list(self.sockets.values()), then)

    # Existing ones.

    def _find(self, sid: str) -> EngineSocket:
        socket: EngineSocket | None = self.sockets.get(sid)
        if socket is None and self._drain is not None:  # the same text for all: it is logged once
            raise RequestRefused(Fault.UNKNOWN_SID, "a session that has ended with this server")
        if socket is None:
            raise RequestRefused(
                Fault.UNKNOWN_SID,
                f"there is no session {sid!r:.40}: it has ended, or is another server's (several "
                "behind one address need sticky sessions)",
            )
        return socket

    def _existing(self, request: Request, socket: EngineSocket) -> Todo:
        if request.query.get("EIO") != socket.revision:
            raise RequestRefused(
                Fault.BAD_REQUEST,
                f"EIO={request.query.get('EIO')!r:.10} for a session of EIO={socket.revision}",
            )
        if request.query["transport"] == "websocket":
            return self._opening(request, socket)
        self._check_polls(request)
        if socket.upgraded:
            raise RequestRefused(Fault.BAD_REQUEST, "a poll of a session that has a WebSocket")
        if request.method == "GET":
            return self._poll(socket)
        if request.method == "POST":
            return self._post(request, socket)
        raise RequestRefused(Fault.BAD_REQUEST, f"a poll is a GET or a POST, not {request.method}")

    def _check_polls(self, request: Request) -> None:
        if request.is_upgrade:
            raise RequestRefused(Fault.BAD_REQUEST, "a WebSocket with transport=polling")

    def _poll(self, socket: EngineSocket) -> Poll:
        waiting = socket.start_poll()
        if waiting is None:
            socket.close(Reason.TRANSPORT_ERROR)
            raise RequestRefused(Fault.BAD_REQUEST, "a client polled while its poll was waiting")
        return Poll(socket, waiting)

    def polled(self, socket: EngineSocket) -> Response:
        """The answer to a poll that waits no more."""
        return Response.payload(socket.take())

    def _post(self, request: Request, socket: EngineSocket) -> Post:
        if socket.posting:
            socket.close(Reason.TRANSPORT_ERROR)
            raise RequestRefused(Fault.BAD_REQUEST, "a client posted while it was posting")
        socket.posting = True
        socket.content = request.content
        return Post(socket)

    def posted(self, socket: EngineSocket, body: bytes | None) -> Response:
        """The answer to a post, of which the body was read; None if it is too large."""
        socket.posting = False
        limit = self._options.max_message_bytes
        try:
            payload = None if body is None else socket.content.payload(body, limit)
            packets = [] if payload is None else socket.decode(payload)
        except PacketError as error:
            socket.close(Reason.PARSE_ERROR)
            raise RequestRefused(Fault.BAD_REQUEST, f"a polled payload: {error}") from None
        if payload is None:
            _log.warning("closing a connection: a polled payload is larger than %d bytes", limit)
            socket.close(Reason.TOO_LARGE)
            return Response("413 Payload Too Large", "", b"")
        for packet in packets:
            socket.receive(packet)
        return Response.ok()

    def broken_off(self, socket: EngineSocket, error: EOFError) -> RequestRefused:
        """A post whose client left before it had sent all of the body."""
        socket.posting = False
        socket.close(Reason.TRANSPORT_ERROR)
        return RequestRefused(Fault.BAD_REQUEST, f"a client left while it posted: {error}")

    def _forget(self, socket: EngineSocket) -> None:
        self.sockets.pop(socket.sid, None)
        self._lingering.discard(socket)

    # WebSocket.

    def _opening(self, request: Request, socket: EngineSocket | None) -> Opening:
        if not request.is_upgrade:
            raise RequestRefused(Fault.BAD_REQUEST, "transport=websocket without a WebSocket")
        if socket is not None and (socket.upgraded or socket.upgrading or socket.closed):
            raise RequestRefused(Fault.BAD_REQUEST, "an upgrade of a session that is beyond it")
        if socket is not None:
            socket.expect(request)
        return Opening(socket)

    def opened(self, request: Request, websocket: Carrier) -> Callable[[str], None]:
        """Let a WebSocket carry a new connection; what to call with the reason when it ends."""
        socket = self._open_socket(request, websocket)
        websocket.on_packet = socket.receive_frame
        websocket.on_free = socket.flush
        return socket.lost

    def upgrading(self, socket: EngineSocket, websocket: Carrier) -> Callable[[str], None]:
        """Let a WebSocket take over a connection, if the client goes on so; as `opened`."""
        upgrade = Upgrade(socket, websocket)
        self._upgrades_begun.add(upgrade)

        def ended(reason: str) -> None:
            self._upgrades_begun.discard(upgrade)
            upgrade.ended(reason)

        return ended


def _without_server(environ: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in environ.items() if not k.startswith(_SERVERS_OWN_PREFIXES)}
