"""python-socketio, with the settings that serve it best."""

from __future__ import annotations

import resource
import socket

import eventlet
import eventlet.wsgi
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


def main() -> None:
    """Serve until terminated."""
    asked = arguments("eventlet")
    announce(**{name: version(name) for name in ("python-socketio", "python-engineio", asked.mode)})
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    server = socketio.Server(async_mode=asked.mode)
    server.register_namespace(Bench("/"))
    # What sionamespace sets by itself: a long backlog, no Nagle's algorithm, and more than the
    # 1,024 requests, each WebSocket being one, that eventlet serves at a time.
    listener = eventlet.listen(("127.0.0.1", asked.port), backlog=1024)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    app = socketio.WSGIApp(server)
    eventlet.wsgi.server(listener, app, max_size=1_000_000, log_output=False, debug=False)


if __name__ == "__main__":
    main()
