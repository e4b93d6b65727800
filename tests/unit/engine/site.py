"""A server in process, without a web server, and what clients ask of it."""

from __future__ import annotations

import contextlib
import functools
import io
import json
import socket

from websockets.frames import Opcode
from websockets.protocol import Protocol, Side, State

from sionamespace.engine.server import EngineServer
from sionamespace.engine.wsgi import WSGIEngine
from sionamespace.options import Options
from sionamespace.protocol.engineio import Parcel, decode_payload
from tests.unit.engine.front import PATIENCE

WEBSOCKET = {
    "HTTP_UPGRADE": "websocket",
    "HTTP_CONNECTION": "Upgrade",
    "HTTP_SEC_WEBSOCKET_KEY": "dGhlIHNhbXBsZSBub25jZQ==",
    "HTTP_SEC_WEBSOCKET_VERSION": "13",
}


class Receiver:
    """What is above the engine: it writes down what comes, and echoes on request."""

    def __init__(self, link, environ):
        self.link = link
        self.environ = environ
        self.messages = []
        self.reasons = []

    def receive(self, message):
        self.messages.append(message)
        if isinstance(message, str) and message.startswith("echo"):
            self.link.send(Parcel("4" + message))

    def closed(self, reason):
        self.reasons.append(reason)


class Link:
    """The engine's end of a connection, as the test may touch it: while it holds the engine."""

    def __init__(self, link, engine):
        self._link = link
        self._engine = engine

    def __getattr__(self, name):
        value = getattr(self._link, name)
        return functools.partial(self._call, value) if callable(value) else value

    def _call(self, method, *args):
        with self._engine:
            return method(*args)


class Reply:
    def __init__(self, status, headers, body):
        self.status = int(status.split()[0])
        self.headers = dict(headers)
        self.body = body

    @property
    def packets(self):
        assert self.status == 200
        return decode_payload(self.body.decode())

    @property
    def fault(self):
        assert self.headers["Content-Type"] == "application/json"
        return self.status, json.loads(self.body)


class Site:
    """A server in process, and the requests that clients make of it."""

    def __init__(self, front, **options):
        self.receivers = {}
        self._clients = []
        self.front = front
        self.until = front.until
        runtime, parsed = front.runtime, Options.parse(options)
        self._holding = runtime.engine
        self.server = EngineServer(parsed, runtime, self._accept)
        self._engine = WSGIEngine(self.server, runtime, parsed.max_message_bytes)

    def _accept(self, link, environ):
        receiver = self.receivers[link.sid] = Receiver(Link(link, self._holding), environ)
        return receiver

    def request(self, method, query, body=b"", **environ):
        """The reply; None if the request ended without one."""
        return self.front.start(self.serve, method, query, body, **environ).wait()

    def serve(self, method, query, body=b"", **environ):
        """What the web server does for a request, on the thread that calls."""
        answer = []
        body = body.encode() if isinstance(body, str) else body
        chunks = self._engine(
            {
                "REQUEST_METHOD": method,
                "QUERY_STRING": query,
                "CONTENT_LENGTH": str(len(body)),
                "PATH_INFO": "/socket.io/",
                "HTTP_HOST": "testserver",
                "wsgi.url_scheme": "http",
                "wsgi.input": io.BytesIO(body),
                **environ,
            },
            lambda status, headers: answer.extend((status, headers)),
        )
        body = b"".join(chunks)
        return Reply(*answer, body) if answer else None

    def handshake(self, **environ):
        return self.request("GET", "EIO=4&transport=polling", **environ)

    def open(self):
        (packet,) = self.handshake().packets
        return json.loads(packet[1:])["sid"]

    def poll(self, sid, **environ):
        return self.request("GET", f"EIO=4&transport=polling&sid={sid}", **environ)

    def start_poll(self, sid):
        """A poll that waits, or has its answer."""
        query = f"EIO={self.link(sid).revision}&transport=polling&sid={sid}"
        poll = self.front.start(self.serve, "GET", query)
        self.until(lambda: poll.done or self.link(sid)._poll is not None)
        return poll

    def post(self, sid, body, **environ):
        return self.request("POST", f"EIO=4&transport=polling&sid={sid}", body, **environ)

    def link(self, sid):
        return self.receivers[sid].link

    def websocket(self, sid=None, query="EIO=4&transport=websocket"):
        self._clients.append(Client(self, sid, query))
        return self._clients[-1]

    def close(self):
        """End what is left of sessions and clients."""
        with self._holding:
            for session in list(self.server.sockets.values()):
                session.close("the test is over")
                session.abort()
        for client in self._clients:
            client.wait_for_the_end()


class Client:
    """A client with a WebSocket to a site, over a pair of sockets."""

    def __init__(self, site, sid, query):
        ours, theirs = map(site.front.green, socket.socketpair())
        ours.settimeout(PATIENCE)
        self._sock = ours
        self._protocol = Protocol(Side.CLIENT, state=State.OPEN, max_size=None)
        self._frames = []
        query += f"&sid={sid}" if sid else ""
        site.front.start(self._be_served, site, query, theirs)
        head = b""
        while b"\r\n\r\n" not in head:
            head += self._sock.recv(1)
        assert head.startswith(b"HTTP/1.1 101 ")

    def _be_served(self, site, query, sock):
        try:
            with contextlib.suppress(StopIteration):  # as gunicorn's workers are told of the end
                site.serve("GET", query, **WEBSOCKET, **{"gunicorn.socket": sock})
        finally:
            sock.close()

    def send(self, *packets):
        for packet in packets:
            if isinstance(packet, str):
                self._protocol.send_text(packet.encode())
            else:
                self._protocol.send_binary(packet)
        self._sock.sendall(b"".join(self._protocol.data_to_send()))

    def recv(self):
        """The next packet; None when the server has said goodbye, or ended it."""
        while not self._frames:
            data = self._sock.recv(65536)
            if not data:
                return None
            self._protocol.receive_data(data)
            self._frames += self._protocol.events_received()
        frame = self._frames.pop(0)
        if frame.opcode is Opcode.CLOSE:
            self._sock.sendall(b"".join(self._protocol.data_to_send()))
            return None
        return bytes(frame.data).decode() if frame.opcode is Opcode.TEXT else bytes(frame.data)

    def drop(self):
        self._sock.shutdown(socket.SHUT_WR)
        self.wait_for_the_end()

    def wait_for_the_end(self):
        """Read, and throw away, until the server has given its end of the socket back."""
        with self._sock:
            while self._sock.fileno() >= 0 and self._sock.recv(65536):
                pass
