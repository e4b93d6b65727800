"""`ASGIEngine`: an `EngineServer` behind an ASGI web server."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Mapping, MutableMapping
from contextlib import suppress
from contextvars import copy_context
from typing import Any, TypeAlias

from sionamespace.engine.http import Request, RequestRefused, Response
from sionamespace.engine.server import EngineServer, Opening, Poll, Post, Todo
from sionamespace.engine.socket import EngineSocket
from sionamespace.engine.transport import HAND_OVER, HandOver
from sionamespace.protocol.engineio import Parcel
from sionamespace.runtime.aio import AsyncioRuntime
from sionamespace.runtime.steps import resumed
from sionamespace.types import Reason

__all__ = ["ASGIEngine", "Receive", "Scope", "Send"]

_log = logging.getLogger("sionamespace.engine")

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]

_REASONS: Mapping[Any, str] = {
    1002: Reason.TRANSPORT_ERROR,
    1003: Reason.TRANSPORT_ERROR,
    1007: Reason.TRANSPORT_ERROR,
    1009: Reason.TOO_LARGE,
    1012: Reason.SHUTDOWN,
}
"""What web servers mean by close codes that are their own (RFC 6455, section 7.4)."""


_FAREWELL_SECONDS = 1.0
"""How long a web server may take to send the goodbye of a connection that is given up."""


class ASGIEngine:
    """An ASGI application that answers Engine.IO's requests (ASGI specification, 3.0).

    Args:
        max_bytes: the size of a request's body and of a WebSocket's message.
    """

    def __init__(self, server: EngineServer, runtime: AsyncioRuntime, max_bytes: int) -> None:
        self._server = server
        self._runtime = runtime
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._runtime.bind()
        request = self._server.request(environ_of(scope))
        try:
            todo = self._server.route(request)
            if isinstance(todo, Opening):
                await self._open(scope, request, todo.socket, receive, send)
                return
            answer = await self._do(todo, receive)
        except RequestRefused as refused:
            answer = self._server.refusal(refused)
        if answer is not None:
            await _respond(scope, send, self._server.finish(request, answer))

    async def _do(self, todo: Todo, receive: Receive) -> Response | None:
        """The answer to a request that is no WebSocket; None if its client has left."""
        if isinstance(todo, Poll):
            return await self._poll(todo, receive)
        if isinstance(todo, Post):
            return await self._post(todo.socket, receive)
        assert isinstance(todo, Response)
        return todo

    async def _poll(self, poll: Poll, receive: Receive) -> Response | None:
        if not poll.waiting.done():
            waiting = asyncio.ensure_future(_until_known(poll))
            leaving = asyncio.ensure_future(_until_gone(receive))
            is_known = False
            try:
                await asyncio.wait({waiting, leaving}, return_when=asyncio.FIRST_COMPLETED)
                is_known = poll.waiting.done()
            finally:  # a web server or middleware may cancel it
                for task in (waiting, leaving):
                    task.cancel()
                if not is_known:
                    poll.socket.close(Reason.TRANSPORT_CLOSE)
                    poll.socket.abort()
            if not is_known:
                return None
        return self._server.polled(poll.socket)

    async def _post(self, socket: EngineSocket, receive: Receive) -> Response:
        try:
            body = await _read_body(receive, socket.content.most_bytes(self._max_bytes))
        except EOFError as error:
            raise self._server.broken_off(socket, error) from None
        except BaseException:
            socket.posting = False
            raise
        return self._server.posted(socket, body)

    async def _open(
        self,
        scope: Scope,
        request: Request,
        socket: EngineSocket | None,
        receive: Receive,
        send: Send,
    ) -> None:
        message = await receive()
        if message["type"] != "websocket.connect":
            return
        await send({"type": "websocket.accept"})
        hand_over: HandOver = scope.get("extensions", {}).get(HAND_OVER, _no_hand_over)
        at_end = self._runtime.at_end
        websocket = hand_over(self._max_bytes, at_end) or ASGIWebSocket(send, self._max_bytes)
        if socket is None:
            ended = self._server.opened(request, websocket)
        else:
            ended = self._server.upgrading(socket, websocket)
        reason: str = Reason.TRANSPORT_ERROR
        try:
            reason = await websocket.read(receive)
        finally:  # a web server or middleware may cancel it
            ended(reason)


class ASGIWebSocket:
    """A WebSocket of an ASGI server. It implements `sionamespace.engine.socket.Carrier`."""

    def __init__(self, send: Send, max_bytes: int) -> None:
        self.busy = False
        self.on_packet: Callable[[str | bytes], object] = _ignore
        self.on_free: Callable[[], object] = _nothing
        self._send = send
        self._max_bytes = max_bytes
        self._messages: deque[Message] = deque()
        self._writer: asyncio.Task[None] | None = None
        self._reader: asyncio.Task[Any] | None = None
        self._aborted = False
        self._closing = False

    # Out.

    def write(self, *parcels: Parcel) -> None:
        """Send packets, in a task that lives as long as there are any."""
        if not self._closing:
            for parcel in parcels:
                self._messages.extend(map(_message, parcel.packets))
            self._start()

    def close(self, code: int = 1000) -> None:
        """Say goodbye, after what was written."""
        if not self._closing:
            self._closing = True
            self._messages.append({"type": "websocket.close", "code": code})
            self._start()

    def abort(self) -> None:
        """End it at once."""
        self._closing = True
        self._messages.clear()
        if not self._aborted and self._reader is not None:
            self._reader.cancel()
        self._aborted = True

    def _start(self) -> None:
        if self.busy:
            return
        self.busy = True
        writing = self._write_all()
        # Most often no message has to wait, and a task would cost more than the writing itself.
        try:
            waits_for = writing.send(None)
        except StopIteration:
            return
        self._writer = asyncio.create_task(_resumed(writing, waits_for))

    async def _write_all(self) -> None:
        try:
            while self._messages:
                await self._send(self._messages.popleft())
        except Exception as error:  # each server has its own for a client that is gone
            _log.debug("a WebSocket cannot be written: %r", error)
            self.abort()
        self.busy = False
        self.on_free()

    # In.

    async def read(self, receive: Receive) -> str:
        """Read until the end; why it ended. Each packet goes to ``on_packet``."""
        self._reader = asyncio.current_task()
        try:
            while True:
                reason = self._take(await receive())
                if reason is not None:
                    return reason
        except asyncio.CancelledError:
            if not self._aborted:
                raise
            await self._leave()
            return Reason.TRANSPORT_CLOSE

    def _take(self, message: Message) -> str | None:
        if message["type"] == "websocket.disconnect":
            self._closing = True
            return _REASONS.get(message.get("code"), Reason.TRANSPORT_CLOSE)
        packet = message.get("text")
        if packet is None:
            packet = message.get("bytes") or b""
        if len(packet) > self._max_bytes:
            _log.warning("closing a WebSocket: a message is larger than %d bytes", self._max_bytes)
            self.close(1009)
            return Reason.TOO_LARGE
        self.on_packet(packet)
        return None

    async def _leave(self) -> None:
        if self._writer is not None:
            self._writer.cancel()
        goodbye = self._send({"type": "websocket.close", "code": 1011})
        with suppress(Exception):  # a client that does not read may not let it pass
            await asyncio.wait_for(goodbye, _FAREWELL_SECONDS)


def environ_of(scope: Scope) -> dict[str, Any]:
    """The WSGI environment that stands for an ASGI scope; the scope itself is ``asgi.scope``."""
    server, client = scope.get("server") or ("", None), scope.get("client") or ("", "")
    root = scope.get("root_path", "")
    environ = {
        "REQUEST_METHOD": scope.get("method", "GET"),
        "SCRIPT_NAME": root,
        "PATH_INFO": scope["path"].removeprefix(root),
        "QUERY_STRING": scope.get("query_string", b"").decode("latin-1"),
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1] or ""),
        "SERVER_PROTOCOL": "HTTP/" + scope.get("http_version", "1.1"),
        "REMOTE_ADDR": client[0],
        "REMOTE_PORT": str(client[1]),
        "wsgi.url_scheme": "https" if scope.get("scheme") in ("https", "wss") else "http",
        "asgi.scope": scope,
    }
    for raw_name, raw_value in scope["headers"]:
        _add_header(environ, raw_name.decode("latin-1"), raw_value.decode("latin-1"))
    if scope["type"] == "websocket":
        environ["HTTP_UPGRADE"] = "websocket"
    return environ


def _add_header(environ: dict[str, Any], name: str, value: str) -> None:
    if "_" in name:  # it would pass for one with a hyphen, which a proxy had set
        return
    key = name.upper().replace("-", "_")
    if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        key = "HTTP_" + key
    environ[key] = f"{environ[key]},{value}" if key in environ else value


async def _resumed(coroutine: Coroutine[Any, Any, None], waits_for: Any) -> None:
    await resumed(coroutine, waits_for, copy_context())


async def _respond(scope: Scope, send: Send, response: Response) -> None:
    prefix = "http.response"
    if scope["type"] == "websocket":
        if "websocket.http.response" not in scope.get("extensions", {}):
            await send({"type": "websocket.close", "code": 1008})
            return
        prefix = "websocket.http.response"
    headers = [(n.lower().encode("latin-1"), v.encode("latin-1")) for n, v in response.headers]
    status = int(response.status.split(" ", 1)[0])
    await send({"type": f"{prefix}.start", "status": status, "headers": headers})
    await send({"type": f"{prefix}.body", "body": response.body})


async def _read_body(receive: Receive, limit: int) -> bytes | None:
    """The body; None if it is larger than ``limit`` bytes. Raises EOFError if it ends early."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise EOFError(f"after {len(body)} bytes")
        body += message.get("body", b"")
        if len(body) > limit:
            return None
        if not message.get("more_body", False):
            return bytes(body)


async def _until_known(poll: Poll) -> None:
    await poll.waiting


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _message(packet: str | bytes) -> Message:
    kind = "text" if isinstance(packet, str) else "bytes"
    return {"type": "websocket.send", kind: packet}


def _no_hand_over(max_bytes: int, at_end: object) -> None:
    """What most web servers have."""


def _ignore(packet: str | bytes) -> None:
    pass


def _nothing() -> None:
    pass
