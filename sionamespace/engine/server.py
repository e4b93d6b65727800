"""`EngineServer`: python-engineio's server, with our own sockets and WebSocket."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import engineio

from sionamespace.engine.heartbeat import Heartbeat
from sionamespace.engine.http import Fault, Request, RequestRefused, Response
from sionamespace.engine.servers import ServerSocket, find_socket
from sionamespace.engine.socket import EngineSocket, Services
from sionamespace.engine.upgrade import Upgrade
from sionamespace.engine.websocket import Handshake, WebSocketDriver
from sionamespace.errors import PacketError
from sionamespace.logs import FirstTimes
from sionamespace.options import Options
from sionamespace.ports import Receiver
from sionamespace.protocol.engineio import OPEN, Parcel, decode_payload
from sionamespace.protocol.values import dumps
from sionamespace.runtime.deadlines import Deadlines
from sionamespace.runtime.threaded import ThreadedRuntime
from sionamespace.types import Reason

__all__ = ["EngineServer"]

_log = logging.getLogger("sionamespace.engine")

_unheard = logging.getLogger("sionamespace.engine.python-engineio")
_unheard.setLevel(logging.WARNING)

_CLOSE_TIMEOUT = 30.0
"""How many seconds a closed connection may take to fetch what was left for it, as in Node."""

_SERVERS_OWN = frozenset(
    {"wsgi.input", "wsgi.errors", "wsgi.file_wrapper", "headers_raw", "gunicorn.socket"}
)
"""What of an environ belongs to the web server and would keep a request in memory."""

StartResponse = Callable[[str, list[tuple[str, str]]], object]


class EngineServer(engineio.Server):  # type: ignore[misc]
    """The engine of a server in the sync modes.

    python-engineio keeps the sessions by their ids and knows origins, cookies and compression. How
    packets travel is written anew here, since its queue, writer thread and ping thread for each
    client are what makes it slow, and its limits are per process.

    Args:
        accept: called with each new connection and its environ; what receives its messages.
    """

    def __init__(
        self,
        options: Options,
        runtime: ThreadedRuntime,
        accept: Callable[[EngineSocket, Mapping[str, Any]], Receiver],
    ) -> None:
        super().__init__(
            async_mode="threading",  # its primitives are not used, and these need nothing
            max_http_buffer_size=options.max_message_bytes,
            allow_upgrades=options.allow_upgrades,
            http_compression=options.http_compression,
            compression_threshold=options.compression_threshold,
            cookie=options.cookie,
            cors_allowed_origins=options.cors_allowed_origins,
            cors_credentials=options.cors_credentials,
            transports=list(options.transports),
            logger=_unheard,
            monitor_clients=False,
        )
        self._options = options
        self._runtime = runtime
        self._refusals = FirstTimes(_log)
        self._accept = accept
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
        )

    # Requests.

    def handle_request(
        self, environ: Mapping[str, Any], start_response: StartResponse
    ) -> Iterable[bytes]:
        """Answer a request; a WSGI application."""
        self._runtime.bind()
        request = Request.of(environ)
        try:
            answer = self._route(request)
        except RequestRefused as refused:
            self._refusals.warning(str(refused), "refusing a request: %s", refused)
            answer = Response.refusal(refused.fault)
        if not isinstance(answer, Response):
            return answer
        return self._respond(request, answer, start_response)

    def _route(self, request: Request) -> Response | Iterable[bytes]:
        self._check_origin(request)
        if request.method == "OPTIONS":
            return Response("204 No Content", "text/plain", b"")
        transport = request.query.get("transport")
        if transport not in self.transports:
            allowed = " or ".join(self.transports)
            raise RequestRefused(
                Fault.UNKNOWN_TRANSPORT, f"transport={transport!r:.40}, expected {allowed}"
            )
        if request.sid is None:
            return self._handshake(request)
        return self._existing(request, self._find(request.sid))

    def _respond(
        self, request: Request, response: Response, start_response: StartResponse
    ) -> Iterable[bytes]:
        body, encoding = self._compress(request, response.body)
        headers = [
            ("Content-Type", response.content_type),
            ("Content-Length", str(len(body))),
            ("Cache-Control", "no-store"),
            *encoding,
            *response.headers,
            *self._cors_headers(request.environ),
        ]
        start_response(response.status, headers)
        return [body]

    def _compress(self, request: Request, body: bytes) -> tuple[bytes, list[tuple[str, str]]]:
        if self.http_compression and len(body) >= self.compression_threshold:
            accepted = str(request.environ.get("HTTP_ACCEPT_ENCODING", ""))
            for name in (part.split(";")[0].strip() for part in accepted.split(",")):
                if name in self.compression_methods:
                    return getattr(self, f"_{name}")(body), [("Content-Encoding", name)]
        return body, []

    def _check_origin(self, request: Request) -> None:
        origin = request.origin
        if origin is None or self.cors_allowed_origins == []:
            return
        allowed = self._cors_allowed_origins(request.environ)
        if allowed is not None and origin not in allowed:
            raise RequestRefused(
                Fault.FORBIDDEN,
                f"a page of {origin!r:.200} may not connect (allowed: {', '.join(allowed)}); "
                f"to allow it: Server(..., cors_allowed_origins=[{origin!r:.200}])",
            )

    # New connections.

    def _handshake(self, request: Request) -> Response | Iterable[bytes]:
        if request.method != "GET":
            raise RequestRefused(
                Fault.BAD_HANDSHAKE_METHOD, f"a handshake is a GET, not {request.method}"
            )
        if request.query.get("EIO") != "4":
            raise RequestRefused(
                Fault.UNSUPPORTED_PROTOCOL,
                f"EIO={request.query.get('EIO')!r:.10}: this server speaks Engine.IO 4, which is "
                "JavaScript clients 3.x and 4.x, python-socketio 5.x",
            )
        if request.query["transport"] == "websocket":
            return self._open_websocket(request)
        socket = self._open_socket(request)
        cookie = self._cookie(socket.sid)
        return Response.payload(socket.take(), cookie)

    def _open_socket(
        self, request: Request, websocket: WebSocketDriver | None = None
    ) -> EngineSocket:
        socket = EngineSocket(self.generate_id(), self._services)
        if websocket is not None:
            socket.end_upgrade(websocket)
        self.sockets[socket.sid] = socket
        socket.send(self._open_parcel(socket))
        environ = {k: v for k, v in request.environ.items() if k not in _SERVERS_OWN}
        socket.receiver = self._accept(socket, _without_server(environ))
        self._services.heartbeat.start(socket)
        return socket

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

    def _cookie(self, sid: str) -> tuple[tuple[str, str], ...]:
        if not self.cookie:
            return ()
        attributes = self.cookie
        if isinstance(attributes, str):
            attributes = {"name": attributes, "path": "/", "HttpOnly": True, "SameSite": "Lax"}
        return (("Set-Cookie", self._generate_sid_cookie(sid, attributes)),)

    # Existing ones.

    def _find(self, sid: str) -> EngineSocket:
        socket: EngineSocket | None = self.sockets.get(sid)
        if socket is None:
            raise RequestRefused(
                Fault.UNKNOWN_SID,
                f"there is no session {sid!r:.40}: it has ended, or belongs to another process "
                "(with more than one worker, use sticky sessions)",
            )
        return socket

    def _existing(self, request: Request, socket: EngineSocket) -> Response | Iterable[bytes]:
        if request.query["transport"] == "websocket":
            return self._upgrade(request, socket)
        if socket.upgraded:
            raise RequestRefused(Fault.BAD_REQUEST, "a poll of a session that has a WebSocket")
        if request.method == "GET":
            return self._poll(socket)
        if request.method == "POST":
            return self._post(request, socket)
        raise RequestRefused(Fault.BAD_REQUEST, f"a poll is a GET or a POST, not {request.method}")

    def _poll(self, socket: EngineSocket) -> Response:
        poll = socket.start_poll()
        if poll is None:
            socket.close(Reason.TRANSPORT_ERROR)
            raise RequestRefused(Fault.BAD_REQUEST, "a client polled while its poll was waiting")
        poll.result()
        return Response.payload(socket.take())

    def _post(self, request: Request, socket: EngineSocket) -> Response:
        if socket.posting:
            socket.close(Reason.TRANSPORT_ERROR)
            raise RequestRefused(Fault.BAD_REQUEST, "a client posted while it was posting")
        socket.posting = True
        try:
            body = request.read_body(self._options.max_message_bytes)
        except EOFError as error:
            socket.close(Reason.TRANSPORT_ERROR)
            raise RequestRefused(
                Fault.BAD_REQUEST, f"a client left while it posted: {error}"
            ) from None
        finally:
            socket.posting = False
        if body is None:
            limit = self._options.max_message_bytes
            _log.warning("closing a connection: a polled payload is larger than %d bytes", limit)
            socket.close(Reason.TOO_LARGE)
            return Response("413 Payload Too Large", "text/plain", b"")
        return self._take_payload(socket, body)

    def _take_payload(self, socket: EngineSocket, body: bytes) -> Response:
        try:
            packets = decode_payload(body.decode())
        except (PacketError, UnicodeDecodeError) as error:
            socket.close(Reason.PARSE_ERROR)
            raise RequestRefused(Fault.BAD_REQUEST, f"a polled payload: {error}") from None
        for packet in packets:
            socket.receive(packet)
        return Response.ok()

    def _forget(self, socket: EngineSocket) -> None:
        self.sockets.pop(socket.sid, None)
        self._lingering.discard(socket)

    # WebSocket.

    def _open_websocket(self, request: Request) -> Response | Iterable[bytes]:
        raw, websocket = self._accept_websocket(request)
        socket = self._open_socket(request, websocket)
        websocket.on_packet = socket.receive
        websocket.on_free = socket.flush
        websocket.serve(self._runtime.watch, socket.lost)
        return raw.end_request()

    def _upgrade(self, request: Request, socket: EngineSocket) -> Response | Iterable[bytes]:
        if socket.upgraded or socket.upgrading or socket.closed:
            raise RequestRefused(Fault.BAD_REQUEST, "an upgrade of a session that is beyond it")
        raw, websocket = self._accept_websocket(request)
        upgrade = Upgrade(socket, websocket)
        self._upgrades_begun.add(upgrade)

        def ended(reason: str) -> None:
            self._upgrades_begun.discard(upgrade)
            upgrade.ended(reason)

        websocket.serve(self._runtime.watch, ended)
        return raw.end_request()

    def _accept_websocket(self, request: Request) -> tuple[ServerSocket, WebSocketDriver]:
        if not request.is_upgrade:
            raise RequestRefused(Fault.BAD_REQUEST, "transport=websocket without a WebSocket")
        handshake = Handshake(request.environ, self._options.max_message_bytes)
        if handshake.refused is not None:
            raise RequestRefused(
                Fault.BAD_REQUEST, f"a bad WebSocket request: {handshake.refused.body!r:.100}"
            )
        raw = find_socket(request.environ, self._runtime.wait_writable)
        if raw is None:
            raise RequestRefused(
                Fault.BAD_REQUEST,
                "this web server does not hand out its sockets, so there is no WebSocket; with "
                "async_mode='eventlet' use server.run() or eventlet.wsgi.server",
            )
        return raw, WebSocketDriver(raw, handshake, self._runtime.start_blocking)


def _without_server(environ: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in environ.items() if not k.startswith("eventlet.")}
