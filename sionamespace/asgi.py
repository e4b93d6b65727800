"""The ASGI middleware: Socket.IO at its path, and the application behind."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

from sionamespace.errors import ConfigurationError
from sionamespace.handlers.signature import takes

__all__ = ["ASGIApplication", "ASGIMiddleware"]

Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
ASGIApplication: TypeAlias = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

_log = logging.getLogger("sionamespace.run")

_STARTUP, _SHUTDOWN = "lifespan.startup", "lifespan.shutdown"
_FAILED = "lifespan.startup.failed"


class ASGIMiddleware:
    """An ASGI application that answers Socket.IO's requests and passes the others on.

    Args:
        engine: answers the requests below ``path``.
        app: answers the rest, and has the lifespan; without one, the rest is 404.
        path: where Socket.IO's clients connect to; their default is ``socket.io``.
        startup: awaited when the web server starts.
        shutdown: awaited when it stops.

    Raises:
        ConfigurationError: for an application that is none of ASGI.
    """

    def __init__(
        self,
        engine: ASGIApplication,
        app: ASGIApplication | None,
        path: str,
        startup: Callable[[], Awaitable[object]],
        shutdown: Callable[[], Awaitable[object]],
    ) -> None:
        if app is not None and not takes(app, 3):
            raise ConfigurationError(
                f"{app!r:.80} is no ASGI application, such as FastAPI's; one of WSGI, such as "
                "Flask's, stands beside a Server of another async_mode than 'asyncio'"
            )
        self._engine = engine
        self._app = app
        self._path = "/" + path.strip("/") + "/"
        self._startup = startup
        self._shutdown = shutdown

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
        elif self._is_ours(scope):
            await self._engine(scope, receive, send)
        elif self._app is not None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})
        else:
            headers = [(b"content-type", b"text/plain"), (b"content-length", b"9")]
            await send({"type": "http.response.start", "status": 404, "headers": headers})
            await send({"type": "http.response.body", "body": b"Not Found"})

    def _is_ours(self, scope: MutableMapping[str, Any]) -> bool:
        # Servers and frameworks differ in whether the path has the root path in front.
        url: str = scope["path"].removeprefix(scope.get("root_path", ""))
        return url.startswith(self._path) or url == self._path[:-1]

    async def _live(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """The lifespan is the application's; its begin and its end are also ours."""
        await self._startup()
        lifespan = _Lifespan(receive, send, self._shutdown)
        if self._app is not None:
            await lifespan.lend(self._app, scope)
        await lifespan.finish()


class _Lifespan:
    """A lifespan (ASGI specification, 3.0), and how far it has come.

    Args:
        shutdown: awaited before it ends.
    """

    def __init__(
        self, receive: Receive, send: Send, shutdown: Callable[[], Awaitable[object]]
    ) -> None:
        self._receive = receive
        self._send = send
        self._shutdown = shutdown
        self._heard: list[str] = []
        self._said: list[str] = []

    async def lend(self, app: ASGIApplication, scope: MutableMapping[str, Any]) -> None:
        """Let an application have it, which may know of none, or leave early."""
        try:
            await app(scope, self._hear, self._say)
        except Exception as error:
            if _SHUTDOWN in self._heard or _FAILED in self._said:
                raise
            if self._heard:
                _log.error("the application's lifespan failed; it is served on", exc_info=error)
            else:
                _log.debug("the application has no lifespan: %r", error)

    async def finish(self) -> None:
        """Live the rest of it, of whose end the web server would not tell if we left too."""
        for kind in (_STARTUP, _SHUTDOWN):
            if _FAILED in self._said:
                return
            if kind not in self._heard:
                await self._hear()
            if not any(said.startswith(kind) for said in self._said):
                await self._say({"type": f"{kind}.complete"})

    async def _hear(self) -> Message:
        message = await self._receive()
        self._heard.append(message["type"])
        if message["type"] == _SHUTDOWN:
            await self._shutdown()
        return message

    async def _say(self, message: Message) -> None:
        if message["type"] == _FAILED:
            await self._shutdown()
        await self._send(message)
        self._said.append(message["type"])
