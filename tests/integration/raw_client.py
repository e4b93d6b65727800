"""Clients that may break the protocol: Engine.IO packets by hand over HTTP and WebSocket."""

from __future__ import annotations

import base64
import http.client
import json
from collections import deque
from typing import Any

import attrs
import websocket
from child import PATIENCE, ServerProcess

BASE = "EIO=4&transport=polling"


@attrs.frozen
class Answer:
    """An HTTP response."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def request(
    server: ServerProcess,
    method: str,
    query: str,
    body: Any = None,
    headers: dict[str, str] | None = None,
    seconds: float = PATIENCE,
) -> Answer:
    """One request on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=seconds)
    try:
        connection.request(method, f"/socket.io/?{query}", body, headers or {})
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())
    finally:
        connection.close()


OPEN: set[RawClient] = set()
"""Those that hold a connection; `conftest` closes what a test leaves open."""


class Closed(Exception):
    """The server has ended the connection; ``code`` is the WebSocket's."""

    def __init__(self, code: int | None = None) -> None:
        super().__init__(code)
        self.code = code


class RawClient:
    """What both have in common. Packets are Engine.IO's, text with its type digit or bytes."""

    transport: str

    def __init__(self, server: ServerProcess) -> None:
        self.server = server
        self.answers_pings = True
        self.pings = 0

    def send(self, *packets: str | bytes) -> None:
        raise NotImplementedError

    def receive(self) -> str | bytes:
        """The next packet; pings are answered. Raises `Closed` at the end."""
        while True:
            packet = self._receive()
            if packet == "2":
                self.pings += 1
                if self.answers_pings:
                    self.send("3")
            elif packet != "6":
                return packet

    def _receive(self) -> str | bytes:
        raise NotImplementedError

    def join(self, path: str = "/chat", auth: Any = None) -> str:
        """Join a namespace; the sid in it."""
        prefix = "" if path == "/" else f"{path},"
        self.send("40" + prefix + ("" if auth is None else json.dumps(auth)))
        answer = self.receive()
        assert isinstance(answer, str)
        assert answer.startswith(f"40{prefix}{{"), answer
        return json.loads(answer[2 + len(prefix) :])["sid"]

    def ask(self, event: str, *args: Any, path: str = "/chat", number: int = 0) -> list[Any]:
        """Send an event to ``path`` and return what it is answered with, which must come next."""
        prefix = "" if path == "/" else f"{path},"
        self.send(f"42{prefix}{number}{json.dumps([event, *args])}")
        answer = self.receive()
        assert isinstance(answer, str)
        head = f"43{prefix}{number}"
        assert answer.startswith(head), answer
        return json.loads(answer[len(head) :])

    def drain(self) -> Closed:
        """Receive until the end, and return it."""
        try:
            while True:
                self.receive()
        except Closed as closed:
            return closed

    def close(self) -> None:
        """Go without a word."""


class Polling(RawClient):
    """A client that polls."""

    transport = "polling"

    def __init__(self, server: ServerProcess) -> None:
        super().__init__(server)
        self._waiting: deque[str | bytes] = deque()
        answer = request(server, "GET", BASE)
        assert answer.status == 200, answer
        self.opened = json.loads(answer.body[1:])
        self.query = f"{BASE}&sid={self.opened['sid']}"

    def send(self, *packets: str | bytes) -> None:
        answer = self.post(*packets)
        assert (answer.status, answer.body) == (200, b"ok"), answer

    def post(self, *packets: str | bytes) -> Answer:
        """Post packets in one payload; the response."""
        return self.post_body("\x1e".join(map(_polled, packets)).encode())

    def post_body(self, body: bytes, **headers: str) -> Answer:
        return request(self.server, "POST", self.query, body, headers)

    def poll(self, seconds: float = PATIENCE) -> Answer:
        """One poll; the response."""
        return request(self.server, "GET", self.query, seconds=seconds)

    def _receive(self) -> str | bytes:
        if not self._waiting:
            try:
                answer = self.poll()
            except ConnectionError:
                raise Closed from None
            if answer.status != 200:
                raise Closed
            self._waiting.extend(map(_unpolled, answer.body.decode().split("\x1e")))
        packet = self._waiting.popleft()
        if packet == "1":
            raise Closed
        return packet


class WebSocket(RawClient):
    """A client with a WebSocket, from the beginning or (``sid``) for an upgrade."""

    transport = "websocket"

    def __init__(self, server: ServerProcess, sid: str | None = None) -> None:
        super().__init__(server)
        more = f"&sid={sid}" if sid else ""
        self.socket = websocket.create_connection(
            f"ws://127.0.0.1:{server.port}/socket.io/?EIO=4&transport=websocket{more}",
            timeout=PATIENCE,
        )
        OPEN.add(self)
        if sid is None:
            self.opened = json.loads(str(self._receive())[1:])

    def send(self, *packets: str | bytes) -> None:
        for packet in packets:
            if isinstance(packet, str):
                self.socket.send(packet)
            else:
                self.socket.send_binary(packet)

    def send_frame(self, data: bytes, opcode: int, fin: int = 1) -> None:
        """One frame as it is."""
        frame = websocket.ABNF(fin, 0, 0, 0, opcode, 1, data)
        self.socket.send_frame(frame)

    def _receive(self) -> str | bytes:
        try:
            opcode, data = self.socket.recv_data()
        except (websocket.WebSocketConnectionClosedException, ConnectionError):
            raise Closed from None
        if opcode == websocket.ABNF.OPCODE_CLOSE:
            raise Closed(int.from_bytes(data[:2], "big") if data else None)
        return data.decode() if opcode == websocket.ABNF.OPCODE_TEXT else data

    def close(self) -> None:
        """Cut the connection."""
        OPEN.discard(self)
        self.socket.shutdown()


def _polled(packet: str | bytes) -> str:
    return packet if isinstance(packet, str) else "b" + base64.b64encode(packet).decode()


def _unpolled(packet: str) -> str | bytes:
    return base64.b64decode(packet[1:]) if packet.startswith("b") else packet


CLIENTS: dict[str, type[RawClient]] = {"polling": Polling, "websocket": WebSocket}
