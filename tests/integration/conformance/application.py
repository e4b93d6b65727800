"""The application of the conformance tests. Its twin on the JavaScript server is js/reference.js.

    python application.py MODE OPTIONS        (JSON: the options of each server, by its path)

All servers are in one process, on one port: two servers in a process do not meet.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import urllib.parse

from sionamespace import Namespace, Refused, Server, event

_reasons: dict[str, str] = {}


class Talk(Namespace):
    """Everything that a client can ask for."""

    def on_connect(self, sid, environ, auth):
        self.session(sid)["auth"] = auth

    def on_disconnect(self, sid, reason):
        _reasons[sid] = reason

    def on_echo(self, sid, *args):
        return args

    def on_say(self, sid, event, *args):
        self.emit(event, *args, room=sid)

    def on_binary(self, sid):
        self.emit("binary", bytes([1, 2, 255]), {"deep": ["ü".encode()]}, room=sid)

    def on_many(self, sid, count):
        for number in range(count):
            self.emit("one", number, room=sid)

    def on_ask(self, sid, question, *args):
        def answered(ack):
            value = ack.result()
            values = value if isinstance(value, tuple) else (value,)
            self.emit("answered", *(() if value is None else values), room=sid)

        self.call(question, *args, room=sid).add_done_callback(answered)

    def on_leave(self, sid):
        self.disconnect(sid)

    def on_close(self, sid):
        self.disconnect(sid, close=True)

    @event("emit and leave")
    def emit_and_leave(self, sid, *args):
        self.emit("bye", *args, room=sid)
        self.disconnect(sid)

    def on_auth(self, sid):
        return (self.session(sid)["auth"],)

    @event("7")
    def seven(self, sid, value):
        return value


class Door(Namespace):
    """Lets nobody in."""

    def on_connect(self, sid):
        data = {"until": ["tomorrow"]} if self.path == "/door/data" else None
        raise Refused("not today", data)


def state(servers: dict[str, Server], query: str) -> bytes:
    """What the test may know of a connection; see its twin."""
    asked = dict(urllib.parse.parse_qsl(query))
    connection = servers[asked["server"]].engine.sockets.get(asked["connection"])
    return json.dumps(
        {
            "polling": connection is not None and connection._poll is not None,
            "posting": connection is not None and connection.posting,
            "upgrading": connection is not None and connection.upgrading,
            "left": _reasons.get(asked.get("sid", "")),
        }
    ).encode()


def main(mode: str, all_options: dict[str, dict]) -> None:
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
    routes = {"/": Talk, "/chat": Talk, "/door": Door, "/door/data": Door}
    servers = {
        path: Server(routes, async_mode=mode, **options) for path, options in all_options.items()
    }

    def wsgi(environ, start_response):
        start_response("200 OK", [("Content-Type", "application/json")])
        return [state(servers, environ["QUERY_STRING"])]

    async def asgi(scope, receive, send):
        if scope["type"] == "lifespan":
            return
        await send({"type": "http.response.start", "status": 200, "headers": []})
        body = state(servers, scope["query_string"].decode())
        await send({"type": "http.response.body", "body": body})

    app = asgi if mode == "asyncio" else wsgi
    for path, server in servers.items():
        app = server.asgi(app, path) if mode == "asyncio" else server.wsgi(app, path)
    server.run("127.0.0.1", 0, app=app)
    # The others would now wait, one after the other, for clients that are not there any more.
    logging.shutdown()
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]))
