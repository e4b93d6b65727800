"""python-socketio, with the settings that serve it best."""

from __future__ import annotations

import sys

if "gevent" in sys.argv:  # before all else; python-engineio's gevent needs it
    from gevent import monkey

    monkey.patch_all()

import resource
import socket
from typing import Any

import socketio
from common import announce, arguments, version


class Bench(socketio.Namespace):  # type: ignore[misc]
    """The events of the benchmark."""

    def on_echo(self, sid: str, value: str) -> str:
        return value

    def on_join(self, sid: str) -> None:
        self.enter_room(sid, "everybody")

    def on_fan(self, sid: str, first: int, count: int, size: int) -> None:
        text = "x" * size
        for number in range(first, first + count):
            self.emit("fan", (number, text), room="everybody")


def _serve_eventlet(app: Any, port: int) -> None:
    import eventlet
    import eventlet.wsgi

    # What sionamespace sets by itself: a long backlog, no Nagle's algorithm, and more than the
    # 1,024 requests, each WebSocket being one, that eventlet serves at a time.
    listener = eventlet.listen(("127.0.0.1", port), backlog=1024)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    eventlet.wsgi.server(listener, app, max_size=1_000_000, log_output=False, debug=False)


def _serve_gevent(app: Any, port: int) -> None:
    from gevent import pywsgi

    # With simple-websocket, as gevent-websocket has not been maintained since 2017.
    pywsgi.WSGIServer(("127.0.0.1", port), app, backlog=1024, log=None).serve_forever()


def _serve_threads(app: Any, port: int) -> None:
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Quiet(WSGIRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def log_request(self, *args: Any, **more: Any) -> None:
            pass

    make_server("127.0.0.1", port, app, threaded=True, request_handler=Quiet).serve_forever()


_SERVE = {"eventlet": _serve_eventlet, "gevent": _serve_gevent, "threads": _serve_threads}


def main() -> None:
    """Serve until terminated."""
    asked = arguments(*_SERVE)
    announce(**{name: version(name) for name in ("python-socketio", "python-engineio", asked.mode)})
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    mode = "threading" if asked.mode == "threads" else asked.mode
    server = socketio.Server(async_mode=mode)
    server.register_namespace(Bench("/"))
    _SERVE[asked.mode](socketio.WSGIApp(server), asked.port)


if __name__ == "__main__":
    main()
