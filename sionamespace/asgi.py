"""The ASGI middleware: Socket.IO at its path, and the application behind."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

from sionamespace.errors import ConfigurationError
from sionamespace.handlers.signature import takes

__all__ = ["ASGIApplication", "ASGIMiddleware"]

Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
ASGIApplication: TypeAlias = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]


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

        async def overheard() -> Message:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                await self._shutdown()
            return message

        if self._app is not None:
            await self._app(scope, overheard, send)
            return
        while True:
            message = await overheard()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return
