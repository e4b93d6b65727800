"""`Server`: where the parts are put together."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from sionamespace.application import Application
from sionamespace.engine.server import EngineServer
from sionamespace.engine.wsgi import WSGIEngine
from sionamespace.errors import ConfigurationError
from sionamespace.options import Options
from sionamespace.rooms import RoomManager
from sionamespace.router import Router, Routes
from sionamespace.run import run_eventlet
from sionamespace.runtime.threaded import Driver, ThreadedRuntime
from sionamespace.wsgi import WSGIApplication, WSGIMiddleware

__all__ = ["Server"]

_log = logging.getLogger("sionamespace")


def _eventlet() -> Driver:
    from sionamespace.runtime.eventlet import EventletDriver

    return EventletDriver()


_DRIVERS: Mapping[str, Callable[[], Driver]] = {"eventlet": _eventlet}


class Server(Application):
    """A Socket.IO server: namespaces, an engine, and the way to a web server.

        server = Server({"/chat": Chat(), "/dashboard": Dashboard()})
        server.run("127.0.0.1", 5000)

    Args:
        routes: namespaces by their paths, as classes or instances, or a `Router`.
        rooms: who knows who is in which room; a `MemoryRoomManager` by default.
        options: see `sionamespace.Options`, which lists them with their defaults.

    Raises:
        ConfigurationError: for an option that there is not or a value that it cannot have, for a
            path that is malformed, and for a namespace that is mounted already.
    """

    def __init__(
        self,
        routes: Routes | Router | None = None,
        *,
        rooms: RoomManager | None = None,
        **options: Any,
    ) -> None:
        parsed = Options.parse(options)
        runtime = ThreadedRuntime(_driver(parsed.async_mode))
        super().__init__(routes, runtime, parsed, _check_rooms(rooms))
        self.engine = EngineServer(parsed, runtime, self.accept)
        self._engine = WSGIEngine(self.engine, runtime, parsed.max_message_bytes)
        _log.info("async_mode is %s", self.async_mode)

    def wsgi(
        self,
        app: WSGIApplication | None = None,
        path: str = "socket.io",
        static: Mapping[str, str] | None = None,
    ) -> WSGIMiddleware:
        """A WSGI application with Socket.IO at ``/<path>/`` and everything else from ``app``.

        Args:
            app: any WSGI application, such as a Flask one.
            path: where clients connect to; their default is ``socket.io``.
            static: files to serve, by URL: ``{"/": "index.html", "/static/": "static/"}``.
        """
        return WSGIMiddleware(self._engine, app, path, static)

    def run(
        self,
        host: str = "127.0.0.1",
        port: int = 5000,
        *,
        app: WSGIApplication | None = None,
        **settings: Any,
    ) -> None:
        """Serve until SIGTERM or Ctrl-C; then `shutdown` ends every connection.

        Args:
            app: what to serve: what `wsgi` returned, or an application to put behind Socket.IO.
            settings: for ``eventlet.wsgi.server``, such as ``log_output=True``.
        """
        served = app if isinstance(app, WSGIMiddleware) else self.wsgi(app)
        run_eventlet(served, host, port, self.runtime, self.shutdown, self._stopped, **settings)

    def _stopped(self) -> bool:
        return self.idle and not self.engine.sockets


def _driver(async_mode: str) -> Driver:
    make = _DRIVERS.get(async_mode)
    if make is None:
        raise ConfigurationError(
            f"async_mode={async_mode!r} is not known; there is: {', '.join(_DRIVERS)}"
        )
    return make()


def _check_rooms(rooms: RoomManager | None) -> RoomManager | None:
    if rooms is not None and not isinstance(rooms, RoomManager):
        raise ConfigurationError(
            f"rooms= takes a RoomManager, such as MemoryRoomManager(), not {rooms!r:.60}"
        )
    return rooms
