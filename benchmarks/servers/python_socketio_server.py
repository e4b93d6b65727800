"""python-socketio, with the settings that serve it best.

Its default is a task, green thread or thread for each event. With ``--ordered`` it has none, which
is faster, but then a handler cannot wait for an answer of its client.
"""

from __future__ import annotations

import sys

if "gevent" in sys.argv:  # before all else; python-engineio's gevent needs it
    from gevent import monkey

    monkey.patch_all()
elif "eventlet" in sys.argv and "--redis" in sys.argv:  # so does its Redis client
    import eventlet

    eventlet.monkey_patch()

import socket
from collections import Counter
from typing import Any

import socketio
from common import UVICORN, announce, arguments, raise_file_limit, version

left: Counter[str] = Counter()


class Bench(socketio.Namespace):  # type: ignore[misc]
    """The events of the benchmark."""

    def on_echo(self, sid: str, value: object) -> object:
        return value

    def on_join(self, sid: str) -> None:
        self.enter_room(sid, "everybody")

    def on_fan(self, sid: str, first: int, count: int, size: int) -> None:
        text = "x" * size
        for number in range(first, first + count):
            self.emit("fan", (number, text), room="everybody")

    def on_flood(self, sid: str, text: str) -> None:
        pass

    def on_reasons(self, sid: str) -> dict[str, int]:
        return dict(left)

    def on_disconnect(self, sid: str, reason: str) -> None:
        left[reason] += 1


class AsyncBench(socketio.AsyncNamespace):  # type: ignore[misc]
    """The same for asyncio."""

    async def on_echo(self, sid: str, value: object) -> object:
        return value

    async def on_join(self, sid: str) -> None:
        await self.enter_room(sid, "everybody")

    async def on_fan(self, sid: str, first: int, count: int, size: int) -> None:
        text = "x" * size
        for number in range(first, first + count):
            await self.emit("fan", (number, text), room="everybody")

    async def on_flood(self, sid: str, text: str) -> None:
        pass

    async def on_reasons(self, sid: str) -> dict[str, int]:
        return dict(left)

    async def on_disconnect(self, sid: str, reason: str) -> None:
        left[reason] += 1


def _serve_eventlet(port: int, options: dict[str, Any]) -> None:
    import eventlet
    import eventlet.wsgi

    # What sionamespace sets by itself: a long backlog, no Nagle's algorithm, and more than the
    # 1,024 requests, each WebSocket being one, that eventlet serves at a time.
    listener = eventlet.listen(("127.0.0.1", port), backlog=1024)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    app = _application("eventlet", options)
    eventlet.wsgi.server(listener, app, max_size=1_000_000, log_output=False, debug=False)


def _serve_gevent(port: int, options: dict[str, Any]) -> None:
    from gevent import pywsgi

    # With simple-websocket, as gevent-websocket has not been maintained since 2017.
    app = _application("gevent", options)
    pywsgi.WSGIServer(("127.0.0.1", port), app, backlog=1024, log=None).serve_forever()


def _serve_threads(port: int, options: dict[str, Any]) -> None:
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Quiet(WSGIRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def log_request(self, *args: Any, **more: Any) -> None:
            pass

    app = _application("threading", options)
    make_server("127.0.0.1", port, app, threaded=True, request_handler=Quiet).serve_forever()


def _serve_asyncio(port: int, options: dict[str, Any]) -> None:
    import uvicorn

    server = socketio.AsyncServer(async_mode="asgi", **options)
    server.register_namespace(AsyncBench("/"))
    uvicorn.run(socketio.ASGIApp(server), host="127.0.0.1", port=port, **UVICORN)


def _application(mode: str, options: dict[str, Any]) -> Any:
    server = socketio.Server(async_mode=mode, **options)
    server.register_namespace(Bench("/"))
    return socketio.WSGIApp(server)


_SERVE = {
    "eventlet": (_serve_eventlet, ("eventlet",)),
    "gevent": (_serve_gevent, ("gevent", "simple-websocket")),
    "threads": (_serve_threads, ("Werkzeug", "simple-websocket")),
    "asyncio": (_serve_asyncio, ("uvicorn", "uvloop")),
}


def main() -> None:
    """Serve until terminated."""
    asked = arguments(*_SERVE, flags=("--ordered",))
    serve, distributions = _SERVE[asked.mode]
    used = ("python-socketio", "python-engineio", *distributions)
    announce(**{name: version(name) for name in used})
    raise_file_limit()
    options: dict[str, Any] = {"async_handlers": False} if asked.ordered else {}
    if asked.redis:
        manager = socketio.AsyncRedisManager if asked.mode == "asyncio" else socketio.RedisManager
        options["client_manager"] = manager(asked.redis)
    serve(asked.port, options)


if __name__ == "__main__":
    main()
